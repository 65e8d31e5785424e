/** The first start of the desktop: what the window and the tray say, and where the first password is. */
import assert from 'node:assert/strict';
import { access, mkdtempDisposable, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { needsDesktop, startDesktop, type TestDesktop } from '../support/desktop.ts';
import { click, onlyStandIn, push, running, trayOf, trayShows, until } from '../support/desktop-acts.ts';
import { request } from '../support/http.ts';
import { startRegistry } from '../support/registry.ts';
import { checkAccessibility, goTo } from '../support/window.ts';

const withKeychain = { STAND_IN_KEYCHAIN: 'gnome_libsecret' } as const;

suite('the first start of the desktop', needsDesktop(), () => {
  test('without a keychain the password stays in its file, and the page says so', onlyStandIn, async (t) => {
    await using desktop = await startDesktop({ isFirstRun: true });
    const page = await desktop.openPage();
    const setup = await openSetup(page);
    const file = join(desktop.dataDir, 'berth', 'first-password');
    const password = (await readFile(file, 'utf8')).trim();

    await t.test('the tray asks to finish the set-up, and opens it', async () => {
      await trayShows(desktop, 'notSetUp', /^Finish setup$/);
      assert.deepEqual((await trayOf(desktop)).items, ['Finish setup', 'Open Berth', 'Quit']);
      await goTo(page, '#/logs');

      await click(desktop, 'Finish setup');

      await setup.waitFor();
    });

    await t.test('the registry is up, with its address and its user', async () => {
      const { plainUrl } = await desktop.holder();
      await setup
        .getByText(new URL(plainUrl).host.replace('127.0.0.1', 'localhost'), { exact: true })
        .waitFor();
      await setup.getByText('dev', { exact: true }).waitFor();
      await checkAccessibility(page);
    });

    await t.test('it listens on loopback alone, and lets nobody in without a login', async (each) => {
      const { pid } = await desktop.holder();
      const ca = await readFile(join(desktop.dataDir, 'berth', 'tls', 'ca.crt'), 'utf8');

      const listeners = await listenersOf(pid);
      const answers = await Promise.all(
        listeners.flatMap(({ host, port }) =>
          ['http', 'https'].map(async (scheme) => {
            const headers = { host: `localhost:${port}` };
            return (await request(`${scheme}://${host}:${port}`, { path: '/v2/', headers, ca })).status;
          }),
        ),
      );

      each.diagnostic(
        `a password of ${password.length} characters; listens on ${listeners.map(({ host, port }) => `${host}:${port}`).join(' and ')}; without a login ${answers.join(', ')}`,
      );
      assert.equal(password.length, 20);
      assert.ok(listeners.length > 0);
      assert.deepEqual(
        listeners.filter(({ host }) => host !== '127.0.0.1' && host !== '[::1]'),
        [],
      );
      assert.deepEqual(new Set(answers), new Set([401]));
    });

    await t.test('the password is shown on asking, and hidden again', async () => {
      await setup.getByText(`Kept in a file only you can read: ${file}`).waitFor();
      assert.ok(!(await page.content()).includes(password));

      await setup.getByRole('button', { name: 'Reveal the password' }).press('Enter');
      await setup.getByText(password, { exact: true }).waitFor();
      await checkAccessibility(page);
      await setup.getByRole('button', { name: 'Hide the password' }).press('Enter');

      await setup.getByLabel('Hidden').waitFor();
      assert.ok(!(await page.content()).includes(password));
      assert.equal(await mayPull(desktop, password), 200);
    });

    await t.test('it is forgotten after a question, and stays the password', async () => {
      await setup.getByRole('button', { name: 'Forget it' }).press('Enter');
      const dialog = page.getByRole('alertdialog');
      await checkAccessibility(page);
      await dialog.getByRole('button', { name: 'Cancel' }).press('Enter');
      await access(file);
      await setup.getByRole('button', { name: 'Forget it' }).press('Enter');
      await dialog.getByRole('button', { name: 'Forget the password' }).press('Enter');

      await setup.getByRole('button', { name: 'Reveal the password' }).waitFor({ state: 'detached' });
      await assert.rejects(access(file), { code: 'ENOENT' });
      assert.equal(await mayPull(desktop, password), 200);
    });

    await t.test(
      'putting the set-up away is kept, in the tray as well, and it can be had again',
      async () => {
        await setup.getByRole('button', { name: /show again/ }).press('Enter');
        await setup.waitFor({ state: 'detached' });
        await trayShows(desktop, 'running', /^Running: 0 repositories/);
        await page.getByRole('button', { name: 'Undo' }).press('Enter');
        await setup.waitFor();
        await trayShows(desktop, 'notSetUp', /^Finish setup$/);
        await setup.getByRole('button', { name: /show again/ }).press('Enter');
        await setup.waitFor({ state: 'detached' });

        await page.reload();
        await page.getByRole('region', { name: 'Waiting for your first push' }).waitFor();
        assert.equal(await setup.count(), 0);
        await goTo(page, '#/settings');
        await page.getByRole('link', { name: 'Show set-up again' }).first().press('Enter');

        await setup.waitFor();
      },
    );
  });

  test('with a keychain the password leaves its file, and outlives the app', onlyStandIn, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-first-'));
    const dataDir = join(folder.path, 'data');
    const config = join(folder.path, 'config');
    const kept = join(config, 'Berth', 'first-passwords.json');
    const start = () =>
      startDesktop({ isFirstRun: true, dataDir, env: { ...withKeychain, XDG_CONFIG_HOME: config } });
    const reveal = async (desktop: TestDesktop): Promise<string> => {
      const setup = await openSetup(await desktop.openPage());
      await setup.getByText('Encrypted by the keychain of this system.').waitFor();
      await setup.getByRole('button', { name: 'Reveal the password' }).press('Enter');
      return await setup
        .locator('code')
        .filter({ hasText: /^\S{20}$/ })
        .innerText();
    };

    await using first = await start();
    const password = await reveal(first);
    const files = [await readFile(kept, 'utf8'), first.log()];
    await first.app.close();
    await using second = await start();
    const again = await reveal(second);

    assert.equal(again, password);
    assert.equal(await mayPull(second, password), 200);
    await assert.rejects(access(join(dataDir, 'berth', 'first-password')), { code: 'ENOENT' });
    assert.equal((await stat(kept)).mode & 0o777, 0o600);
    for (const text of files) assert.ok(!text.includes(password));
  });

  test('a password that berth serve left in its file is shown, and left there', onlyStandIn, async () => {
    await using served = await startRegistry({ listen: 'localhost:0', auth: 'htpasswd' });
    await using desktop = await startDesktop({
      isFirstRun: true,
      dataDir: served.dataDir,
      env: withKeychain,
    });
    const setup = await openSetup(await desktop.openPage());
    const file = join(served.dataDir, 'berth', 'first-password');

    await setup.getByText(`Kept in a file only you can read: ${file}`).waitFor();

    await access(file);
  });

  test('the first push ends the set-up', onlyStandIn, async () => {
    await using desktop = await startDesktop({ isFirstRun: true });
    const page = await desktop.openPage();
    const setup = await openSetup(page);
    await trayShows(desktop, 'notSetUp', /^Finish setup$/);

    await push(desktop, 'team/one');

    await page.getByRole('region', { name: 'Your first image is here' }).waitFor();
    await setup.waitFor();
    await trayShows(desktop, 'running', /^Running: 1 repository/);
    const file = join(desktop.userData, 'preferences.json');
    await until(async () => (JSON.parse(await readFile(file, 'utf8')) as { isSetUp: boolean }).isSetUp);
    await page.reload();
    await page.getByRole('grid', { name: 'Recent pushes' }).waitFor();
    assert.equal(await setup.count(), 0);
  });
});

/** The panel of the first run, once it knows the engines of the computer. */
async function openSetup(page: Page) {
  // Colours that move from one theme to the other have a contrast of their own.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await running(page);
  const setup = page.getByRole('region', { name: 'Your registry is running' });
  await setup.waitFor();
  return setup;
}

/** The status that the registry gives the first user. */
async function mayPull(desktop: TestDesktop, password: string): Promise<number> {
  const { plainUrl } = await desktop.holder();
  const authorization = `Basic ${Buffer.from(`dev:${password}`).toString('base64')}`;
  return (await request(plainUrl, { path: '/v2/', headers: { authorization } })).status;
}

/** Where a process listens for connections, by the tables of Linux. */
async function listenersOf(pid: number) {
  const fds = join('/proc', String(pid), 'fd');
  const links = await Promise.all(
    (await readdir(fds)).map((name) => readlink(join(fds, name)).catch(() => '')),
  );
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8')));
  return tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      if (state !== '0A' || !links.includes(`socket:[${inode}]`)) return [];
      const host = loopback[address] ?? address;
      return [{ host, port: Number.parseInt(port, 16) }];
    }),
  );
}

/** As the tables write them. */
const loopback: Readonly<Record<string, string>> = {
  '0100007F': '127.0.0.1',
  '00000000000000000000000001000000': '[::1]',
};
