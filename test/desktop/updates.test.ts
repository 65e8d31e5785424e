/** Newer versions of the app, from a feed of our own on this computer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { isReal, startDesktop } from '../support/desktop.ts';
import { running, trayOf } from '../support/desktop-acts.ts';
import { needs } from '../support/tools.ts';
import { goTo } from '../support/window.ts';

const unpackaged = isReal ? { skip: 'Electron that is not packaged looks for no updates' } : {};

suite('updates of the desktop app', { ...unpackaged, ...needs('chromium') }, () => {
  test('are not looked for by a build without a feed', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-resources-'));
    await using desktop = await startDesktop({
      env: { STAND_IN_RESOURCES: directory.path },
      preferences: JSON.stringify({ looksForUpdates: true }),
    });
    const page = await desktop.openPage();
    await running(page);

    await goTo(page, '#/settings/desktop');

    await page.getByText('This build has no update feed').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Look for updates' }).count(), 0);
    assert.equal(await page.getByRole('switch', { name: 'Look once a day' }).count(), 0);
  });

  test('are looked for when the person asks, and not taken where nothing proves who made them', async (t) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-resources-'));
    await using feed = await startFeed();
    await writeFile(
      join(directory.path, 'app-update.yml'),
      `provider: generic\nurl: ${feed.url}\nupdaterCacheDirName: berth-updater\n`,
    );
    await using desktop = await startDesktop({
      env: { STAND_IN_RESOURCES: directory.path, APPIMAGE: join(directory.path, 'Berth.AppImage') },
    });
    const page = await desktop.openPage();
    await running(page);
    await goTo(page, '#/settings/desktop');
    const look = page.getByRole('button', { name: 'Look for updates' });
    await look.waitFor();
    assert.deepEqual(feed.asked, [], 'nobody has asked, and it is not switched on');

    await t.test('the feed is not there', async () => {
      await look.click();

      await page.getByText(/^The update failed: /).waitFor();
    });

    await t.test('the feed has the version that runs', async () => {
      feed.version = '0.1.0';
      await look.click();

      await page.getByText('This is the newest version.').waitFor();
    });

    await t.test('the feed has a newer one', async () => {
      feed.version = '9.1.0';
      await look.click();

      await page.getByText('Version 9.1.0 is there.').waitFor();
      assert.deepEqual([...new Set(feed.asked)], ['/latest-linux.yml'], 'nothing was fetched');
      assert.equal(await page.getByRole('button', { name: 'Restart to update' }).count(), 0);
      assert.ok(!(await trayOf(desktop)).items.some((item) => item.startsWith('Restart to update')));
    });

    await t.test('daily, when that is switched on', async () => {
      feed.asked.length = 0;
      await page.getByText('Look once a day').click();

      await page.getByRole('region', { name: 'Updates' }).getByText('Saved').waitFor();
      await page.getByText('Version 9.1.0 is there.').waitFor();
      assert.deepEqual([...new Set(feed.asked)], ['/latest-linux.yml']);
    });
  });
});

/** A generic feed, as electron-updater reads it: absent until it has a version. */
async function startFeed() {
  const feed = { version: undefined as string | undefined, asked: [] as string[] };
  const server = createServer((request, response) => {
    feed.asked.push(new URL(request.url ?? '', 'http://feed').pathname);
    if (feed.version === undefined) {
      response.writeHead(404).end();
      return;
    }
    const name = `Berth-${feed.version}.AppImage`;
    const sha512 = Buffer.alloc(64).toString('base64');
    response.end(
      `version: ${feed.version}\nfiles:\n  - url: ${name}\n    sha512: ${sha512}\n    size: 10\npath: ${name}\nsha512: ${sha512}\nreleaseDate: '2026-11-26T00:00:00.000Z'\n`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(feed, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
}
