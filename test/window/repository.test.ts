import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import type { TrashRow } from '../../registry/spec/admin/content.ts';
import { berth } from '../support/registry.ts';
import { mediaTypes, type Pusher, pushInto } from '../support/content.ts';
import { request } from '../support/http.ts';
import { needs } from '../support/tools.ts';
import { becomes } from '../support/until.ts';
import { checkAccessibility, openWindow, type TestWindow } from '../support/window.ts';

const soon = { timeout: 1000 };
const home = '#/repositories/team/api';

test('a repository', needs('chromium'), async (t) => {
  await using window = await openWindow();
  const { page, registry, user } = window;
  const api = pushInto({ plainUrl: registry.plainUrl, user }, 'team/api');
  const first = await pushMulti(api, '1.0.0', 'first');
  const second = await pushMulti(api, '1.1.0', 'second');
  for (const tag of ['1.1', 'latest']) await api.manifest(second.parts, tag);
  const signature = await api.blob('a signature', mediaTypes.layer);
  const nothing = await api.blob('{}', mediaTypes.empty);
  await api.manifest({
    artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json',
    config: nothing,
    layers: [signature],
    subject: second.index,
  });
  await api.image({ layers: [Buffer.from('cosign')] }, `${first.index.digest.replace(':', '-')}.sig`);
  const tags = page.getByRole('treegrid', { name: 'Tags' });

  await t.test('its tags have digest, platforms, size, and what is attached', async () => {
    await window.go(home);
    await rowOf(page, '1.1.0').waitFor();

    assert.deepEqual(await tagsIn(page), ['latest', '1.1', '1.1.0', '1.0.0']);
    const row = rowOf(page, '1.1.0');
    await row.getByText(second.index.digest.slice(7, 19)).waitFor();
    await row.getByText('arm64').waitFor();
    await row.getByRole('img', { name: 'Signed, not verified' }).waitFor();
    await row.getByRole('button', { name: /^Select the 3 tags of / }).waitFor();
    await checkAccessibility(page);
  });

  await t.test('its own button connects a client, with its newest tag filled in', async () => {
    await page.getByRole('main').getByRole('button', { name: 'Connect' }).press('Enter');
    const drawer = page.getByRole('dialog', { name: 'Connect a client' });

    const image = drawer.getByRole('textbox', { name: 'Image' });
    await page.waitForFunction(() => {
      const fields = [...document.querySelectorAll<HTMLInputElement>('[role=dialog] input')];
      return fields.some(({ value }) => value === 'team/api:latest');
    });
    await image.fill('team/api:mine');
    await drawer.getByText(/docker push \S+team\/api:mine/).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'detached' });
  });

  await t.test('tags that hold attachments are behind a chip', async () => {
    await page.getByRole('button', { name: '1 sha256-… tag' }).click();
    await page.getByRole('link', { name: /^sha256-.*\.sig$/ }).waitFor();
    await page.getByRole('button', { name: '1 sha256-… tag' }).click();
    await page.getByRole('link', { name: /^sha256-.*\.sig$/ }).waitFor({ state: 'detached' });
  });

  await t.test('Right shows platforms, then what is attached; Left hides them', async () => {
    await rowOf(page, '1.1.0').focus();
    await page.keyboard.press('ArrowRight');
    await tags.getByRole('link', { name: 'signature' }).waitFor();

    assert.deepEqual((await linesIn(page)).slice(2, 7), [
      '1.1.0',
      'amd64',
      'arm64',
      'attestation',
      'signature',
    ]);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Y');
    await page.getByText('Pull command copied').waitFor();
    assert.equal(
      await clipboard(page),
      `docker pull localhost:${registry.port}/team/api@${second.parts.manifests[0]?.digest ?? ''}`,
    );
    await page.getByRole('button', { name: 'Close message' }).click();
    await rowOf(page, '1.1.0').focus();
    await checkAccessibility(page);
    await page.keyboard.press('ArrowLeft');
    await tags.getByRole('link', { name: 'signature' }).waitFor({ state: 'detached' });
  });

  await t.test('G groups them by digest', async () => {
    await page.keyboard.press('G');
    await tags.getByText('3 tags').waitFor();
    assert.deepEqual(await linesIn(page), ['3 tags', 'latest', '1.1', '1.1.0', '1.0.0']);
    await checkAccessibility(page);
    await page.keyboard.press('G');
    await tags.getByText('3 tags').waitFor({ state: 'detached' });
  });

  await t.test('a query and an order find them', async () => {
    await page.getByRole('searchbox', { name: 'Search tags' }).fill(':1.*');
    await rowOf(page, 'latest').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Tag', exact: true }).click();
    await page
      .getByRole('columnheader', { name: 'Tag' })
      .and(page.locator('[aria-sort=descending]'))
      .waitFor();

    await becomes(() => tagsIn(page), ['1.1.0', '1.1', '1.0.0']);
    await page.getByRole('searchbox', { name: 'Search tags' }).fill('');
    await rowOf(page, 'latest').waitFor();
    await becomes(() => tagsIn(page), ['latest', '1.1.0', '1.1', '1.0.0']);
    await page.getByRole('searchbox', { name: 'Search tags' }).fill('');
    await page.getByRole('button', { name: 'Pushed' }).click();
    await rowOf(page, 'latest').waitFor();
  });

  await t.test('y, Y and d copy, and a menu has the words of every client', async () => {
    await rowOf(page, 'latest').focus();
    const copied: string[] = [];
    for (const [key, said] of [
      ['y', 'Reference copied'],
      ['Y', 'Pull command copied'],
      ['d', 'Digest copied'],
    ] as const) {
      await page.keyboard.press(key);
      await page.getByText(said).waitFor();
      copied.push(await clipboard(page));
    }
    await page.getByRole('button', { name: 'Copy latest for another client' }).click();
    await checkAccessibility(page);
    await page.getByRole('group', { name: 'By digest' }).getByRole('menuitem', { name: 'Podman' }).click();
    await page.getByText('Copied', { exact: true }).waitFor();
    copied.push(await clipboard(page));

    const address = `localhost:${registry.port}`;
    assert.deepEqual(copied, [
      `${address}/team/api:latest`,
      `docker pull ${address}/team/api:latest`,
      second.index.digest,
      `podman pull ${address}/team/api@${second.index.digest}`,
    ]);
  });

  await t.test('a track selects the tags of its digest, and the bar says what that frees', async () => {
    await rowOf(page, '1.1')
      .getByRole('button', { name: /^Select the 3 tags of / })
      .click();
    const bar = page.getByRole('toolbar', { name: 'Selected tags' });
    await bar.getByText('3 selected').waitFor();
    await bar.getByText(/^1 exclusive digest, frees /).waitFor();
    await checkAccessibility(page);
    await bar.getByRole('button', { name: 'Clear' }).click();
    await bar.waitFor({ state: 'detached' });
  });

  await t.test('Delete deletes one at once, says what stays, and Ctrl Z takes it back', async () => {
    await rowOf(page, '1.1').focus();
    await page.keyboard.press('Delete');
    await page.getByText('Deleted 1.1; the digest stays: also 1.1.0, latest').waitFor();
    await rowOf(page, '1.1').waitFor({ state: 'detached' });

    await page.keyboard.press('Control+z');
    await rowOf(page, '1.1').waitFor();
  });

  await t.test('the keys of a row work beside the box that selects it, too', async () => {
    await rowOf(page, '1.1').getByRole('checkbox').check();
    await page.keyboard.press('d');
    await page.getByText('Digest copied').waitFor();
    assert.equal(await clipboard(page), second.index.digest);
    await page.keyboard.press('Space');
    await page.getByRole('toolbar', { name: 'Selected tags' }).waitFor({ state: 'detached' });
  });

  await t.test('several are deleted by keys alone, and come back', async () => {
    await rowOf(page, 'latest').focus();
    await page.keyboard.press('Control+a');
    await page.getByText('4 selected').waitFor();
    await page.getByText(/^2 exclusive digests, frees /).waitFor();
    await page.keyboard.press('Space');
    await page.getByText('3 selected').waitFor();
    await page.getByText(/^1 exclusive digest, frees /).waitFor();
    await page.getByRole('button', { name: 'Delete 3 tags' }).waitFor();
    await page.keyboard.press('Delete');
    await page.getByText('Deleted 3 tags').waitFor();
    await rowOf(page, '1.0.0').waitFor({ state: 'detached' });
    const left = await tagsIn(page);

    await page.keyboard.press('Control+z');
    for (const tag of ['1.0.0', '1.1.0', '1.1', 'latest']) await rowOf(page, tag).waitFor();
    assert.equal(left.length, 1);
  });

  await t.test('a protected tag is marked and kept, until it is no longer', async () => {
    await choose(page, '1.0.0', 'Protect');
    await rowOf(page, '1.0.0').getByRole('img', { name: 'Protected by team/api:1.0.0' }).waitFor();
    await page.getByText('1.0.0 keeps its meaning').waitFor();
    await rowOf(page, '1.0.0').focus();
    await page.keyboard.press('Delete');
    await page.getByText('1.0.0 cannot be deleted: protected by team/api:1.0.0.').waitFor();
    await page.getByRole('button', { name: 'Close message' }).last().click();

    await choose(page, '1.0.0', 'Stop protecting');
    await page.getByText('1.0.0 can be moved and deleted').waitFor();
    await rowOf(page, '1.0.0')
      .getByRole('img', { name: /Protected/ })
      .waitFor({ state: 'detached' });
  });

  await t.test('two are compared', async () => {
    await rowOf(page, '1.0.0').getByRole('checkbox').check();
    await rowOf(page, 'latest').getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.waitForURL(/_\/compare\/1\.0\.0\/latest$/);
    await page.goBack();
    await rowOf(page, 'latest').waitFor();
  });

  await t.test('a tag is added to a digest', async () => {
    await choose(page, '1.0.0', 'Add tag…');
    const dialog = page.getByRole('dialog', { name: 'Add a tag' });
    await dialog.getByRole('textbox', { name: 'Tag' }).fill('lts');
    await checkAccessibility(page);
    await page.keyboard.press('Enter');
    await rowOf(page, 'lts').waitFor();
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await rowOf(page, 'lts').waitFor({ state: 'detached' });
  });

  await t.test('what others push and delete appears and disappears within a second', async () => {
    await api.image({ layers: [Buffer.from('from outside')] }, 'outside');
    await rowOf(page, 'outside').waitFor(soon);
    await rowOf(page, 'outside').getByRole('checkbox').check();
    await rowOf(page, 'latest').getByRole('checkbox').check();
    await page.getByText('2 selected').waitFor();
    await request(registry.plainUrl, { method: 'DELETE', path: '/v2/team/api/manifests/outside', user });
    await rowOf(page, 'outside').waitFor({ state: 'detached', timeout: 1000 });

    // It is no longer selected.
    await page.getByText('1 selected').waitFor();
    await page.getByRole('button', { name: 'Clear' }).last().click();
  });

  await t.test('the history lets a tag mean again what it meant before', async () => {
    await api.manifest(first.parts, 'latest');
    await window.go(`${home}/_/history?tag=latest`);
    const moved = page.getByRole('row').filter({ hasText: 'Moved' }).first();
    await moved.getByText(second.index.digest.slice(7, 19)).waitFor();
    await checkAccessibility(page);
    const moves = Number(await page.getByRole('grid', { name: 'History' }).getAttribute('aria-rowcount'));
    await moved.getByRole('button', { name: 'Restore latest to what it meant before' }).click();
    await page.getByText(`latest means ${second.index.digest.slice(7, 19)} again`).waitFor();
    assert.equal(await digestOf(registry.plainUrl, user, 'latest'), second.index.digest);

    await page.getByRole('button', { name: 'Undo' }).last().click();
    await page.locator(`[role=grid][aria-rowcount="${moves + 2}"]`).waitFor();
    assert.equal(await digestOf(registry.plainUrl, user, 'latest'), first.index.digest);
  });

  await t.test('a deleted tag comes back from the history, and leaves the trash', async () => {
    await berth(registry.dataDir, 'rm', 'team/api:1.1');
    await window.go(`${home}/_/history?tag=1.1`);
    const deleted = page.getByRole('row').filter({ hasText: 'Deleted' }).first();
    await deleted.getByRole('button', { name: 'Restore 1.1 to what it meant before' }).click();
    await page.getByText(/^1.1 means .* again$/).waitFor();

    assert.equal(await digestOf(registry.plainUrl, user, '1.1'), second.index.digest);
    const trash = JSON.parse(await berth(registry.dataDir, 'trash', 'ls', '--json')) as readonly TrashRow[];
    assert.deepEqual(
      trash.filter((entry) => entry.tags.includes('1.1')),
      [],
    );
  });

  await t.test('what has no tag says why it is kept, and can get one', async () => {
    await api.image({ layers: [Buffer.from('an old nightly')] }, 'nightly');
    const old = await digestOf(registry.plainUrl, user, 'nightly');
    await api.image({ layers: [Buffer.from('a new nightly')] }, 'nightly');
    await window.go(`${home}/_/untagged`);
    const row = page.getByRole('row').filter({ hasText: old.slice(7, 19) });
    await row.getByText('Grace').waitFor();
    await page.getByText('In an index').first().waitFor();
    await page
      .getByText(/^Attached to /)
      .first()
      .waitFor();
    await checkAccessibility(page);

    await row.getByRole('button', { name: /^Tag it/ }).click();
    await page.getByRole('textbox', { name: 'Tag' }).fill('nightly-1');
    await page.keyboard.press('Enter');
    await row.waitFor({ state: 'detached' });
    assert.equal(await digestOf(registry.plainUrl, user, 'nightly-1'), old);
  });

  await t.test('Ctrl A selects what has no tag, and the bar says what goes and what stays', async () => {
    const former = await digestOf(registry.plainUrl, user, 'nightly');
    await api.image({ layers: [Buffer.from('a third nightly')] }, 'nightly');
    // Selected before it is there, it would be none of all.
    await page
      .getByRole('row')
      .filter({ hasText: former.slice(7, 19) })
      .waitFor();
    await page.locator('[data-row="0"]').focus();
    await page.keyboard.press('Control+a');

    const bar = page.getByRole('toolbar', { name: 'Selected manifests' });
    const count = (await page.getByRole('checkbox', { checked: true }).count()) - 1;
    await bar.getByText(`${count} of ${count} selected`).waitFor();
    await bar.getByText(/^\d+ manifests?, frees .*B; \d+ in an index, and kept$/).waitFor();
    await checkAccessibility(page);
    await page.setViewportSize({ width: 880, height: 560 });
    await bar.getByRole('button', { name: 'Clear' }).click();
    await bar.waitFor({ state: 'detached' });
    await page.setViewportSize({ width: 1120, height: 720 });
  });

  await t.test('the settings open it to everybody and back, and protect by a pattern', async () => {
    await window.go(`${home}/_/settings`);
    const path = '/v2/team/api/manifests/latest';
    const statusOf = async (): Promise<number> => (await request(registry.plainUrl, { path })).status;
    assert.equal(await statusOf(), 401);
    await page.getByText('Everybody may pull, without a login').click();
    await page.getByText('Everybody may pull team/api').waitFor();
    assert.equal(await statusOf(), 200);
    await checkAccessibility(page);
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await page.getByRole('switch', { name: /^Everybody/, checked: false }).waitFor();
    assert.equal(await statusOf(), 401);

    await page.getByLabel('Tag or pattern to protect').fill('1.*');
    await page.keyboard.press('Enter');
    await page.getByText('team/api:1.*', { exact: true }).waitFor();
    assert.match(await berth(registry.dataDir, 'protect', 'ls'), /team\/api:1\.\*/);
    await page.getByRole('button', { name: 'Stop protecting team/api:1.*' }).click();
    await page.getByText('Every tag can be moved and deleted.').waitFor();
  });

  await t.test('it is described, and made read-only and writable again', async () => {
    await window.go(`${home}/_/settings`);
    const main = page.getByRole('main');
    const hostile = '<img src=x onerror=complain(1)> kept\u202e for years';
    await main.getByRole('textbox', { name: 'What it is for' }).fill(hostile);
    await page.keyboard.press('Enter');
    await main.getByText('<img src=x onerror=complain(1)> kept\\u{202e} for years').waitFor();
    const field = main.getByRole('textbox', { name: 'What it is for' });
    assert.ok(await field.evaluate((input) => input === document.activeElement));
    // What others write is in the field, too, and not what was typed over it before.
    for (const description of ['by others', '']) {
      await berth(registry.dataDir, 'repository', 'team/api', '--description', description);
      await field.and(page.locator(`[value="${description}"]`)).waitFor(soon);
    }
    await main.getByText(`berth repository team/api --read-only on`).waitFor();
    await main.getByText('Read-only: pushes, moves and deletes are refused').click();
    await main.getByText('Read-only', { exact: true }).waitFor();
    await checkAccessibility(page);
    await assert.rejects(window.push('team/api', 'refused', 'x'), /405/);
    await window.push('team/other', '1', 'x');
    await window.go(home);
    await saysReadOnly(window);

    await window.go('#/repositories');
    const row = page.getByRole('row').filter({ hasText: 'team/api' });
    await row.getByRole('img', { name: 'Read-only' }).waitFor();
    await checkAccessibility(page);
    await berth(registry.dataDir, 'repository', 'team/api', '--read-only', 'off', '--description', '');
    await row.getByRole('img', { name: 'Read-only' }).waitFor({ state: 'detached', ...soon });
    await window.go(home);
    await main.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Read-only: refuse pushes' }).click();
    await main.getByText('Read-only', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await main.getByText('Read-only', { exact: true }).waitFor({ state: 'detached' });
    await window.push('team/api', 'admitted', 'x');
  });

  await t.test('text of an address is text', async () => {
    await window.go(`${home}?q=${encodeURIComponent('<img src=x onerror=complain(1)>\u202e"\u0007"')}`);
    await page.getByRole('heading', { name: /^Nothing matches <img src=x/ }).waitFor();
    await window.go(
      `#/repositories/team/api/_/image/${encodeURIComponent('<img src=x onerror=complain(1)>')}`,
    );
    await page.getByRole('main').getByText('<img src=x onerror=complain(1)>').first().waitFor();
  });

  await t.test('an address that can be of no repository is of no screen', async () => {
    await page.evaluate(() => (location.hash = '#/repositories/team/api:1'));
    await page.getByRole('heading', { name: 'There is no such screen' }).waitFor();
  });

  await t.test('one that does not exist says so, with the nearest name', async () => {
    await window.go('#/repositories/team/apj');
    await page.getByRole('heading', { name: 'There is no repository team/apj' }).waitFor();
    await page.getByText('did you mean team/api?').waitFor();
    await checkAccessibility(page);
  });

  await t.test('an act that is refused changes nothing of what is shown', async () => {
    await window.go(home);
    await rowOf(page, '1.0.0').focus();
    await registry.stop();
    await page.getByText('The registry was stopped').waitFor();
    await rowOf(page, '1.0.0').focus();
    await page.keyboard.press('Delete');
    await page.getByText('The registry does not answer.').waitFor();

    assert.ok((await tagsIn(page)).includes('1.0.0'));
  });
});

/** An index for two platforms, with an attestation. */
async function pushMulti(into: Pusher, tag: string, text: string) {
  const images = [];
  for (const architecture of ['amd64', 'arm64', 'unknown']) {
    const os = architecture === 'unknown' ? 'unknown' : 'linux';
    const layers = [Buffer.from(`${text} for ${architecture}`)];
    const image = await into.image({ config: { architecture, os, text }, layers });
    images.push({ ...image, platform: { os, architecture } });
  }
  const parts = { manifests: images };
  return { parts, index: await into.manifest(parts, tag) };
}

function rowOf(page: Page, tag: string) {
  return page.getByRole('row').filter({ has: page.getByRole('link', { name: tag, exact: true }) });
}

async function choose(page: Page, tag: string, act: string): Promise<void> {
  await page.getByRole('button', { name: `More for ${tag}`, exact: true }).click();
  await page.getByRole('menuitem', { name: act, exact: true }).click();
}

async function clipboard(page: Page): Promise<string> {
  return await page.evaluate(() => navigator.clipboard.readText());
}

async function tagsIn(page: Page): Promise<readonly string[]> {
  return await page.locator('[data-row][aria-level="1"] [role=gridcell] > a[title]').allTextContents();
}

/** What the cells below Tag say. */
async function linesIn(page: Page): Promise<readonly string[]> {
  return await page.locator('[data-row] [role=gridcell]:nth-child(2)').allTextContents();
}

async function digestOf(plainUrl: string, user: string, tag: string): Promise<string> {
  const { headers } = await request(plainUrl, {
    method: 'HEAD',
    path: `/v2/team/api/manifests/${tag}`,
    user,
    headers: { accept: `${mediaTypes.index}, ${mediaTypes.manifest}` },
  });
  return String(headers['docker-content-digest']);
}

/** Every act on the tags of team/api that would be refused says why, or is not to be had. */
async function saysReadOnly(window: TestWindow): Promise<void> {
  const { page } = window;
  const refusal = 'The repository is read-only: see its Settings';
  const main = page.getByRole('main');
  const messages = page.getByRole('status', { name: 'Messages' });
  const isRefused = async (label: string): Promise<void> => {
    const item = page.getByRole('menuitem', { name: label });
    await item.getByText(refusal).waitFor();
    assert.equal(await item.getAttribute('aria-disabled'), 'true', label);
  };
  const press = async (row: Locator, key: string): Promise<void> => {
    await row.press(key);
    await messages.getByText(`${refusal}.`).last().waitFor();
    await messages.getByRole('button', { name: 'Close message' }).last().press('Enter');
    await messages.getByText(`${refusal}.`).waitFor({ state: 'detached' });
  };

  const latest = rowOf(page, 'latest');
  await latest.getByRole('img', { name: refusal }).waitFor();
  await press(latest, 'Delete');
  await latest.click({ button: 'right' });
  await isRefused('Add tag…');
  await isRefused('Delete');
  await checkAccessibility(page);
  await page.keyboard.press('Escape');
  await latest.press('Space');
  const bar = page.getByRole('toolbar', { name: 'Selected tags' });
  await bar.getByText(`${refusal}.`).waitFor();
  assert.ok(await bar.getByRole('button', { name: 'Add tag' }).isDisabled());
  assert.ok(await bar.getByRole('button', { name: /^Delete/ }).isDisabled());
  await checkAccessibility(page);
  await bar.getByRole('button', { name: 'Clear' }).click();

  await window.go(`${home}/_/untagged`);
  await main.getByText(`${refusal}.`).waitFor();
  const untagged = page
    .getByRole('grid', { name: 'Untagged manifests' })
    .locator('[role=row][data-row]')
    .first();
  assert.ok(await untagged.getByRole('button', { name: /^Tag it/ }).isDisabled());
  await press(untagged, 'Delete');
  await press(untagged, 't');
  await untagged.click({ button: 'right' });
  await isRefused('Tag it…');
  await isRefused('Delete');
  await page.keyboard.press('Escape');

  await window.go(`${home}/_/history`);
  await main.getByText(`${refusal}.`).waitFor();
  const back = main.getByRole('button', { name: /^Restore / });
  for (const button of await back.all()) assert.ok(await button.isDisabled());
  assert.ok((await back.count()) > 0);
  await checkAccessibility(page);

  await window.go(`${home}/_/image/latest`);
  await page.getByRole('button', { name: 'More acts' }).click();
  await isRefused('Add tag…');
  await isRefused('Delete tag');
  await page.keyboard.press('Escape');
  await press(page.locator('body'), 'a');
  await press(page.locator('body'), 'Delete');
  await window.go(`${home}/_/image/latest/history`);
  await main.getByText(`${refusal}.`).waitFor();

  await window.go('#/storage/trash');
  const deleted = page.getByRole('row').filter({ hasText: 'team/api' }).first();
  await deleted.press('Space');
  await main.getByText('The repository team/api is read-only').waitFor();
  assert.ok(await main.getByRole('button', { name: /^Restore/ }).isDisabled());
  await checkAccessibility(page);
  await deleted.press('R');
  await messages.getByText('The repository team/api is read-only.').waitFor();
  await messages.getByRole('button', { name: 'Close message' }).last().press('Enter');

  await window.go(home);
  await main.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Delete team/api?' });
  await dialog.getByText(`${refusal}.`).waitFor();
  assert.ok(await dialog.getByRole('button', { name: /^Delete/ }).isDisabled());
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
}
