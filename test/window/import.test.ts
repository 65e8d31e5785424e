/** Images into the registry out of a file, and out of it into one, by the window of a browser. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { writeTar } from '../../registry/archive/tar.ts';
import { openClient } from '../../registry/cli/client.ts';
import { until } from '../support/desktop-acts.ts';
import { pushImage } from '../support/push.ts';
import { berth, startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, openWindow } from '../support/window.ts';

const hostile = '<img src=x onerror=alert(1)>\u{202e}gpj.exe';

test('import and export', needs('chromium'), async (t) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-import-'));
  const file = join(folder.path, 'delivery.tar');
  await makeBundle(file);
  await using window = await openWindow();
  const { page, registry } = window;
  using client = await openClient(registry.dataDir);
  page.setDefaultTimeout(15_000);
  const dialog = page.getByRole('dialog');
  const kept = (): Promise<readonly string[]> => readdir(join(registry.dataDir, 'berth', 'tmp'));
  const meaning = async (repository: string, tag: string): Promise<string | undefined> => {
    const { rows } = await client.call('tags.list', { repository });
    return rows.find((row) => row.tag === tag)?.digest;
  };
  const choose = async (path: string): Promise<void> => {
    const chosen = page.waitForEvent('filechooser');
    await dialog.getByRole('button', { name: 'Choose a file…' }).click();
    await (await chosen).setFiles(path);
  };

  await t.test('a file is chosen, and the dialog says what is in it and what is new', async () => {
    await window.go('#/repositories');
    await page.getByRole('button', { name: 'Import…' }).click();
    await dialog.getByText('You can also drop it anywhere').waitFor();
    await checkAccessibility(page);
    await choose(file);

    await dialog.getByRole('heading', { name: 'Import delivery.tar' }).waitFor();
    await dialog.getByText('OCI image layout, in an archive').waitFor();
    await dialog.getByText(/in 3 blobs, of .* in 3$/).waitFor();
    await dialog.getByText('berth import delivery.tar').waitFor();
    const names = dialog.getByRole('textbox', { name: /^Name of / });
    assert.deepEqual(
      await names.evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).value)),
      ['team/api:1', 'team/web:2'],
    );
    await checkAccessibility(page);
  });

  await t.test('names that cannot be hold the import back', async () => {
    const button = dialog.getByRole('button', { name: 'Import 2 images' });
    await dialog.getByLabel('Put below').fill('Mirror');
    await dialog.getByText('Lower-case letters, digits').waitFor();
    assert.ok(await button.isDisabled());

    await dialog.getByLabel('Put below').fill('mirror');
    await dialog.getByRole('textbox', { name: 'Name of team/web:2' }).fill('prod/web');
    await dialog.getByText('Write repository:tag.').waitFor();
    assert.ok(await button.isDisabled());

    await dialog.getByRole('textbox', { name: 'Name of team/web:2' }).fill('prod/web:stable');
    await dialog
      .getByText("berth import delivery.tar --into mirror --rename 'team/web:2=prod/web:stable'")
      .waitFor();
    assert.ok(await button.isEnabled());
  });

  await t.test('it is imported under these names, and the result has links', async () => {
    await dialog.getByRole('button', { name: 'Import 2 images' }).click();

    await dialog.getByRole('heading', { name: 'Imported 2 images' }).waitFor();
    await checkAccessibility(page);
    assert.notEqual(await meaning('mirror/team/api', '1'), undefined);
    assert.notEqual(await meaning('prod/web', 'stable'), undefined);
    await dialog.getByRole('link', { name: 'prod/web:stable' }).click();
    await page.getByRole('heading', { level: 1, name: 'prod/web:stable' }).waitFor();
    await until(async () => (await kept()).length === 0);
  });

  await t.test('a file that is dropped anywhere is imported, with keys alone from there', async () => {
    await window.go('#/storage');
    await drop(page, file, 'over');
    await page.getByText('Drop to import').waitFor();
    await checkAccessibility(page);
    await drop(page, file, 'drop');

    await dialog.getByText('nothing: all layers are here already').waitFor();
    assert.equal(await page.getByText('Drop to import').count(), 0);
    const button = dialog.getByRole('button', { name: 'Import 2 images' });
    for (let presses = 0; !(await button.evaluate((each) => each === document.activeElement)); presses += 1) {
      assert.ok(presses < 20, 'the button cannot be reached by Tab');
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await dialog.getByText('All layers of delivery.tar were here already.').waitFor();
    await dialog.locator('button:focus').waitFor();
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });

    assert.notEqual(await meaning('team/web', '2'), undefined);
  });

  await t.test('what is packed is unpacked, and what is here already is said to be', async () => {
    const packed = join(folder.path, 'packed.tar.gz');
    await writeFile(packed, gzipSync(await readFile(file)));
    await page.keyboard.press('i');
    await choose(packed);

    await dialog.getByText(', packed with gzip').waitFor();
    assert.equal(await dialog.getByText('here already', { exact: true }).count(), 2);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });

    await until(async () => (await kept()).length === 0);
  });

  const refusals = [
    {
      name: 'no archive',
      bytes: Buffer.from('no archive at all'),
      says: 'the file is no archive',
    },
    {
      name: 'an archive without images',
      bytes: writeTar([{ name: `${hostile}.txt`, bytes: Buffer.from('x') }]),
      says: /has neither oci-layout nor manifest\.json/,
    },
    {
      name: 'one that is cut off',
      bytes: async () => (await readFile(file)).subarray(0, 3000),
      says: /cut off|not there|shorter|damaged/,
    },
  ];
  for (const { name, bytes, says } of refusals) {
    await t.test(`${name} is explained`, async () => {
      const path = join(folder.path, 'wrong.tar');
      await writeFile(path, typeof bytes === 'function' ? await bytes() : bytes);
      await page.keyboard.press('i');
      await choose(path);

      await dialog.getByRole('alert').filter({ hasText: says }).waitFor();
      await checkAccessibility(page);
      await dialog.getByRole('button', { name: 'Choose another file' }).click();
      await dialog.getByText('You can also drop it anywhere').waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await until(async () => (await kept()).length === 0);
    });
  }

  await t.test('a protected tag stays, and the dialog says so', async () => {
    await berth(registry.dataDir, 'protect', 'add', 'team/api:1');
    const other = join(folder.path, 'other.tar');
    await makeBundle(other, 'another layer');
    await page.keyboard.press('i');
    await choose(other);
    await dialog.getByRole('button', { name: 'Import 2 images' }).click();

    await dialog.getByRole('alert').filter({ hasText: 'protected' }).waitFor();
    assert.ok(await dialog.getByRole('button', { name: 'Import 2 images' }).isEnabled());
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  await t.test('a registry that is read-only says so instead of taking a file', async () => {
    const change = (value: boolean) =>
      client.call('settings.set', { changes: [{ path: 'storage.maintenance.readonly.enabled', value }] });
    await change(true);
    await page.keyboard.press('i');

    await dialog.getByRole('note').filter({ hasText: 'The registry is read-only' }).waitFor();
    assert.equal(await dialog.getByRole('button', { name: 'Choose a file' }).count(), 0);
    await change(false);
    await dialog.getByRole('button', { name: 'Choose a file' }).waitFor();
    await page.keyboard.press('Escape');
  });

  await t.test('a file that the disk has no room for is not even sent', async () => {
    const change = (value: string) =>
      client.call('settings.set', { changes: [{ path: 'berth.storage.reserve.bytes', value }] });
    await change('900TiB');
    await page.keyboard.press('i');
    await choose(file);

    await dialog.getByRole('alert').filter({ hasText: 'the disk of the registry has room for 0B' }).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await change('1GiB');
  });

  await t.test('one tag is exported into a file that another registry takes', async () => {
    await window.go('#/repositories/prod/web/_/image/stable');
    await page.getByRole('button', { name: 'More acts' }).click();
    await page.getByRole('menuitem', { name: /^Export…/ }).click();
    await dialog.getByText('berth export prod/web:stable -o prod-web-stable.tar').waitFor();
    await checkAccessibility(page);
    const download = page.waitForEvent('download');

    await dialog.getByRole('button', { name: 'Download' }).click();

    const saved = await download;
    const path = join(folder.path, saved.suggestedFilename());
    await saved.saveAs(path);
    assert.equal(saved.suggestedFilename(), 'prod-web-stable.tar');
    await using there = await startRegistry();
    await berth(there.dataDir, 'import', path);
    using other = await openClient(there.dataDir);
    const { rows } = await other.call('tags.list', { repository: 'prod/web' });
    assert.equal(rows[0]?.digest, await meaning('prod/web', 'stable'));
  });

  await t.test('selected tags and a whole repository are exported; what is wrong is said', async () => {
    await window.push('team/many', '1', 'one');
    await window.push('team/many', '2', 'two');
    await window.go('#/repositories/team/many');
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: /^Export…/ }).click();
    await dialog.getByRole('heading', { name: 'Export team/many' }).waitFor();
    await dialog.getByLabel('Only this platform').fill('linux');
    await dialog.getByText('Write linux/amd64 or linux/arm/v7.').waitFor();
    await dialog.getByLabel('Only this platform').fill('');
    await dialog.getByLabel('Leave out what this image has').fill('team/none:1');
    await dialog.getByRole('button', { name: 'Download' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'team/none' }).waitFor();
    await dialog.getByLabel('Leave out what this image has').fill('team/many:1');
    const download = page.waitForEvent('download');

    await dialog.getByRole('button', { name: 'Download' }).click();

    const path = await (await download).path();
    const row = await client.call('bundles.inspect', { path });
    assert.equal(row.total, 2);
    assert.equal(row.since.length, 1);
    assert.ok((await stat(path)).size > 1000);
  });

  await t.test('a few selected tags are exported together', async () => {
    await window.go('#/repositories/team/many');
    for (const tag of ['1', '2'])
      await page.getByRole('checkbox', { name: `Select ${tag}`, exact: true }).click();
    await page
      .getByRole('toolbar', { name: 'Selected tags' })
      .getByRole('button', { name: 'Export…' })
      .click();

    await dialog.getByRole('heading', { name: 'Export 2 images' }).waitFor();
    assert.equal(await dialog.getByRole('listitem').count(), 2);
    await page.keyboard.press('Escape');
  });
});

/** An archive with `team/api:1` and `team/web:2`, as another registry exports it. */
async function makeBundle(path: string, layer = 'a layer'): Promise<void> {
  await using registry = await startRegistry();
  await pushImage(registry, 'team/api', '1', `${layer} of api`);
  await pushImage(registry, 'team/web', '2', `${layer} of web`);
  await berth(registry.dataDir, 'export', 'team/api:1', 'team/web:2', '-o', path);
}

/** Drags a file over the middle of the window, or lets it go there. */
async function drop(page: Page, path: string, act: 'over' | 'drop'): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  const types = act === 'over' ? (['dragEnter', 'dragOver'] as const) : (['drop'] as const);
  for (const type of types) await session.send('Input.dispatchDragEvent', { type, x: 500, y: 300, data });
  await session.detach();
}
