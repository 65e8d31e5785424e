/** Files and the desktop app: dialogs, what is dropped or named, downloads, and the registry of another program. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openClient } from '../../registry/cli/client.ts';
import {
  type DesktopModule,
  isReal,
  needsDesktop,
  startDesktop,
  type TestDesktop,
} from '../support/desktop.ts';
import { closeWindow, onlyStandIn, running, until } from '../support/desktop-acts.ts';
import { pushImage } from '../support/push.ts';
import { keysOf } from '../support/keys.ts';
import { berth, startRegistry } from '../support/registry.ts';
import { checkAccessibility, goTo } from '../support/window.ts';

suite('files and the desktop app', needsDesktop(), () => {
  test('bundles go in and out by dialogs, drops and names', async (t) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-files-'));
    const [file = '', second = '', third = ''] = await makeBundles(folder.path, ['one', 'two', 'three']);
    await using desktop = await startDesktop({ args: [file] });
    const page = await desktop.openPage();
    await running(page);
    const dialog = page.getByRole('dialog');
    using client = await openClient(desktop.dataDir);
    const repositories = async (): Promise<readonly string[]> => {
      const { rows } = await client.call('repositories.list', { sort: 'name' });
      return rows.map(({ name }) => name);
    };

    await t.test('a file that is named at the start waits for the window', async () => {
      await dialog.getByRole('heading', { name: 'Import one.tar' }).waitFor();
      await dialog.getByText(file, { exact: true }).waitFor();
      await dialog.getByText(`berth import ${file}`).waitFor();

      await dialog.getByRole('button', { name: 'Import 1 image' }).click();
      await dialog.getByRole('heading', { name: 'Imported 1 image' }).waitFor();
      await dialog.getByRole('button', { name: 'Done' }).click();

      assert.deepEqual(await repositories(), ['team/one']);
    });

    await t.test('files that a second start names are imported one after the other', async () => {
      assert.equal(await desktop.startAgain(second, third), 0);

      for (const name of ['two', 'three']) {
        await dialog.getByRole('heading', { name: `Import ${name}.tar` }).waitFor();
        await page.keyboard.press('Escape');
        await dialog.getByRole('heading', { name: `Import ${name}.tar` }).waitFor({ state: 'detached' });
      }
      assert.equal(await dialog.count(), 0);
    });

    await t.test('a file is dropped on the window', async () => {
      await dropFile(page, second);

      await dialog.getByRole('heading', { name: 'Import two.tar' }).waitFor();
      await dialog.getByLabel('Put below').fill('mirror');
      await dialog.getByRole('button', { name: 'Import 1 image' }).click();
      await dialog.getByRole('link', { name: 'mirror/team/two:1' }).click();

      await page.getByRole('heading', { level: 1, name: 'mirror/team/two:1' }).waitFor();
      assert.deepEqual(await repositories(), ['mirror/team/two', 'team/one']);
    });

    await t.test('what a script of the page makes up has no path', async () => {
      await page.evaluate(() => {
        const data = new DataTransfer();
        data.items.add(new File(['x'], 'two.tar'));
        window.dispatchEvent(new DragEvent('drop', { dataTransfer: data }));
      });
      // What comes after it has been answered comes after it.
      const waiting = await page.evaluate(async () => {
        const { berthShell } = globalThis as unknown as {
          readonly berthShell: { invoke(method: string, args: object): Promise<object> };
        };
        return await berthShell.invoke('files.pickBundles', { from: 'given' });
      });

      assert.deepEqual(waiting, { ok: [] });
      assert.equal(await dialog.count(), 0);
    });

    await t.test('a file is dropped on the tray while there is no window', onlyStandIn, async () => {
      await answerClose(desktop);
      await closeWindow(desktop);
      await desktop.app.evaluate((given, path) => {
        const { standIn } = given as unknown as DesktopModule;
        const [tray] = standIn.trays;
        tray?.emit('drop-files', {}, [path]);
      }, third);

      await dialog.getByRole('heading', { name: 'Import three.tar' }).waitFor();
      await page.keyboard.press('Escape');
    });

    await t.test(
      'a directory is chosen in the dialog of the system, and said to be none of images',
      async () => {
        const asked = await answerOpen(desktop, [folder.path]);
        await goTo(page, '#/repositories');
        await page.getByRole('button', { name: 'Import…' }).click();
        // Colours that are still on their way from one theme to the other have no contrast.
        await page.emulateMedia({ reducedMotion: 'reduce' });
        await checkAccessibility(page);
        await dialog.getByRole('button', { name: 'Choose a directory…' }).click();

        await dialog
          .getByRole('alert')
          .filter({ hasText: 'the directory has neither oci-layout nor manifest.json' })
          .waitFor();
        assert.deepEqual((await asked())['properties'], ['openDirectory']);
        await dialog.getByRole('button', { name: 'Choose another file' }).click();
      },
    );

    await t.test('a file that went away is named; nothing chosen leaves the dialog', async () => {
      await answerOpen(desktop, [join(folder.path, 'gone.tar')]);
      await dialog.getByRole('button', { name: 'Choose a file…' }).click();
      await dialog
        .getByRole('alert')
        .filter({ hasText: /gone\.tar": ENOENT/ })
        .waitFor();
      await dialog.getByRole('button', { name: 'Choose another file' }).click();
      await answerOpen(desktop, []);

      await dialog.getByRole('button', { name: 'Choose a file…' }).click();

      await dialog.getByRole('heading', { name: 'Import images' }).waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    });

    await t.test('an export goes where the dialog says, and is shown there', async () => {
      const target = join(folder.path, 'out.tar');
      await writeFile(target, 'replaced, as the dialog has asked');
      await answerSave(desktop, target);
      await goTo(page, '#/repositories/team/one/_/image/1');
      await page.keyboard.press('e');
      await dialog.getByRole('button', { name: 'Export…' }).click();

      const messages = page.getByRole('status', { name: 'Messages' });
      await messages.getByText(/^Exported 1 image, .*out\.tar$/).waitFor();
      await keysOf(page).use(messages.getByRole('button', { name: 'Show in folder' }));

      if (!isReal) await until(async () => (await shownItems(desktop)).at(-1) === target);
      const row = await client.call('bundles.inspect', { path: target });
      assert.deepEqual(
        row.images.map(({ name }) => name),
        ['team/one:1'],
      );
      await dialog.waitFor({ state: 'detached' });
    });

    await t.test(
      'only what the shell gave an id is shown, and what is gone is said to be',
      onlyStandIn,
      async () => {
        const before = await shownItems(desktop);

        const codes = await page.evaluate(async () => {
          const { berthShell } = globalThis as unknown as {
            readonly berthShell: {
              invoke(method: string, args: object): Promise<{ readonly error?: { readonly code: string } }>;
            };
          };
          const ids = ['/etc/passwd', '../1', '999', 'root', 'data'];
          const replies = await Promise.all(ids.map((id) => berthShell.invoke('files.reveal', { id })));
          return replies.map((reply) => reply.error?.code ?? 'shown');
        });

        assert.deepEqual(codes, ['PATH_REFUSED', 'PATH_REFUSED', 'PATH_REFUSED', 'PATH_REFUSED', 'shown']);
        assert.deepEqual(await shownItems(desktop), [...before, desktop.dataDir]);
      },
    );
  });

  test('what is downloaded lies in the folder for downloads, and can be shown', async (t) => {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();
    await running(page);
    const downloads = join(dirname(dirname(desktop.userData)), 'Downloads');
    const messages = page.getByRole('status', { name: 'Messages' });
    using client = await openClient(desktop.dataDir);
    const saveLog = async (): Promise<void> => {
      const { ticket } = await client.call('logs.download', {});
      await save(page, `download/${ticket}`);
    };

    await t.test('a file of the registry, twice, under two names', async () => {
      await saveLog();
      await messages.getByText(/^Saved berth-[\d-]+\.log$/).waitFor();
      await saveLog();
      await messages.getByText(/^Saved berth-[\d-]+ \(1\)\.log$/).waitFor();

      const names = (await readdir(downloads)).toSorted();
      assert.equal(names.length, 2, names.join(' '));
      for (const name of names) assert.match(await readFile(join(downloads, name), 'utf8'), /listening on /);
      await messages.getByRole('button', { name: 'Show in folder' }).last().click();
      if (!isReal) await until(async () => (await shownItems(desktop)).at(-1)?.endsWith(' (1).log') === true);
    });

    await t.test('what the screen of the log exports', async () => {
      await goTo(page, '#/logs');
      await page.getByRole('button', { name: 'Export' }).click();
      await page.getByRole('menuitem').first().click();

      await messages.getByText(/^Saved berth-.*T\d+\.log$/).waitFor();
      assert.equal((await readdir(downloads)).length, 3);
    });

    await t.test('to a place that a dialog asks for, or nowhere', onlyStandIn, async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-save-'));
      const target = join(folder.path, 'chosen.log');
      await goTo(page, '#/logs');
      const saveAs = async (path: string): Promise<void> => {
        await answerSave(desktop, path);
        await page.getByRole('button', { name: 'Export' }).click();
        await page.getByRole('menuitem', { name: 'The same of all log files, as .log…' }).click();
      };

      await saveAs('');
      await saveAs(target);

      await messages.getByText('Saved chosen.log').waitFor();
      assert.match(await readFile(target, 'utf8'), /listening on /);
      assert.equal((await readdir(downloads)).length, 3);
      assert.equal(await messages.getByText('could not be saved').count(), 0);
      await messages.getByRole('button', { name: 'Show in folder' }).last().click();
      await until(async () => (await shownItems(desktop)).at(-1) === target);
    });

    await t.test('a button that saves has a menu that asks, too', onlyStandIn, async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-save-'));
      const target = join(folder.path, 'chosen.yml');
      await goTo(page, '#/settings/export');
      await answerSave(desktop, target);
      await page.getByRole('button', { name: 'Save as a file: where to' }).click();
      await page.getByRole('menuitem', { name: 'Save as…' }).click();

      await messages.getByText('Saved chosen.yml').waitFor();
      assert.match(await readFile(target, 'utf8'), /http/);
      assert.equal((await readdir(downloads)).length, 3);
    });

    await t.test('the data directory is shown from the screen of the storage', onlyStandIn, async () => {
      await goTo(page, '#/storage');
      await page.getByRole('main').getByRole('button', { name: 'Show in folder' }).click();

      await until(async () => (await shownItems(desktop)).at(-1) === desktop.dataDir);
    });

    await t.test('a text that the page made', async () => {
      const url = await page.evaluate(() => URL.createObjectURL(new Blob(['made by the page'])));
      await save(page, url, 'made.txt');

      await messages.getByText('Saved made.txt').waitFor();
      assert.equal(await readFile(join(downloads, 'made.txt'), 'utf8'), 'made by the page');
    });

    await t.test('a ticket of nothing is said not to be saved, and leaves nothing', async () => {
      const before = await readdir(downloads);
      await save(page, `download/${'A'.repeat(43)}`);

      await messages.getByText(/could not be saved/).waitFor();
      assert.deepEqual(await readdir(downloads), before);
    });
  });

  test('files of a registry that berth serve runs arrive, and are shown', async () => {
    await using served = await startRegistry({ listen: 'localhost:0' });
    await using desktop = await startDesktop({ dataDir: served.dataDir });
    const page = await desktop.openPage();
    await running(page);
    await pushImage({ plainUrl: served.plainUrl }, 'team/served', '1', 'x'.repeat(3_000_000));
    using client = await openClient(served.dataDir);
    const fetchFile = (ticket: string) =>
      page.evaluate(async (name) => {
        const response = await fetch(`download/${name}`);
        const bytes = await response.arrayBuffer();
        return {
          status: response.status,
          size: bytes.byteLength,
          length: response.headers.get('content-length'),
        };
      }, ticket);
    const log = await client.call('logs.download', {});
    const bundle = await client.call('bundles.download', { references: ['team/served:1'] });

    const first = await fetchFile(log.ticket);
    const again = await fetchFile(log.ticket);
    const whole = await fetchFile(bundle.ticket);

    assert.deepEqual([first.status, again.status, whole.status], [200, 404, 200]);
    assert.ok(first.size > 100);
    assert.ok(whole.size > 3_000_000);
    assert.equal(whole.length, String(whole.size));
  });
});

/** Archives `NAME.tar`, each with the image `team/NAME:1`. */
async function makeBundles(folder: string, names: readonly string[]): Promise<readonly string[]> {
  await using registry = await startRegistry();
  const files = [];
  for (const name of names) {
    const file = join(folder, `${name}.tar`);
    await pushImage(registry, `team/${name}`, '1', `a layer of ${name}`);
    await berth(registry.dataDir, 'export', `team/${name}:1`, '-o', file);
    files.push(file);
  }
  return files;
}

/** As the window saves what has an address. */
async function save(page: Page, href: string, name = ''): Promise<void> {
  await page.evaluate((link) => Object.assign(document.createElement('a'), link).click(), {
    href,
    download: name,
  });
}

async function dropFile(page: Page, path: string): Promise<void> {
  // Electron knows the path of a file; the stand-in is told.
  await page.evaluate((given) => {
    const globals = globalThis as unknown as { standInPaths?: Readonly<Record<string, string>> };
    globals.standInPaths = { [given.split('/').at(-1) ?? '']: given };
  }, path);
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, x: 500, y: 300, data });
  await session.detach();
}

/** Makes dialogs that choose files answer with these, or with none; answers what the last one was asked. */
async function answerOpen(desktop: TestDesktop, filePaths: readonly string[]) {
  await desktop.app.evaluate((given, paths) => {
    const { dialog } = given as unknown as DesktopModule;
    const noted = globalThis as { openOptions?: object | undefined };
    const open = async (...args: readonly object[]) => {
      noted.openOptions = args.at(-1);
      return { canceled: paths.length === 0, filePaths: paths };
    };
    dialog.showOpenDialog = open;
  }, filePaths);
  return async () =>
    await desktop.app.evaluate(
      () => (globalThis as { openOptions?: Readonly<Record<string, unknown>> }).openOptions ?? {},
    );
}

async function answerSave(desktop: TestDesktop, filePath: string): Promise<void> {
  await desktop.app.evaluate((given, path) => {
    const { dialog } = given as unknown as DesktopModule;
    dialog.showSaveDialog = async () => ({ canceled: false, filePath: path });
  }, filePath);
}

async function answerClose(desktop: TestDesktop): Promise<void> {
  await desktop.app.evaluate((given) => {
    const { dialog } = given as unknown as DesktopModule;
    dialog.showMessageBox = async () => ({ response: 0 });
  });
}

async function shownItems(desktop: TestDesktop): Promise<readonly string[]> {
  return await desktop.app.evaluate((given) => (given as unknown as DesktopModule).standIn.shownItems);
}
