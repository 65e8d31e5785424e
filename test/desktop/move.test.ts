/** The data directory of the desktop app is moved, and is another one from the first run on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, mkdtempDisposable, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { findDataIn } from '../../registry/disk/lock.ts';
import {
  type DesktopModule,
  isReal,
  needsDesktop,
  startDesktop,
  type TestDesktop,
} from '../support/desktop.ts';
import { running, trayOf, trayShows, until } from '../support/desktop-acts.ts';
import { keysOf } from '../support/keys.ts';
import { pushImage } from '../support/push.ts';
import { checkAccessibility, goTo } from '../support/window.ts';

const onlyLinux = process.platform === 'linux' ? {} : { skip: 'the process is found by /proc' };

suite('moving the data directory in the desktop app', needsDesktop(), () => {
  test('by a sheet, and back, and for good', async (t) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-move-'));
    const target = join(folder.path, 'disk', 'berth');
    await using desktop = await startDesktop({ isPlaceFree: true });
    const page = await desktop.openPage();
    await running(page);
    const old = desktop.dataDir;
    const password = await passwordIn(old);
    await pushTo(old, password, 'team/before');
    await goTo(page, '#/storage');
    const panel = page.getByRole('region', { name: 'Data directory' });
    const sheet = page.getByRole('alertdialog');

    await t.test('a folder with files of others is refused, and so is one inside', async () => {
      await mkdir(join(folder.path, 'full'));
      await writeFile(join(folder.path, 'full', 'letter.txt'), 'x');
      for (const [path, said] of [
        [join(folder.path, 'full'), 'is not empty'],
        [join(old, 'inside'), 'are inside one another'],
      ] as const) {
        await chooseNext(desktop, path);
        await panel.getByRole('button', { name: 'Move…' }).click();
        await page.getByText(said).waitFor();
      }
      assert.equal(await sheet.count(), 0);
    });

    await t.test('the sheet says from where, where to and how much; "Not now" changes nothing', async () => {
      await chooseNext(desktop, target);
      await panel.getByRole('button', { name: 'Move…' }).click();
      await sheet.getByText(old, { exact: true }).waitFor();
      await sheet.getByText(target, { exact: true }).waitFor();
      await sheet.getByText(/^\d[\d.]*[KMG]?B in \d+ files$/i).waitFor();
      await checkAccessibility(page);

      await sheet.getByRole('button', { name: 'Not now' }).click();

      await sheet.waitFor({ state: 'detached' });
      assert.deepEqual(await readdir(folder.path), ['full']);
    });

    await t.test('the registry goes on at the new place, with all that it had', async () => {
      await chooseNext(desktop, target);
      await panel.getByRole('button', { name: 'Move…' }).click();
      await sheet.getByRole('button', { name: /^Move / }).click();

      await panel.getByText(target, { exact: true }).waitFor();
      await running(page);
      await panel.getByText('is kept until you delete it').waitFor();
      await checkAccessibility(page);
      await pushTo(target, password, 'team/after');
      assert.deepEqual(await namesIn(target, password), ['team/after', 'team/before']);
      assert.deepEqual(JSON.parse(await readFile(pointerOf(desktop), 'utf8')), { path: target, other: old });
      assert.equal((await stat(pointerOf(desktop))).mode & 0o777, 0o600);
    });

    await t.test('going back finds the old as it was, and the new is kept', async () => {
      await panel.getByRole('button', { name: 'Use it again…' }).click();
      await sheet.getByRole('button', { name: 'Use the other copy' }).click();

      await until(async () => (await namesIn(old, password)).join(' ') === 'team/before');
      await panel.getByText(target, { exact: true }).waitFor();
      await running(page);
      await panel.getByRole('button', { name: 'Use it again…' }).click();
      await sheet.getByRole('button', { name: 'Use the other copy' }).click();
      await until(async () => (await namesIn(target, password)).length === 2);
    });

    await t.test('the old one is deleted when a person says so', async () => {
      await panel.getByRole('button', { name: 'Delete it…' }).click();
      await sheet.getByText(old, { exact: true }).waitFor();
      await sheet.getByRole('button', { name: /^Delete \d/ }).click();

      await until(async () => (await findDataIn(old)) === undefined);
      await sheet.waitFor({ state: 'detached' });
      await panel.getByRole('button', { name: 'Move…' }).waitFor();
      assert.deepEqual(JSON.parse(await readFile(pointerOf(desktop), 'utf8')), { path: target });
      assert.deepEqual(await namesIn(target, password), ['team/after', 'team/before']);
    });
  });

  test('a kill in the middle leaves the old in use, and nothing of the new', async (t) => {
    await using cleanup = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'berth-kill-'));
    // A Chromium whose app was killed ends a little later than the app, and writes until then.
    cleanup.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const home = join(folder, 'home');
    const target = join(folder, 'new');
    await mkdir(home);
    const options = { isPlaceFree: true, home, env: { TMPDIR: folder } };
    let password = '';
    let old = '';

    await t.test('kill -9 of the whole app', async () => {
      await using desktop = await startDesktop(options);
      const page = await desktop.openPage();
      await running(page);
      old = desktop.dataDir;
      password = await passwordIn(old);
      await pushTo(old, password, 'team/before');
      await writeFile(join(old, 'docker', 'large'), Buffer.alloc(200_000_000, 'berth'));
      await goTo(page, '#/storage');
      await beginMove(desktop, page, target);
      await until(async () => (await findDataIn(target)) === 'incomplete');
      const ended = once(desktop.app.process(), 'exit');

      desktop.app.process().kill('SIGKILL');

      await ended;
      assert.equal(await findDataIn(target), 'incomplete');
    });

    await using desktop = await startDesktop(options);
    const page = await desktop.openPage();
    await running(page);

    await t.test('the next start uses the old, and clears the rest away', async () => {
      assert.deepEqual(await namesIn(old, password), ['team/before']);
      await until(async () => (await findDataIn(target)) === undefined);
      await until(async () => (await readFile(pointerOf(desktop), 'utf8')).trim() === '{}');
      await assert.rejects(stat(target), { code: 'ENOENT' });
    });

    await t.test('kill -9 of the process that copies', onlyLinux, async () => {
      await goTo(page, '#/storage');
      await beginMove(desktop, page, target);
      process.kill(await copierOf(desktop, target), 'SIGKILL');

      await page.getByText('The data was not moved. The copy ended before it was complete.').waitFor();
      await running(page);
      assert.deepEqual(await namesIn(old, password), ['team/before']);
      assert.equal(await findDataIn(target), undefined);
      await page.getByRole('button', { name: 'OK' }).click();
    });

    await t.test('Cancel, while the tray says what is under way', onlyLinux, async () => {
      await beginMove(desktop, page, target);
      process.kill(await copierOf(desktop, target), 'SIGSTOP');
      if (!isReal) {
        await trayShows(desktop, 'starting', /^Moving the data/);
        assert.deepEqual((await trayOf(desktop)).items.slice(1), ['Show', '-', 'Open Berth', 'Quit']);
      }
      await page.getByText('The data of the registry is being moved').waitFor();
      await checkAccessibility(page);

      await page.getByRole('button', { name: 'Cancel' }).click();

      await running(page);
      await until(async () => (await findDataIn(target)) === undefined);
      await until(async () => (await readFile(pointerOf(desktop), 'utf8')).trim() === '{}');
      assert.deepEqual(await namesIn(old, password), ['team/before']);
    });
  });

  test('another folder and another port before anything is stored', async (t) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-place-'));
    const target = join(folder.path, 'elsewhere');
    const [first, second] = [await freePort(), await freePort()];
    await using desktop = await startDesktop({
      isPlaceFree: true,
      isFirstRun: true,
      config: `http:\n  addr: localhost:${first}\n`,
    });
    const page = await desktop.openPage();
    const panel = page.getByRole('region', { name: 'Your registry is running' });
    const dialog = page.getByRole('dialog');
    await panel.getByText(desktop.dataDir, { exact: true }).waitFor();

    await t.test('the port', async () => {
      const keys = keysOf(page);
      await keys.use(panel.getByRole('button', { name: 'Change the port…' }));
      await keys.fill(dialog.getByLabel('Port'), String(second));
      await checkAccessibility(page);
      await keys.use(dialog.getByRole('button', { name: 'Restart there' }));

      await panel.getByText(`localhost:${second}`, { exact: true }).first().waitFor();
      await until(async () => (await fetch(`http://localhost:${second}/readyz`)).ok);
      assert.match(
        await readFile(join(desktop.dataDir, 'berth', 'config.yml'), 'utf8'),
        new RegExp(`${second}`),
      );
    });

    await t.test('the folder', async () => {
      await chooseNext(desktop, target);
      await panel.getByRole('button', { name: 'Use another…' }).click();
      const sheet = page.getByRole('alertdialog');
      await sheet.getByText('The registry begins anew there').waitFor();
      await checkAccessibility(page);
      await sheet.getByRole('button', { name: 'Use this folder' }).click();

      await panel.getByText(target, { exact: true }).waitFor();
      await until(async () => (await findDataIn(target)) === 'whole');
      const { path } = JSON.parse(await readFile(pointerOf(desktop), 'utf8')) as { readonly path: string };
      assert.equal(path, target);
    });

    await t.test('the folder again, in place of the one that was just begun', async () => {
      const third = join(folder.path, 'further');
      await until(async () => (await urlOf(target)) !== '');
      await chooseNext(desktop, third);
      await panel.getByRole('button', { name: 'Use another…' }).click();
      const sheet = page.getByRole('alertdialog');
      await sheet.getByText('The present folder, which was begun a moment ago, is deleted again.').waitFor();
      await sheet.getByRole('button', { name: 'Use this folder' }).click();

      await panel.getByText(third, { exact: true }).waitFor();
      await until(async () => (await findDataIn(third)) === 'whole');
      await until(async () => (await findDataIn(target)) === undefined);
      const kept = JSON.parse(await readFile(pointerOf(desktop), 'utf8')) as object;
      assert.deepEqual(kept, { path: third, other: desktop.dataDir });
      await until(async () => (await urlOf(third)) !== '');
      await chooseNext(desktop, target);
      await panel.getByRole('button', { name: 'Use another…' }).click();
      await sheet.getByRole('button', { name: 'Use this folder' }).click();
      await panel.getByText(target, { exact: true }).waitFor();
      await until(async () => (await findDataIn(target)) === 'whole');
    });

    await t.test('once something is stored it is a move', async () => {
      await until(async () => (await urlOf(target)) !== '' && (await passwordIn(target)) !== '');
      await pushTo(target, await passwordIn(target), 'team/app');
      await until(async () => (await planOf(page)).includes('Something is stored already'));
    });
  });
});

function pointerOf({ userData }: TestDesktop): string {
  return join(userData, 'data-directory.json');
}

/** The folder that the next dialog answers. */
async function chooseNext(desktop: TestDesktop, path: string): Promise<void> {
  await desktop.app.evaluate((given, chosen) => {
    const { dialog } = given as unknown as DesktopModule;
    dialog.showOpenDialog = async () => ({ canceled: false, filePaths: [chosen] });
  }, path);
}

async function beginMove(desktop: TestDesktop, page: Page, target: string): Promise<void> {
  await chooseNext(desktop, target);
  await page.getByRole('button', { name: 'Move…' }).click();
  await page
    .getByRole('alertdialog')
    .getByRole('button', { name: /^Move / })
    .click();
}

async function urlOf(root: string): Promise<string> {
  const text = await readFile(join(root, 'berth', 'lock.json'), 'utf8');
  const { urls = [] } = JSON.parse(text) as { readonly urls?: readonly string[] };
  return (urls[0] ?? '').replace('https:', 'http:');
}

async function passwordIn(root: string): Promise<string> {
  return (await readFile(join(root, 'berth', 'first-password'), 'utf8')).trim();
}

async function pushTo(root: string, password: string, repository: string): Promise<void> {
  const plainUrl = await urlOf(root);
  await pushImage({ plainUrl, user: `dev:${password}` }, repository, '1', `a layer of ${repository}`);
}

async function namesIn(root: string, password: string): Promise<readonly string[]> {
  const response = await fetch(`${await urlOf(root)}/v2/_catalog`, {
    headers: { Authorization: `Basic ${Buffer.from(`dev:${password}`).toString('base64')}` },
  });
  return ((await response.json()) as { readonly repositories: readonly string[] }).repositories;
}

async function planOf(page: Page): Promise<string> {
  return await page.evaluate(async () => {
    const { berthShell } = globalThis as unknown as {
      readonly berthShell: { invoke(method: string, args: unknown): Promise<object> };
    };
    return JSON.stringify(await berthShell.invoke('data.plan', { isCopied: false }));
  });
}

/** proc(5): the child of the app that copies. */
async function copierOf(desktop: TestDesktop, target: string): Promise<number> {
  await until(async () => (await findDataIn(target)) === 'incomplete');
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const parent = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
    if (command.includes('data-process.mjs') && parent === desktop.app.process().pid) return Number(pid);
  }
  throw new Error('nothing copies');
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  server.close();
  return port;
}
