import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import { type AdminClient, openClient } from '../../registry/cli/client.ts';
import type { RuleSet } from '../../registry/spec/admin/rules.ts';
import { type Answer, request } from '../support/http.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, openWindow, type TestWindow } from '../support/window.ts';

const graceMs = 1000;
/** A change from outside is seen so soon. */
const soon = { timeout: 1000 };

/** What the tests ask of the registry beside the window. */
function besides({ registry, user }: TestWindow) {
  const get = (path: string, method = 'GET', body = ''): Promise<Answer> =>
    request(registry.plainUrl, { method, path: `/v2/${path}`, body, user });
  return {
    get,
    async put(repository: string, tag: string, body: Uint8Array): Promise<void> {
      const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
      const path = `/v2/${repository}/manifests/${tag}`;
      const { status } = await request(registry.plainUrl, { method: 'PUT', path, body, headers, user });
      assert.equal(status, 201);
    },
    blobFile(digest: string): string {
      const hex = digest.slice('sha256:'.length);
      return join(registry.dataDir, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
    },
    async manifest(repository: string, tag: string) {
      const { body } = await get(`${repository}/manifests/${tag}`);
      const { layers } = JSON.parse(String(body)) as {
        readonly layers: readonly { readonly digest: string }[];
      };
      return { bytes: body.length, layer: layers[0]?.digest ?? '' };
    },
  };
}

/** Lets a collection see what nobody needs, and waits until the next one may free it. */
async function untilFreeable(client: AdminClient): Promise<void> {
  // What is younger than the grace time no run takes note of.
  await delay(graceMs + 100);
  await client.call('collect.run', {});
  const isKept = async () => (await client.call('collect.plan', {})).keptBytes > 0;
  while (await isKept()) await delay(50);
}

async function saveRules(client: AdminClient, rules: Partial<RuleSet>): Promise<void> {
  const sections = rules as Parameters<typeof client.call<'rules.set'>>[1]['rules'];
  const { outcome } = await client.call('rules.simulate', { rules: sections });
  await client.call('rules.set', { rules: sections, plan: outcome.plan, confirmCount: outcome.deletedTags });
}

const noRules = { retention: [], expiry: [], quotas: [] };

test('storage', needs('chromium'), async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-storage-'));
  const dataDir = join(directory.path, 'data');
  await mkdir(join(dataDir, 'berth'), { recursive: true, mode: 0o700 });
  const days = ['2026-06-01', '2026-06-02', '2026-06-04'].map((day, index) => ({
    day,
    totalBytes: 1_000_000 * (index + 1),
    exclusiveBytes: 0,
    sharedBytes: 0,
    trashBytes: 500_000,
    freeBytes: 9_000_000_000,
  }));
  await writeFile(join(dataDir, 'berth', 'usage.json'), JSON.stringify(days), { mode: 0o600 });
  await using window = await openWindow({
    dataDir,
    env: { BERTH_STORAGE_COLLECT_GRACE: `${graceMs}ms`, BERTH_STORAGE_PROTECTEDTAGS: '[locked/**:v*]' },
  });
  const { page } = window;
  const push: TestWindow['push'] = (...args) => window.push(...args);
  page.setDefaultTimeout(8000);
  const beside = besides(window);
  using client = await openClient(dataDir);
  const panel = (name: string): Locator => page.getByRole('region', { name });
  const grid = (name: string): Locator => page.getByRole('grid', { name });
  const row = (text: string | RegExp): Locator => page.getByRole('row').filter({ hasText: text });
  const button = (name: string | RegExp): Locator => page.getByRole('button', { name });
  const fact = (of: Locator, name: string): Locator =>
    of
      .locator('dl > div')
      .filter({ has: page.getByText(name, { exact: true }) })
      .locator('dd');
  const toast = (text: string | RegExp): Locator =>
    page.getByRole('status', { name: 'Messages' }).getByText(text);

  await t.test('an empty registry says what each tab is for', async () => {
    await window.go('#/storage');
    await page.getByRole('heading', { name: 'Nothing is stored yet' }).waitFor();
    await checkAccessibility(page);

    await page.getByRole('tab', { name: 'Trash' }).click();
    await page.getByRole('heading', { name: 'The trash is empty' }).waitFor();
    assert.equal(new URL(page.url()).hash, '#/storage/trash');
    await checkAccessibility(page);

    await window.go('#/storage/verify');
    await page.getByRole('heading', { name: 'Nothing is known to be damaged' }).waitFor();
    await window.go('#/storage/cleanup');
    await button('Preview').click();
    await page.getByRole('heading', { name: 'Nothing to free' }).waitFor();
    await checkAccessibility(page);
  });

  await t.test('usage shows repositories by their size, totals, the trend and the disk', async () => {
    await window.go('#/storage/usage');
    await push('team/big', '1', 'b'.repeat(90_000));
    await page.getByRole('link', { name: 'team/big' }).waitFor(soon);
    await push('team/small', '1', 's'.repeat(4000));
    await page.getByRole('link', { name: 'team/small' }).waitFor(soon);

    const warnAt = panel('Disk').getByLabel('Free bytes to warn at');
    const items = await panel('Largest repositories').getByRole('listitem').allInnerTexts();
    assert.match(items[0] ?? '', /^team\/big\s+90\.\dkB/);
    assert.match(items[1] ?? '', /^team\/small\s+4\.\d+kB/);
    assert.match(await fact(panel('What takes room'), 'All content').innerText(), /^94\.\d+kB$/);
    assert.equal(await fact(panel('Disk'), 'Data directory').innerText(), dataDir);
    assert.equal(await warnAt.inputValue(), '5.37GB');
    assert.match(
      await fact(panel('Disk'), 'Refuse pushes below').innerText(),
      /the larger of 1\.07GB and 2 %$/,
    );
    await warnAt.fill('6 GB or so');
    await warnAt.press('Enter');
    await panel('Disk').getByRole('alert').waitFor();
    await checkAccessibility(page);
    await warnAt.fill('6GB');
    await warnAt.press('Enter');
    await panel('Disk').getByText('Saved').waitFor();
    assert.equal(await warnAt.inputValue(), '6GB');
    await client.call('settings.reset', { paths: ['berth.storage.warn.bytes'] });
    await panel('Last 30 days')
      .getByRole('img', { name: 'From 1MB on 2026-06-01 to 3MB on 2026-06-04' })
      .waitFor();
    assert.equal(await panel('Last 30 days').getByRole('table').getByRole('row').count(), 4);
    await checkAccessibility(page);
  });

  await t.test('a quota shows how much of it is used', async () => {
    await saveRules(client, { quotas: [{ id: 'team', repositories: 'team/**', bytes: 100_000, tags: 2 }] });

    const meter = page.getByRole('meter', { name: 'Bytes of the quota team' });
    await meter.waitFor(soon);
    assert.match((await meter.getAttribute('aria-valuetext')) ?? '', /^94\.\d+kB of 100kB$/);
    assert.equal(
      await page.getByRole('meter', { name: 'Tags of the quota team' }).getAttribute('aria-valuetext'),
      '2 of 2 tags',
    );
    await checkAccessibility(page);
    await saveRules(client, noRules);
  });

  await t.test('what nobody needs is listed and freed to the byte', async () => {
    const layer = 'only here'.repeat(1000);
    await push('gone/app', '1', layer);
    const { bytes, layer: digest } = await beside.manifest('gone/app', '1');
    await client.call('tags.delete', { repository: 'gone/app', tag: '1' });
    await client.call('trash.empty', {});
    await untilFreeable(client);
    const freed = `${(layer.length + bytes).toLocaleString('en-US')} bytes`;

    await window.go('#/storage/usage');
    await page.getByRole('link', { name: 'Preview a clean-up' }).click();
    await fact(panel('What would I free?'), 'Freed now')
      .filter({ hasText: `${freed} in 2 blobs` })
      .waitFor();
    assert.equal(await grid('What nobody needs').getByRole('row').count(), 3);
    await row(digest.slice(7, 19)).getByText('No manifest needs it').waitFor();
    await checkAccessibility(page);
    await button('Reclaim').click();
    const dialog = page.getByRole('alertdialog', { name: 'Free what nobody needs?' });
    assert.equal(await fact(dialog, 'Is freed').innerText(), `${freed} in 2 blobs`);
    assert.match(await dialog.innerText(), /berth gc --plan [0-9a-f]{16}/);
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    assert.ok(existsSync(beside.blobFile(digest)));
    await button('Reclaim').click();
    await dialog.getByRole('button', { name: /^Free 9\.\d+kB$/ }).click();

    await toast(`(${freed}) in 2 blobs.`).waitFor();
    await page.getByRole('heading', { name: 'Nothing to free' }).waitFor();
    assert.equal(existsSync(beside.blobFile(digest)), false);
    const run = grid('Last collections').getByRole('row').nth(1);
    assert.match(await run.innerText(), /Asked for by admin\s+9\.\d+kB\s+2\s/);
  });

  await t.test('a preview that is no longer true frees nothing, and is shown anew', async () => {
    const waste = async (name: string): Promise<string> => {
      await push('gone/app', name, name.repeat(500));
      const { layer } = await beside.manifest('gone/app', name);
      await client.call('tags.delete', { repository: 'gone/app', tag: name });
      await client.call('trash.empty', {});
      return layer;
    };
    const first = await waste('first');
    await untilFreeable(client);
    // One that is looking already is not pressed.
    await button('Look again').and(page.locator(':not([aria-disabled])')).click();
    await row(first.slice(7, 19)).filter({ hasNotText: 'Kept for now' }).waitFor();
    const second = await waste('second');

    await button('Reclaim').click();
    await page
      .getByRole('alertdialog')
      .getByRole('button', { name: /^Free / })
      .click();

    await page.getByText('What nobody needs has changed since the preview, so nothing was freed.').waitFor();
    await row(second.slice(7, 19)).getByText('Kept for now').waitFor();
    assert.ok(existsSync(beside.blobFile(first)) && existsSync(beside.blobFile(second)));
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  });

  await t.test('nothing is freed while the registry is read-only, and again after it', async () => {
    const path = 'storage.maintenance.readonly.enabled';
    const banner = page.getByText('The registry is read-only: pushes');
    await client.call('settings.set', { changes: [{ path, value: true }] });
    await banner.waitFor();

    await button('Reclaim').and(page.locator('[aria-disabled=true]')).waitFor();

    await client.call('settings.set', { changes: [{ path, value: false }] });
    await banner.waitFor({ state: 'detached' });
    await button('Reclaim').and(page.locator(':not([aria-disabled])')).waitFor();
  });

  await t.test('unfinished uploads are listed and removed', async () => {
    const begun = await beside.get('team/big/blobs/uploads/', 'POST');
    await beside.get(`team/big/blobs/uploads/`, 'POST');
    await beside.get(String(begun.headers['location']).replace(/^.*\/v2\//, ''), 'PATCH', 'some bytes');
    await button('Refresh unfinished uploads').click();
    await grid('Unfinished uploads').getByRole('row').nth(2).waitFor();
    assert.match(await grid('Unfinished uploads').innerText(), /team\/big[^]*10B[^]*admin/);

    await panel('Unfinished uploads').getByRole('button', { name: 'Remove' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Remove unfinished uploads?' });
    assert.ok(await dialog.getByRole('button', { name: 'Remove 0 uploads' }).isDisabled());
    await dialog.getByRole('button', { name: /No byte came/ }).click();
    await page.getByRole('option', { name: 'any age' }).click();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Remove 2 uploads' }).click();

    await panel('Unfinished uploads').getByText('None. A push that breaks off').waitFor();
    assert.equal((await client.call('uploads.list', {})).total, 0);
  });

  await t.test('what was deleted is restored by keys, and the restore is undone', async () => {
    await window.go('#/storage/trash');
    await push('bin/app', '1', 'one');
    await push('bin/app', '2', 'two');
    await push('bin/app', '3', 'three');
    for (const tag of ['1', '2', '3']) await client.call('tags.delete', { repository: 'bin/app', tag });
    await grid('Trash').getByRole('row').nth(3).waitFor(soon);
    await checkAccessibility(page);

    await grid('Trash').getByRole('row').nth(1).focus();
    await page.keyboard.press(' ');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press(' ');
    await page.keyboard.press('R');

    await toast('Restored bin/app:3, bin/app:2.').waitFor();
    await grid('Trash').getByRole('row').nth(2).waitFor({ state: 'detached' });
    const status = async (tag: string) => (await beside.get(`bin/app/manifests/${tag}`)).status;
    assert.deepEqual([await status('1'), await status('2'), await status('3')], [404, 200, 200]);
    await page.keyboard.press('Control+z');
    await toast('Undone').waitFor();
    await grid('Trash').getByRole('row').nth(3).waitFor(soon);
    assert.deepEqual([await status('2'), await status('3')], [404, 404]);
  });

  await t.test('a tag that means something else by now is named', async () => {
    const newer = await push('bin/app', '1', 'one anew');
    await row('bin/app')
      .filter({ has: page.getByTitle('1', { exact: true }) })
      .getByRole('checkbox')
      .click();
    await button('Restore 1 entry').click();

    await toast(`bin/app:1 was left as it is: it means ${newer.slice(7, 19)} by now.`).waitFor();
  });

  await t.test('the trash is emptied after a word, and a large one after its name', async () => {
    await button('Empty').click();
    const dialog = page.getByRole('alertdialog', { name: 'Empty the trash?' });
    assert.match(await dialog.innerText(), /Only the trash keeps [\d,]+ bytes/);
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Delete 2 entries' }).click();
    await page.getByRole('heading', { name: 'The trash is empty' }).waitFor();

    await push('bin/many', 't0', 'the same');
    const { body } = await beside.get('bin/many/manifests/t0');
    const tags = Array.from({ length: 101 }, (_, number) => `t${number}`);
    await Promise.all(tags.map((tag) => beside.put('bin/many', tag, body)));
    for (const tag of tags) await client.call('tags.delete', { repository: 'bin/many', tag });
    await page.getByText('101 entries').waitFor();
    await button('Empty').click();
    const sure = dialog.getByRole('button', { name: 'Delete 101 entries' });
    assert.ok(await sure.isDisabled());
    await dialog.getByLabel('Type trash to confirm').fill('trash');
    await sure.click();
    await page.getByRole('heading', { name: 'The trash is empty' }).waitFor();
  });

  const bar = (): Locator => page.getByRole('toolbar', { name: 'Rules' });
  const saved = (): Promise<void> => page.getByRole('tab', { name: 'Rules', exact: true }).waitFor();
  const act = (name: string): Locator => bar().getByRole('button', { name });

  await t.test('a rule is written as a sentence, simulated, saved and run', async () => {
    for (const tag of ['v1', 'a', 'b', 'c']) await push('tidy/app', tag, `tidy ${tag}`);
    await window.go('#/storage/rules');
    await panel('What is kept').getByText('No rule: every tag is kept.').waitFor();
    await checkAccessibility(page);
    await button('Add a rule').click();
    await page.getByLabel('How many of the newest').fill('1');
    await page.getByLabel('Repositories', { exact: true }).fill('tidy/*');
    await page.getByLabel('Days after the last pull').fill('');
    await page.getByLabel('Tags that are never deleted').fill('v*');
    assert.ok(await act('Save').isDisabled());

    await act('Simulate').click();
    await page.getByText('2 tags go').waitFor();
    assert.deepEqual(
      (await grid('Simulation').getByRole('row').allInnerTexts())
        .slice(1)
        .map((text) => text.split(/\s*\n\s*/).slice(0, 4)),
      [
        ['Delete', 'tidy/app:b', 'Nothing keeps it', 'keep-1'],
        ['Delete', 'tidy/app:a', 'Nothing keeps it', 'keep-1'],
      ],
    );
    await panel('Simulation').getByRole('button', { name: 'Show' }).click();
    await page.getByRole('option', { name: 'Only those that stay' }).click();
    await row('tidy/app:v1').getByText('Never deleted by this rule').waitFor();
    await row('tidy/app:c').getByText('Among the newest').waitFor();
    await checkAccessibility(page);

    await page.getByLabel('How many of the newest').fill('2');
    await page.getByText('The rules were changed since this simulation.').waitFor();
    assert.ok(await act('Save').isDisabled());
    await checkAccessibility(page);
    await act('Simulate').click();
    await page.getByText('1 tag goes').waitFor();
    await act('Save').click();
    await toast('The rules are in force.').waitFor();
    assert.deepEqual((await client.call('rules.get', {})).retention, [
      {
        id: 'keep-1',
        repositories: ['tidy/*'],
        tags: ['*'],
        keep: { newest: 2 },
        never: ['v*'],
        enabled: true,
      },
    ]);

    await act('Run now').click();
    const dialog = page.getByRole('alertdialog', { name: 'Run the rules now?' });
    await dialog.getByText('tidy/app:a').waitFor();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Delete 1 tag' }).click();
    await toast('1 tag lies in the trash.').waitFor();
    assert.equal((await beside.get('tidy/app/manifests/a')).status, 404);
  });

  await t.test('saved rules are put back by undo', async () => {
    await button('Add a quota').click();
    await act('Simulate').click();
    await bar().getByText('Changed and simulated').waitFor();
    await act('Save').click();
    await saved();
    assert.equal((await client.call('rules.get', {})).quotas.length, 1);

    await page.getByRole('heading', { name: 'Quotas' }).click();
    await page.keyboard.press('Control+z');
    await toast('Undone').last().waitFor();
    assert.equal((await client.call('rules.get', {})).quotas.length, 0);
    await panel('Quotas').getByText('No quota').waitFor(soon);
  });

  await t.test('unsaved rules are kept while the reader looks elsewhere, and over a reload', async () => {
    await page.getByLabel('How many of the newest').fill('7');
    await window.go('#/repositories');
    await window.go('#/storage/usage');
    await page.getByRole('tab', { name: 'Rules (not saved)' }).click();
    assert.equal(await page.getByLabel('How many of the newest').inputValue(), '7');

    const warned = page.waitForEvent('dialog');
    const reloaded = page.reload();
    const dialog = await warned;
    assert.equal(dialog.type(), 'beforeunload');
    await dialog.accept();
    await reloaded;
    await page.getByLabel('How many of the newest').waitFor();
    assert.equal(await page.getByLabel('How many of the newest').inputValue(), '7');
    await act('Discard changes').click();
    await page.getByRole('tab', { name: 'Rules', exact: true }).waitFor();
    assert.equal(await page.getByLabel('How many of the newest').inputValue(), '2');
  });

  await t.test('rules are not saved by a simulation that is no longer true', async () => {
    await page.getByLabel('How many of the newest').fill('1');
    await act('Simulate').click();
    await page.getByText('1 tag goes').waitFor();
    await push('tidy/app', 'd', 'tidy d');

    await act('Save').click();

    await page.getByText('Tags have changed since the simulation, so nothing was saved.').waitFor();
    await page.getByText('2 tags go').waitFor();
    assert.deepEqual((await client.call('rules.get', {})).retention[0]?.keep, { newest: 2 });
    await act('Save').click();
    await saved();
    assert.deepEqual((await client.call('rules.get', {})).retention[0]?.keep, { newest: 1 });
  });

  await t.test('rules that leave nothing of a repository need the number of deletions', async () => {
    await page.getByLabel('How many of the newest').fill('');
    await page.getByLabel('Tags that are never deleted').fill('');
    await page.getByText('It keeps nothing of what it matches').waitFor();
    await act('Simulate').click();
    await panel('Simulation').getByText('Nothing is left of 1 repository: tidy/app').waitFor();
    await act('Save').click();

    const dialog = page.getByRole('alertdialog', { name: 'Save rules that leave nothing?' });
    const save = dialog.getByRole('button', { name: 'Save, and delete 4 tags' });
    assert.ok(await save.isDisabled());
    await checkAccessibility(page);
    await dialog.getByLabel('Type 4 to confirm').fill('4');
    await save.click();
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual((await client.call('rules.get', {})).retention[0]?.keep, {});
    await saveRules(client, noRules);
    await panel('What is kept').getByText('No rule: every tag is kept.').waitFor(soon);
  });

  await t.test('rules that somebody else saves meanwhile are not overwritten unseen', async () => {
    await button('Add an expiry').click();
    await saveRules(client, { quotas: [{ id: 'theirs', repositories: 'x/**', bytes: 1000 }] });

    await page.getByText('Somebody else saved other rules since you began to change them.').waitFor(soon);
    await act('Simulate').click();
    await panel('Simulation').waitFor();
    assert.ok(await act('Save').isDisabled());
    await button('Take theirs').click();
    assert.equal(await page.getByLabel('Bytes at most').inputValue(), '1kB');
    await saveRules(client, noRules);
    await panel('Quotas').getByText('No quota').waitFor(soon);
  });

  await t.test('what is no rule is told, by the window or by the registry, as text', async () => {
    await button('Add a rule').click();
    await page.getByLabel('How many of the newest').fill('many');
    await page.getByText('A number, or nothing.').waitFor();
    assert.ok(await act('Simulate').isDisabled());
    await checkAccessibility(page);
    await page.getByLabel(/^How many of the newest/).fill('3');
    const hostile = '<img/src=x/onerror=complain(1)>\u202Egnp';
    await page.getByLabel('Repositories', { exact: true }).fill(hostile);
    await act('Simulate').click();
    await panel('Simulation')
      .getByRole('alert')
      .filter({ hasText: 'not a pattern of repositories' })
      .waitFor();
    assert.equal(await page.locator('main img').count(), 0);
    await act('Discard changes').click();
  });

  await t.test('tags are protected at once, and those of the configuration are locked', async () => {
    const list = panel('Protected tags').getByRole('listitem');
    assert.match(await list.first().innerText(), /locked\/\*\*:v\*\s+locked\s+stands in the configuration/);
    assert.equal(await list.first().getByRole('button').count(), 0);
    await page.getByLabel('Tags to protect').fill('tidy/*:v*');
    await page.keyboard.press('Enter');
    await button('Remove protection of tidy/*:v*').waitFor(soon);
    assert.equal((await client.call('rules.get', {})).protected.length, 1);

    await button('Remove protection of tidy/*:v*').click();
    await toast('tidy/*:v* is not protected any longer.').waitFor();
    assert.equal((await client.call('rules.get', {})).protected.length, 0);
    await button('Undo').last().click();
    await button('Remove protection of tidy/*:v*').waitFor();
    await page.getByLabel('Tags to protect').fill('no pattern');
    await page.getByRole('button', { name: 'Protect', exact: true }).click();
    await panel('Protected tags').getByText('not a rule such as').waitFor();
    await checkAccessibility(page);
    await client.call('protect.remove', { rule: 'tidy/*:v*' });
    await button('Remove protection of tidy/*:v*').waitFor({ state: 'detached', ...soon });
  });

  await t.test('damage on the disk is found, and healing by a push is seen live', async () => {
    const layer = 'to be damaged';
    await push('hurt/app', '1', layer);
    const { layer: digest } = await beside.manifest('hurt/app', '1');
    await writeFile(beside.blobFile(digest), 'to be DAMAGED');
    await window.go('#/storage/verify');
    await button('Check everything').click();

    const damaged = grid('Damaged content')
      .getByRole('row')
      .filter({ hasText: digest.slice(7, 19) });
    await damaged.getByText('Wrong bytes').waitFor();
    assert.match(await damaged.innerText(), /13B[^]*hurt\/app:1[^]*Push an image that has it again\./);
    await toast(/^Checked \d+ blobs, [\d.]+kB: 1 with wrong bytes\.$/).waitFor();
    assert.match(await fact(panel('Check of all content'), 'Last').innerText(), /1 with wrong bytes$/);
    await checkAccessibility(page);
    await damaged.focus();
    await page.keyboard.press('Enter');
    const details = page.getByRole('dialog', { name: 'Damaged content' });
    await details.getByText(digest).waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Escape');

    await push('hurt/app', '1', layer);
    await damaged.getByText('Healed').waitFor(soon);
    assert.equal(await readFile(beside.blobFile(digest), 'utf8'), layer);
    await button('Check everything').click();
    await page.getByRole('heading', { name: 'Nothing is known to be damaged' }).waitFor();
  });

  await t.test('some repositories are checked, and damage is forgotten after a word', async () => {
    await push('hurt/gone', '1', 'never pushed again');
    const { layer: digest } = await beside.manifest('hurt/gone', '1');
    await truncate(beside.blobFile(digest), 3);
    await button('Check some').click();
    const some = page.getByRole('dialog', { name: 'Check some repositories' });
    await some.getByLabel('Repositories').fill('hurt/gone\nhurt/app');
    await checkAccessibility(page);
    await some.getByRole('button', { name: 'Check 2 repositories' }).click();
    const damaged = grid('Damaged content')
      .getByRole('row')
      .filter({ hasText: digest.slice(7, 19) });
    await damaged.focus();
    await page.keyboard.press('Delete');

    const dialog = page.getByRole('alertdialog', { name: 'Forget this damage?' });
    await dialog.getByText(`berth verify --forget ${digest}`).waitFor();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Forget 1 blob' }).click();
    await page.getByRole('heading', { name: 'Nothing is known to be damaged' }).waitFor();
    assert.equal((await client.call('damaged.list', {})).total, 0);

    await button('Check some').click();
    await some.getByLabel('Repositories').fill('no/such');
    await some.getByRole('button', { name: 'Check 1 repository' }).click();
    await toast(/no\/such/).waitFor();
  });

  await t.test('a check shows how far it is, and is cancelled', async () => {
    // A hole in a file is read like bytes, and takes no room.
    const large = beside.blobFile(`sha256:${'0'.repeat(64)}`);
    await mkdir(dirname(large), { recursive: true });
    await writeFile(large, '');
    await truncate(large, 30_000_000_000);
    await button('Check everything').click();
    await page
      .getByRole('main')
      .getByRole('group', { name: 'Verifying content' })
      .getByRole('progressbar')
      .waitFor();
    await checkAccessibility(page);
    await page.getByRole('main').getByRole('button', { name: 'Cancel' }).click();

    await toast('The check was cancelled.').waitFor();
    await fact(panel('Check of all content'), 'State').getByText('Interrupted').waitFor();
    await truncate(large, 0);
  });

  await t.test('everything is there at 880 x 560, without a scrollbar of the page', async () => {
    await page.setViewportSize({ width: 880, height: 560 });
    for (const tab of ['usage', 'cleanup', 'trash', 'rules', 'verify']) {
      await window.go(`#/storage/${tab}`);
      assert.ok(await isNarrow(page), tab);
    }
    await page.setViewportSize({ width: 1120, height: 720 });
  });

  await t.test('what was known stays while the registry is away', async () => {
    await window.go('#/storage/usage');
    await window.registry.stop();
    await page.getByRole('main').getByRole('link', { name: 'team/big' }).waitFor();
    await page.getByText('The registry was stopped').waitFor();
  });
});

async function isNarrow(page: Page): Promise<boolean> {
  return await page.evaluate(() => document.documentElement.scrollWidth <= globalThis.innerWidth);
}
