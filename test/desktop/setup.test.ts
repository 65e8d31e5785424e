/**
 * From the first start to the first push by real engines, in the app as it is built: a private Docker, and a Podman with a
 * storage of its own. Nothing of this computer changes: /etc is that of the private engine.
 */
import assert from 'node:assert/strict';
import {
  chmod,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  rename,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { before as beforeAll, suite, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import { openClient } from '../../registry/cli/client.ts';
import { buildDesktop, needsDesktop, startDesktop, type TestDesktop } from '../support/desktop.ts';
import { click, push, running, trayOf, trayShows, until } from '../support/desktop-acts.ts';
import { isInsideEngine } from '../support/engine.ts';
import { makeImage } from '../support/image.ts';
import { succeed } from '../support/process.ts';
import { checkAccessibility, goTo } from '../support/window.ts';

/** That of the private engine. */
const dockerSocket = '/run/docker.sock';

const repository = join(import.meta.dirname, '..', '..');

if (await isInsideEngine(import.meta.filename)) {
  suite('the set-up with real engines', needsDesktop('podman', 'busybox', 'openssl'), () => {
    // The time from start to push is measured.
    beforeAll(buildDesktop);

    test('Docker: from the start of the app to the first push', async (t) => {
      await using person = await openPerson();
      const startedAt = performance.now();
      await using desktop = await person.start();
      const page = await openHome(desktop);
      await trayShows(desktop, 'notSetUp', /^Finish setup$/);
      const engine = engineOf(page, 'Docker');
      const sheet = page.getByRole('alertdialog');

      await t.test('two clicks, and it is proved that it can push', async (each) => {
        await engine.getByText('Needs a login.').waitFor();
        const shownMs = since(startedAt);
        await engine.getByRole('button', { name: 'Set up Docker' }).click();
        await sheet
          .getByText(join(person.home, '.docker', 'config.json'))
          .first()
          .waitFor();
        await checkAccessibility(page);
        const agreedAt = performance.now();
        await sheet.getByRole('button', { name: 'Allow' }).click();

        await engine.getByText('It can push.').waitFor();

        each.diagnostic(
          `engines shown ${shownMs} ms after the start; ready ${since(agreedAt)} ms after Allow`,
        );
        assert.deepEqual(await ticksOf(page, 'Docker'), ['Yes Reached', 'Yes Trusted', 'Yes Logged in']);
        await checkAccessibility(page);
      });

      await t.test('the commands that are shown push an image of Docker', async (each) => {
        await person.load('docker');
        const commands = await page.getByRole('group', { name: 'tag and push' }).innerText();
        const { plainUrl } = await desktop.holder();
        const address = `localhost:${new URL(plainUrl).port}`;
        assert.deepEqual(commands.split('\n'), [
          `docker tag app:1 ${address}/app:1`,
          `docker push ${address}/app:1`,
        ]);

        const pushedAt = performance.now();
        for (const command of commands.split('\n')) await person.run(...command.split(' '));
        const pushMs = since(pushedAt);
        const arrived = page.getByRole('region', { name: 'Your first image is here' });
        await arrived.getByRole('link', { name: 'app:1' }).waitFor();

        each.diagnostic(`tag and push took ${pushMs} ms; ${since(startedAt)} ms from the start of the app`);
        assert.ok(since(startedAt) < 60_000);
        await trayShows(desktop, 'running', /^Running: 1 repository/);
      });
    });

    test('Podman: trusts one file, is logged in, and pushes', async (t) => {
      await using person = await openPerson();
      const startedAt = performance.now();
      await using desktop = await person.start();
      const page = await openHome(desktop);
      const engine = engineOf(page, 'Podman');
      const sheet = page.getByRole('alertdialog');
      const port = new URL((await desktop.holder()).plainUrl).port;
      const certificate = `/etc/containers/certs.d/localhost:${port}/berth.crt`;

      await t.test('a refused certificate leaves nothing changed, and one line on Home', async () => {
        const before = await person.files();
        await engine.getByRole('button', { name: 'Set up Podman' }).click();
        await sheet.getByText(certificate).first().waitFor();
        await sheet.getByRole('button', { name: 'Not now' }).click();

        await engine.getByText('It does not trust this registry yet. Nothing was changed.').waitFor();
        assert.deepEqual(await person.files(), before);
        assert.deepEqual(await tokensOf(desktop), []);
        const needsYou = page.getByRole('region', { name: 'Needs you' });
        const line = needsYou.getByRole('listitem').filter({ hasText: 'does not trust this registry yet' });
        await line.getByRole('button', { name: /^Don’t remind me/ }).waitFor();
        await line.getByRole('button', { name: 'Fix' }).click();
        await sheet.getByText(certificate).first().waitFor();
        await page.keyboard.press('Escape');
        await sheet.waitFor({ state: 'detached' });
      });

      await t.test('a refused login after that leaves the certificate alone, and is told, too', async () => {
        await engine.getByRole('button', { name: 'Try again' }).or(setUp(page, 'Podman')).click();
        await sheet.getByText(certificate).first().waitFor();
        await sheet.getByRole('button', { name: 'Allow' }).click();
        await sheet
          .getByText(join(person.home, '.docker', 'config.json'))
          .first()
          .waitFor();
        const before = await person.files();
        await sheet.getByRole('button', { name: 'Not now' }).click();

        await engine.getByText('It is not logged in yet.').waitFor();
        assert.deepEqual(await person.files(), before);
        await page
          .getByRole('region', { name: 'Needs you' })
          .getByText(/Podman .* is not logged in to this registry yet/)
          .waitFor();
      });

      await t.test('agreed to, it is proved and pushes', async (each) => {
        const agreedAt = performance.now();
        await setUp(page, 'Podman')
          .or(engine.getByRole('button', { name: 'Try again' }))
          .click();
        await sheet.getByRole('button', { name: 'Allow' }).click();
        await engine.getByText('It can push.').waitFor();
        each.diagnostic(`ready ${since(agreedAt)} ms after the click`);
        assert.deepEqual(await ticksOf(page, 'Podman'), ['Yes Reached', 'Yes Trusted', 'Yes Logged in']);
        await person.load('podman');

        const commands = await page.getByRole('group', { name: 'tag and push' }).innerText();
        for (const command of commands.split('\n')) await person.run(...command.split(' '));

        await page
          .getByRole('region', { name: 'Your first image is here' })
          .getByRole('link', { name: 'app:1' })
          .waitFor();
        each.diagnostic(`${since(startedAt)} ms from the start of the app, with two refusals`);
        assert.equal(
          await page.getByText(/is not logged in to this registry yet/).count(),
          0,
          'the line is still there',
        );
      });
    });

    test('the tray asks for the trust that an engine needs, until it has it or nobody wants to hear of it', async () => {
      await using person = await openPerson();
      // Docker needs no trust here, so that Podman could wait.
      await rename(dockerSocket, `${dockerSocket}.away`);
      await using back = new AsyncDisposableStack();
      back.defer(() => rename(`${dockerSocket}.away`, dockerSocket));
      await using desktop = await startDesktop({ env: person.env });
      const page = await desktop.openPage();
      await running(page);
      // The set-up is done with that.
      await push(desktop, 'team/first');
      const line = page.getByRole('listitem').filter({ hasText: 'does not trust this registry yet' });
      await trayShows(desktop, 'attention', /^Trust in Podman/);
      await goTo(page, '#/settings');
      await click(desktop, (await trayOf(desktop)).items[0] ?? '');

      await line.getByRole('button', { name: /^Don’t remind me/ }).click();
      await trayShows(desktop, 'running', /^Running: /);
      await page.getByRole('button', { name: 'Undo' }).click();
      await trayShows(desktop, 'attention', /^Trust in Podman/);
      await line.getByRole('button', { name: 'Fix' }).click();
      await page.getByRole('alertdialog').getByRole('button', { name: 'Allow' }).click();

      await trayShows(desktop, 'running', /^Running: /);
    });

    test('images of an engine are pushed by it', async (t) => {
      await using person = await openPerson();
      await using desktop = await person.start();
      const page = await openHome(desktop);
      await Promise.all([person.load('docker'), person.load('podman')]);
      const dialog = page.getByRole('dialog', { name: 'Push images of this computer' });
      const pushes = dialog.getByRole('list', { name: 'Pushes' });

      await t.test('they are listed once somebody has allowed it', async () => {
        await page.getByRole('button', { name: 'Push images of this computer' }).click();
        await dialog.getByText(/May Berth look at the images of Docker/).waitFor();
        assert.equal(await dialog.getByRole('grid').count(), 0);
        await checkAccessibility(page);
        await dialog.getByRole('button', { name: 'Allow' }).click();

        await imageRow(page, 'app:1').waitFor();
        await page.keyboard.press('Escape');
        await goTo(page, '#/repositories');
        await page.getByRole('button', { name: 'Push images of this computer' }).click();
        await imageRow(page, 'app:1').waitFor();
        const file = join(person.home, '.config', 'Berth', 'preferences.json');
        const kept = JSON.parse(await readFile(file, 'utf8')) as { readonly mayListImages: boolean };
        assert.equal(kept.mayListImages, true);
      });

      await t.test('the commands then speak of the newest one', async () => {
        await page.keyboard.press('Escape');
        await goTo(page, '#/home');
        const connect = page.getByRole('region', { name: 'Connect' });
        await connect.getByRole('radio', { name: /^Podman/ }).press('Space');

        await connect.getByText(/^podman tag localhost\/app:1 localhost:\d+\/app:1$/m).waitFor();

        await page.keyboard.press('Shift+P');
        await imageRow(page, 'app:1').waitFor();
      });

      await t.test('Docker pushes what was chosen, under the names that were typed', async () => {
        const before = await person.images('docker');
        await dialog.getByRole('searchbox', { name: 'Search images' }).fill('app');
        await imageRow(page, 'app:1').getByRole('checkbox').press('Space');
        const name = dialog.getByRole('textbox', { name: 'Name of app:1 here' });
        assert.equal(await name.inputValue(), 'app:1');
        await name.fill('Team/App');
        await dialog.getByText(/Lower-case letters/).waitFor();
        assert.ok(await dialog.getByRole('button', { name: 'Push 1 image' }).isDisabled());
        await checkAccessibility(page);
        await name.fill('team/app:7');
        await dialog.getByRole('button', { name: 'Push 1 image' }).click();

        await pushes.getByRole('listitem').filter({ hasText: 'Done' }).getByText('team/app:7').waitFor();
        await checkAccessibility(page);
        assert.deepEqual(await person.images('docker'), before);
        await hasTags(desktop, ['team/app:7']);
        assert.deepEqual(await tokensOf(desktop), []);
      });

      await t.test(
        'Podman says in words that it does not trust the registry, and pushes when it does',
        async () => {
          await dialog.getByRole('button', { name: 'Push more' }).click();
          await chooseEngine(page, /^Podman/);
          await pushOne(page, 'localhost/app:1', 'pods/app:1');
          await pushes
            .getByRole('alert')
            .filter({ hasText: /^Podman .* cannot push\. .*certificate/i })
            .waitFor();
          await trustByFile(desktop);
          const before = await person.images('podman');

          await dialog.getByRole('button', { name: 'Push more' }).click();
          await chooseEngine(page, /^Podman/);
          await pushOne(page, 'localhost/app:1', 'pods/app:1');

          await pushes.getByRole('listitem').filter({ hasText: 'Done' }).getByText('pods/app:1').waitFor();
          assert.deepEqual(await person.images('podman'), before);
          await hasTags(desktop, ['pods/app:1', 'team/app:7']);
        },
      );

      await t.test('what is cancelled is not there, and leaves no name and no token', async () => {
        await person.load('docker', { ref: 'large:1', layers: 1, layerMib: 150, seed: 7 });
        await person.load('docker', { ref: 'small:1', seed: 8 });
        const before = await person.images('docker');
        await dialog.getByRole('button', { name: 'Close' }).last().click();
        await goTo(page, '#/home');
        await page.keyboard.press('Shift+P');
        await imageRow(page, 'large:1').getByRole('checkbox').press('Space');
        await imageRow(page, 'small:1').getByRole('checkbox').press('Space');
        await dialog.getByRole('button', { name: 'Push 2 images' }).click();
        const large = pushes.getByRole('listitem').filter({ hasText: 'large:1' });
        await large.getByText(/^[1-9][\d.]*[kM]B/).waitFor();

        await dialog.getByRole('button', { name: 'Cancel' }).click();

        await large.getByText('Cancelled').waitFor();
        await pushes.getByRole('listitem').filter({ hasText: 'small:1' }).getByText('Cancelled').waitFor();
        await hasTags(desktop, ['pods/app:1', 'team/app:7']);
        await until(async () => isDeepStrictEqual(await person.images('docker'), before));
        assert.deepEqual(await tokensOf(desktop), []);
      });
    });
  });
}

/** Somebody with a home of their own, whose Podman keeps its images there. */
async function openPerson() {
  await using cleanup = new AsyncDisposableStack();
  const { path: home } = cleanup.use(await mkdtempDisposable(join(tmpdir(), 'berth-person-')));
  const config = join(home, '.config');
  const programs = join(home, 'programs');
  await Promise.all([mkdir(config), mkdir(programs)]);
  await symlink((await succeed('sh', ['-c', 'command -v docker'])).trim(), join(programs, 'docker'));
  // As a package puts it on the PATH; root's own place for it would be one of this computer.
  const helper = join(programs, 'docker-credential-berth');
  const source = join(repository, 'main/engine/login/docker-credential-berth.ts');
  await writeFile(helper, `#!/bin/sh\nexec ${process.execPath} ${source} "$@"\n`);
  await chmod(helper, 0o755);
  const storage = join(home, 'storage.conf');
  const folders = ['graphroot', 'runroot'].map((name) => `${name} = "${join(home, 'podman', name)}"`);
  await writeFile(storage, ['[storage]', 'driver = "vfs"', ...folders, ''].join('\n'));
  const containers = join(home, 'containers.conf');
  await writeFile(containers, '[engine]\nevents_logger = "file"\ncgroup_manager = "cgroupfs"\n');
  const env = {
    HOME: home,
    XDG_CONFIG_HOME: config,
    PATH: [programs, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(delimiter),
    CONTAINERS_STORAGE_CONF: storage,
    CONTAINERS_CONF: containers,
    PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
  };
  const run = async (...[program = '', ...args]: readonly string[]): Promise<string> =>
    await succeed(program, args, { env });
  const owned = cleanup.move();
  return {
    home,
    env,
    run,
    /** Starts the app for the first time. */
    start: () => startDesktop({ isFirstRun: true, env }),
    /** Puts an image into an engine. */
    async load(engine: 'docker' | 'podman', image: Partial<Parameters<typeof makeImage>[0]> = {}) {
      await using folder = await mkdtempDisposable(join(home, 'image-'));
      const { out } = await makeImage({ out: join(folder.path, 'image.tar'), ref: 'app:1', ...image });
      await run(engine, 'load', '--quiet', '--input', out);
    },
    /** The names that an engine knows, and what they mean. */
    async images(engine: 'docker' | 'podman'): Promise<readonly string[]> {
      const format = '{{.Repository}}:{{.Tag}} {{.ID}}';
      return (await run(engine, 'images', '--no-trunc', '--format', format)).trim().split('\n').toSorted();
    },
    /** What the set-up could change: files with what is in them. */
    async files(): Promise<readonly (readonly [path: string, text: string])[]> {
      const places = [
        '/etc/containers',
        '/etc/docker',
        join(home, '.docker'),
        join(config, 'berth'),
        programs,
      ];
      const files = await Promise.all(places.map(filesIn));
      return await Promise.all(
        files.flat().map(async (path) => [path, await readFile(path, 'utf8')] as const),
      );
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();
}

async function openHome(desktop: TestDesktop): Promise<Page> {
  const page = await desktop.openPage();
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await running(page);
  await page.getByRole('region', { name: 'Your registry is running' }).waitFor();
  return page;
}

function engineOf(page: Page, name: string) {
  return page.getByRole('list', { name: 'Engines of this computer' }).getByRole('listitem', {
    name: new RegExp(`^${name} `),
  });
}

function setUp(page: Page, name: string) {
  return engineOf(page, name).getByRole('button', { name: `Set up ${name}` });
}

/** `Yes Reached`: what the mark says, and of what. */
async function ticksOf(page: Page, name: string): Promise<readonly string[]> {
  const list = page.getByRole('list', { name: new RegExp(`^Proof of ${name}`) });
  return await list
    .getByRole('listitem')
    .evaluateAll((items) =>
      items.map(
        (item) => `${item.querySelector('svg')?.getAttribute('aria-label')} ${item.textContent.trim()}`,
      ),
    );
}

function imageRow(page: Page, name: string) {
  return page
    .getByRole('dialog', { name: 'Push images of this computer' })
    .getByRole('row')
    .filter({ hasText: new RegExp(`^${name}`) });
}

async function pushOne(page: Page, image: string, name: string): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'Push images of this computer' });
  await imageRow(page, image).getByRole('checkbox').press('Space');
  await dialog.getByRole('textbox', { name: `Name of ${image} here` }).fill(name);
  await dialog.getByRole('button', { name: 'Push 1 image' }).click();
}

async function chooseEngine(page: Page, title: RegExp): Promise<void> {
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Engine/ })
    .click();
  await page.getByRole('option', { name: title }).click();
}

/** What the consent for Podman would write. */
async function trustByFile(desktop: TestDesktop): Promise<void> {
  const { port } = new URL((await desktop.holder()).plainUrl);
  const file = `/etc/containers/certs.d/localhost:${port}/berth.crt`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, await readFile(join(desktop.dataDir, 'berth/tls/ca.crt')));
}

/** What is listed, once it is as much. */
async function hasTags(desktop: TestDesktop, expected: readonly string[]): Promise<void> {
  using client = await openClient(desktop.dataDir);
  let tags: readonly string[] = [];
  await until(async () => {
    const rows = await client.call('tags.recent', { limit: 50 });
    tags = rows.map((each) => `${each.repository}:${each.tag}`).toSorted();
    return tags.length >= expected.length;
  });
  assert.deepEqual(tags, expected);
}

async function tokensOf(desktop: TestDesktop): Promise<readonly string[]> {
  using client = await openClient(desktop.dataDir);
  const { rows } = await client.call('tokens.list', {});
  return rows.map(({ label }) => label);
}

function since(start: number): number {
  return Math.round(performance.now() - start);
}
