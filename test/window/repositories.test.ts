import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { pushInto } from '../support/content.ts';
import { request } from '../support/http.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, openWindow } from '../support/window.ts';

const soon = { timeout: 1000 };
const shortNames = ['nginx', 'a/web-frontend', 'platform/db'];
const longName = `${'department/'.repeat(8)}web-frontend`;

test('repositories', needs('chromium'), async (t) => {
  await using window = await openWindow({ env: { BERTH_AUTH_ANONYMOUS: '[public/**]' } });
  const { page, registry, user } = window;
  const into = (repository: string) => pushInto({ plainUrl: registry.plainUrl, user }, repository);
  const search = page.getByRole('searchbox', { name: 'Search repositories' });

  await t.test('without one there is the recipe of the first', async () => {
    await window.go('#/repositories');
    await page.getByRole('heading', { name: 'No repositories yet' }).waitFor();
    await page.getByRole('button', { name: 'Copy commands' }).click();

    assert.deepEqual((await clipboard(page)).split('\n'), [
      `docker tag alpine:latest localhost:${registry.port}/alpine:latest`,
      `docker push localhost:${registry.port}/alpine:latest`,
      `docker pull localhost:${registry.port}/alpine:latest`,
    ]);
    await checkAccessibility(page);
  });

  await t.test('a push from outside appears within a second', async () => {
    await window.push('team/api', '1', 'one');
    await rowOf(page, 'team/api').waitFor(soon);
  });

  await t.test('each has its kind, its tags, its size, and who may pull', async () => {
    const image = { architecture: 'amd64', os: 'linux' };
    await into('public/web').image({ config: image, layers: [Buffer.alloc(700_000, 'w')] }, '1');
    await into('public/web').image({ config: image, layers: [Buffer.alloc(700_000, 'w')] }, '2');
    const chart = into('charts/shop');
    const config = await chart.blob('{}', 'application/vnd.cncf.helm.config.v1+json');
    await chart.manifest({ config, layers: [] }, '0.1.0');
    await rowOf(page, 'charts/shop').getByText('helm').waitFor(soon);

    assert.deepEqual(await cellsOf(page, 'public/web', ['Name', 'Kind', 'Tags', 'Size', 'Visibility']), [
      'public/web',
      'image',
      '2',
      '700kB',
      'Public',
    ]);
    assert.deepEqual(await cellsOf(page, 'charts/shop', ['Kind', 'Visibility']), ['helm', 'Login']);
  });

  await t.test('they are sorted by a press of a head, and the address keeps it', async () => {
    await page.getByRole('button', { name: 'Name' }).click();
    await page
      .getByRole('columnheader', { name: 'Name' })
      .and(page.locator('[aria-sort=ascending]'))
      .waitFor();
    await page.reload();
    await rowOf(page, 'team/api').waitFor();

    assert.match(page.url(), /sort=name&order=asc/);
    assert.deepEqual(await namesIn(page), ['charts/shop', 'public/web', 'team/api']);
  });

  await t.test('a query finds some, a chip adds a term and takes it out', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('kind:helm');
    await rowOf(page, 'team/api').waitFor({ state: 'detached' });
    assert.deepEqual(await namesIn(page), ['charts/shop']);

    await page.getByRole('button', { name: 'Multi-platform' }).click();
    await page.getByRole('heading', { name: 'Nothing matches kind:helm is:multiplatform' }).waitFor();
    assert.equal(await search.inputValue(), 'kind:helm is:multiplatform');
    await page.getByRole('button', { name: 'Multi-platform' }).click();
    await rowOf(page, 'charts/shop').waitFor();
    await search.fill(':2');
    await rowOf(page, 'public/web').waitFor();
    assert.deepEqual(await namesIn(page), ['public/web']);
  });

  await t.test('what cannot be understood is marked, and the rows stay', async () => {
    await search.fill('arhc:arm64');
    await page.getByText('"arhc:" is no key; did you mean arch:?').waitFor();

    assert.deepEqual(await namesIn(page), ['public/web']);
    assert.equal(await search.getAttribute('aria-invalid'), 'true');
    await checkAccessibility(page);
    await page.getByRole('button', { name: 'What can be asked' }).click();
    await page.getByRole('dialog', { name: 'What can be asked' }).waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
  });

  await t.test('nothing matches, and a press shows all again', async () => {
    await search.fill('nowhere');
    await page.getByRole('heading', { name: 'Nothing matches nowhere' }).waitFor();
    await checkAccessibility(page);
    await page.getByRole('button', { name: 'Clear', exact: true }).last().click();
    await rowOf(page, 'team/api').waitFor();
  });

  await t.test('T shows them by namespace, which keys open and close, and a reload keeps it', async () => {
    await page.keyboard.press('Escape');
    await page.locator('[data-row="0"]').focus();
    await page.keyboard.press('T');
    await page.getByRole('treegrid', { name: 'Repositories' }).waitFor();
    assert.deepEqual(await linesIn(page), ['charts/', 'shop', 'public/', 'web', 'team/', 'api']);

    await page.locator('[data-row="0"]').focus();
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('row', { name: /shop/ }).waitFor({ state: 'detached' });
    assert.deepEqual(await linesIn(page), ['charts/', 'public/', 'web', 'team/', 'api']);
    await page.keyboard.press('ArrowRight');
    await page.getByRole('row', { name: /shop/ }).waitFor();
    await checkAccessibility(page);

    await page.reload();
    await page.getByRole('treegrid', { name: 'Repositories' }).waitFor();
    await page.getByRole('button', { name: 'Show as a list (T)' }).click();
    await page.getByRole('grid', { name: 'Repositories' }).waitFor();
  });

  await t.test('a column can be hidden, and a reload keeps that', async () => {
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('dialog', { name: 'Columns' }).getByText('Visibility').click();
    await page.keyboard.press('Escape');
    await page.getByRole('columnheader', { name: 'Visibility' }).waitFor({ state: 'detached' });
    await page.reload();
    await rowOf(page, 'team/api').waitFor();

    assert.equal(await page.getByRole('columnheader', { name: 'Visibility' }).count(), 0);
  });

  await t.test('columns are put into another order by keys, and a reload keeps that', async () => {
    const menu = page.getByRole('button', { name: 'Columns' });
    const titles = async () =>
      (await page.getByRole('columnheader').allInnerTexts()).slice(0, 4).map((text) => text.trim());
    const before = await titles();
    await menu.press('Enter');
    await checkAccessibility(page);
    const left = page.getByRole('button', { name: 'Move Size left' });
    await left.press('Enter');
    await page.keyboard.press('Enter');
    assert.ok(await left.evaluate((element) => element === document.activeElement));
    await page.getByRole('button', { name: 'Move Kind right' }).press('Enter');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Columns' }).waitFor({ state: 'detached' });
    await page.reload();
    await rowOf(page, 'team/api').waitFor();

    assert.deepEqual(
      [before, await titles()],
      [
        ['Name', 'Kind', 'Tags', 'Size'],
        ['Name', 'Size', 'Tags', 'Kind'],
      ],
    );
    await page.setViewportSize({ width: 880, height: 560 });
    await page.getByRole('columnheader', { name: 'Last pulled' }).waitFor({ state: 'detached' });
    const table = page.getByRole('grid', { name: 'Repositories' });
    assert.ok(await table.evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth));
    await page.setViewportSize({ width: 1120, height: 720 });
  });

  await t.test('y, Y and d copy reference, pull command and digest', async () => {
    const digest = await window.push('team/api', '2', 'two');
    await rowOf(page, 'team/api').focus();
    const copied: string[] = [];
    for (const [key, said] of [
      ['y', 'Reference copied'],
      ['Y', 'Pull command of 2 copied'],
      ['d', 'Digest of 2 copied'],
    ] as const) {
      await page.keyboard.press(key);
      await page.getByText(said).waitFor();
      copied.push(await clipboard(page));
    }

    const name = `localhost:${registry.port}/team/api`;
    // What it holds is of no known kind.
    assert.deepEqual(copied, [name, `oras pull ${name}:2`, digest]);
  });

  await t.test('Enter opens one', async () => {
    await rowOf(page, 'public/web').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'public/web' }).waitFor();
    await page.goBack();
    await rowOf(page, 'team/api').waitFor();
  });

  await t.test('one that only shares says so', async () => {
    const config = { architecture: 'amd64', os: 'linux' };
    await into('public/copy').image({ config, layers: [Buffer.alloc(700_000, 'w')] }, '1');
    await window.go('#/repositories/public/copy');
    await page.getByText('700kB shared').waitFor(soon);
    await page.goBack();
    await rowOf(page, 'public/copy').waitFor();
  });

  await t.test('Delete asks for the name, and says what goes; Undo brings all of it back', async () => {
    await rowOf(page, 'team/api').focus();
    await page.keyboard.press('Delete');
    const dialog = page.getByRole('alertdialog', { name: 'Delete team/api?' });
    await dialog.getByText('2 manifests').waitFor();
    await checkAccessibility(page);
    const remove = dialog.getByRole('button', { name: 'Delete 2 tags' });
    assert.equal(await remove.isDisabled(), true);
    await dialog.getByLabel('Type team/api to confirm').fill('team/api');
    await remove.click();
    await rowOf(page, 'team/api').waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Undo' }).click();
    await rowOf(page, 'team/api').waitFor();
    assert.deepEqual(await cellsOf(page, 'team/api', ['Tags']), ['2']);
  });

  await t.test('a protected tag keeps its repository', async () => {
    await page.evaluate(() => (location.hash = '#/repositories/team/api/_/settings'));
    await page.getByLabel('Tag or pattern to protect').fill('1');
    await page.getByRole('button', { name: 'Protect', exact: true }).click();
    await page.getByRole('button', { name: 'Stop protecting team/api:1' }).waitFor();
    await window.go('#/repositories');
    await page.getByRole('button', { name: 'More for team/api' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();

    const dialog = page.getByRole('alertdialog', { name: 'Delete team/api?' });
    await dialog.getByText('It has protected tags').waitFor();
    assert.equal(await dialog.getByRole('button', { name: 'Delete 2 tags' }).isDisabled(), true);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  await t.test('a name is cut only where it has no room, and its end last', async () => {
    for (const name of [...shortNames, longName]) {
      await window.push(name, '1', name);
      await rowOf(page, name).waitFor(soon);
    }
    for (const name of shortNames) assert.deepEqual(await cutPartsOf(page, name), [], name);
    assert.deepEqual(await cutPartsOf(page, longName), [longName.slice(0, longName.lastIndexOf('/') + 1)]);
  });

  await t.test('one that is deleted by others disappears within a second', async () => {
    const list = await request(registry.plainUrl, { path: '/v2/public/web/manifests/1', user });
    const digest = String(list.headers['docker-content-digest']);
    await request(registry.plainUrl, { method: 'DELETE', path: `/v2/public/web/manifests/${digest}`, user });
    await rowOf(page, 'public/web').waitFor({ state: 'detached', timeout: 1000 });
  });

  await t.test('without the registry the old rows stay', async () => {
    await registry.stop();
    await page.getByText('The registry was stopped').waitFor();

    const left = ['charts/shop', 'public/copy', 'team/api', ...shortNames, longName];
    assert.deepEqual((await namesIn(page)).toSorted(), left.toSorted());
    await checkAccessibility(page);
  });
});

function rowOf(page: Page, name: string) {
  return page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
}

/** The parts of the name in its row that are not seen whole. */
async function cutPartsOf(page: Page, name: string): Promise<readonly string[]> {
  const parts = rowOf(page, name).getByRole('link', { name, exact: true }).locator('span');
  return await parts.evaluateAll((all) =>
    all.filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.textContent),
  );
}

async function clipboard(page: Page): Promise<string> {
  return await page.evaluate(() => navigator.clipboard.readText());
}

async function namesIn(page: Page): Promise<readonly string[]> {
  return await page
    .getByRole('row')
    .getByRole('link')
    .evaluateAll((links) => links.map((link) => link.getAttribute('aria-label') ?? ''));
}

/** What the first cells of a tree say. */
async function linesIn(page: Page): Promise<readonly string[]> {
  return await page.locator('[data-row] [role=gridcell]:first-child').allTextContents();
}

async function cellsOf(page: Page, name: string, heads: readonly string[]): Promise<readonly string[]> {
  const all = await page.getByRole('columnheader').allTextContents();
  const cells = await rowOf(page, name).getByRole('gridcell').allTextContents();
  return heads.map((head) => (cells[all.indexOf(head)] ?? '').trim());
}
