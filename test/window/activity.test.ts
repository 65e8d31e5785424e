/** The live strip and the audit, with real clients. */
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { openClient } from '../../registry/cli/client.ts';
import { mediaTypes } from '../support/content.ts';
import { request } from '../support/http.ts';
import { skopeoOn } from '../support/skopeo.ts';
import { pullSlowly, pushSlowly } from '../support/slow.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, goTo, openWindow } from '../support/window.ts';

const docker = 'docker/28.2.1 go/go1.24 git-commit/1 kernel/6.1 os/linux arch/amd64';
const layerBytes = 48 * 1024 * 1024;

function rowsOf(page: Page) {
  return page.getByRole('grid', { name: 'What was changed' }).getByRole('row');
}

/** Saves what a press of the entry downloads. */
async function exported(page: Page, entry: string): Promise<readonly string[]> {
  await page.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: entry }).click(),
  ]);
  const text = await readFile(await download.path(), 'utf8');
  return [download.suggestedFilename(), ...text.trimEnd().split(/\r?\n/)];
}

test('activity', needs('chromium', 'skopeo', 'busybox', 'openssl'), async (t) => {
  await using window = await openWindow();
  const { page, registry, user } = window;
  using client = await openClient(registry.dataDir);
  const skopeo = await skopeoOn(registry, user);
  const live = page.getByRole('list', { name: 'Transfers' });

  await t.test('says what it is for while nothing has happened', async () => {
    await window.go('#/activity');

    await page.getByRole('heading', { name: 'Nothing has happened yet' }).waitFor();
    await page.getByText('no transfer runs').waitFor();
    await checkAccessibility(page);
  });

  await t.test(
    'a push of skopeo is in both lists within a second, with who, what and with which client',
    async () => {
      await skopeo('team/api:1.4');
      const at = performance.now();

      const row = rowsOf(page).filter({ hasText: 'Tag set' });
      await row.getByRole('link', { name: 'team/api:1.4' }).waitFor();
      const took = performance.now() - at;

      assert.match(await row.innerText(), /admin/);
      await live.getByText('Done', { exact: true }).waitFor();
      assert.match(await live.innerText(), /admin\s+skopeo 1\.\d+\s+push\s+team\/api:1\.4\s+4 done/);
      assert.ok(took < 1000, `${took} ms`);
      const heading = await page.getByRole('heading', { name: /^Today, / }).boundingBox();
      const head = await page.getByRole('columnheader', { name: 'Time' }).boundingBox();
      assert.equal(heading?.x, head?.x, 'a day stands at the start of its row');
      await checkAccessibility(page);
    },
  );

  await t.test('a push that lasts shows bytes and no percentage, and Cancel cuts it', async () => {
    const push = await pushSlowly(registry, { user, repository: 'team/slow', agent: docker });
    push.send(3_000_000);

    const row = live.getByRole('listitem').filter({ hasText: 'team/slow' });
    await row.getByText('1 uploading').waitFor();
    await row.getByText('3MB', { exact: true }).waitFor();
    push.send(2_000_000);
    await row.getByText('5MB', { exact: true }).waitFor();
    assert.match(await row.innerText(), /docker 28\.2\s+push/);
    assert.equal(await row.getByRole('progressbar').count(), 0);
    await checkAccessibility(page);

    await row.getByRole('button', { name: 'Cancel: push of team/slow' }).focus();
    await page.keyboard.press('Enter');

    const answer = await push.ended;
    assert.ok(answer instanceof Error || answer.status >= 400, 'the client is cut');
    await page.getByText('The push was cut; its client may try again').waitFor();
    await row.getByText('Failed').waitFor();
    await rowsOf(page).filter({ hasText: 'Transfer cut' }).waitFor();
  });

  await t.test('a pull that lasts shows how much of it is done', async () => {
    const digest = await window.push('team/big', '1', 'x'.repeat(layerBytes));
    const path = `/v2/team/big/manifests/${digest}`;
    const headers = { 'user-agent': docker };
    const manifest = (await request(registry.plainUrl, { path, user, headers })).json() as {
      readonly layers: readonly { readonly digest: string }[];
    };

    const end = pullSlowly(registry, {
      user,
      path: `/v2/team/big/blobs/${manifest.layers[0]?.digest ?? ''}`,
      agent: docker,
    });

    const row = live.getByRole('listitem').filter({ hasText: 'pull' }).filter({ hasText: 'team/big' });
    const progress = row.getByRole('progressbar', { name: /^Pull of team\/big/ });
    await progress.waitFor();
    await row.getByText('1 downloading').waitFor();
    // The buffers of the connection take some, and then nobody reads.
    await page.waitForFunction(() => {
      const bar = document.querySelector('[role="progressbar"][aria-label^="Pull of team/big"]');
      const percent = bar?.getAttribute('aria-valuenow') ?? '100';
      return Number(percent) < 100 && bar?.closest('li')?.textContent.includes(`${percent} %`) === true;
    });
    end();
    await progress.waitFor({ state: 'detached' });
  });

  await t.test('a pull is noted when it is over', async () => {
    const headers = { 'user-agent': docker };
    await window.push('team/pulled', '1', 'pulled');
    const { status } = await request(registry.plainUrl, {
      path: '/v2/team/pulled/manifests/1',
      user,
      headers,
    });
    assert.equal(status, 200);

    const row = page.getByRole('row', { name: /Pulled team\/pulled:1/ });
    await row.getByText('docker 28.2').waitFor();
    await row.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Pulled' });
    await dialog.getByText(/^berth activity --kind pulled /).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  await t.test('what is filtered is in the address, and stays over a reload', async () => {
    await window.push('team/web', '2', 'web');
    await page.getByRole('textbox', { name: 'Repository' }).fill('team/web');
    await page.getByRole('button', { name: /Kind/ }).click();
    await page.getByRole('option', { name: 'Tag moved' }).click();
    await page.getByRole('textbox', { name: 'User' }).fill('admin');
    await page.getByRole('button', { name: /Time/ }).click();
    await page.getByRole('option', { name: 'Last hour' }).click();

    await page.reload();

    await rowsOf(page).filter({ hasText: 'team/web:2' }).waitFor();
    assert.equal(await rowsOf(page).count(), 3, 'heads, day, row');
    const { searchParams } = new URL(page.url().replace('#/', ''));
    assert.deepEqual(Object.fromEntries(searchParams), {
      repository: 'team/web',
      kind: 'tagMoved',
      user: 'admin',
      time: '1h',
    });
  });

  await t.test('what is exported is what is filtered', async () => {
    const [csvName, head, ...csv] = await exported(page, 'As CSV, for tables');
    const [jsonName, ...json] = await exported(page, 'As NDJSON, for programs');

    assert.match(`${csvName} ${jsonName}`, /^berth-audit-[\d-]+\.csv berth-audit-[\d-]+\.ndjson$/);
    assert.match(head ?? '', /^at,kind,outcome,user/);
    assert.equal(csv.length, 1);
    assert.match(csv[0] ?? '', /,tagMoved,done,admin,.*,team\/web,2,/);
    assert.deepEqual(
      json.map((line) => (JSON.parse(line) as { readonly tag: string }).tag),
      ['2'],
    );
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByRole('menuitem', { name: 'Copy as a command line' }).click();
    assert.match(
      await page.evaluate(() => navigator.clipboard.readText()),
      /^berth activity --without-checks --kind tagMoved --user admin --repository team\/web --since \S+ --export ndjson$/,
    );
  });

  await t.test('a filter that nothing passes is cleared where that is said', async () => {
    await page.getByRole('textbox', { name: 'User' }).fill('nobody');
    await page.getByRole('heading', { name: 'Nothing of the kind happened' }).waitFor();
    await checkAccessibility(page);
    await page.getByRole('textbox', { name: 'Repository' }).fill('Team//');
    await page.getByText('This is no name of a repository.').waitFor();

    await page.getByRole('button', { name: 'Clear the filter' }).click();

    await rowsOf(page).filter({ hasText: 'team/web:2' }).waitFor();
    assert.equal(new URL(page.url()).hash, '#/activity');
  });

  await t.test('times are written by hand, too', async () => {
    await goTo(page, '#/activity?time=custom&from=2020-01-01&to=2020-01-02%2010:00');
    await page.getByRole('heading', { name: 'Nothing of the kind happened' }).waitFor();
    await page.getByRole('textbox', { name: 'To', exact: true }).fill('soon');

    await page.getByText('Write 2026-03-01, or 2026-03-01 14:05.').waitFor();
    await rowsOf(page).filter({ hasText: 'team/web:2' }).waitFor();
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
  });

  await t.test('by keyboard alone: search, walk, copy, look, and come back', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('team/web');
    await rowsOf(page).filter({ hasText: 'team/big' }).first().waitFor({ state: 'detached' });
    await rowsOf(page).nth(1).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('y');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'team/web:2');
    await page.keyboard.press('d');
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^sha256:[0-9a-f]{64}$/);

    await page.keyboard.press('Enter');

    const dialog = page.getByRole('dialog', { name: 'Tag set' });
    await dialog.getByText(/^berth activity --kind tagMoved --since \S+ --until \S+$/).waitFor();
    await dialog.getByRole('link', { name: 'in the log' }).waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.locator('[data-row="1"]:focus').waitFor();
    await goTo(page, '#/activity');
  });

  await t.test(
    'what failed leads to its lines in the log, and names are text whatever they hold',
    async () => {
      const name = '<img src=x onerror=alert(1)>\u202e$(id)';
      const headers = { authorization: `Basic ${Buffer.from(`${name}:wrong`).toString('base64')}` };
      await request(registry.plainUrl, { path: '/v2/', headers });

      const row = rowsOf(page).filter({ hasText: 'Login failed' });
      await row.getByText(name).waitFor();
      await checkAccessibility(page);
      await row.getByRole('link', { name: 'Log' }).click();

      await page.waitForURL(/#\/logs\?request=[\w-]+$/);
      assert.equal(await page.locator('img').count(), 0);
      await page.goBack();
      await row.waitFor();
    },
  );

  await t.test('a push that follows a failure leads to the lines of that', async () => {
    const put = async (tag: string, body: string) =>
      await request(registry.plainUrl, {
        method: 'PUT',
        path: `/v2/team/failing/manifests/${tag}`,
        user,
        body,
        headers: { 'content-type': mediaTypes.manifest },
      });
    await window.push('team/failing', 'v1', 'one');
    const { body } = await request(registry.plainUrl, {
      path: '/v2/team/failing/manifests/v1',
      user,
      headers: { accept: mediaTypes.manifest },
    });
    await client.call('protect.add', { rule: 'team/failing:v*' });
    assert.equal((await put('v1', `${String(body)} `)).status, 403);
    assert.equal((await put('latest', String(body))).status, 201);

    const row = rowsOf(page).filter({ hasText: 'team/failing@' }).first();
    await row.getByRole('link', { name: 'Before' }).waitFor();
    await goTo(page, '#/activity?kind=pushed&repository=team/failing');
    await rowsOf(page).filter({ hasText: 'Write refused' }).first().waitFor({ state: 'detached' });
    await row.getByRole('link', { name: 'Before' }).press('Enter');

    await page.waitForURL(/#\/logs\?request=[\w-]+$/);
    await page.getByRole('gridcell', { name: '403' }).first().waitFor();
    await page.goBack();
    await checkAccessibility(page);
  });

  await t.test('what the doctor does is shown where that is asked for, and fills no trash', async () => {
    await goTo(page, '#/activity');
    const digest = await window.push('berth/doctor', 'check', 'check');
    await request(registry.plainUrl, {
      method: 'DELETE',
      path: `/v2/berth/doctor/manifests/${digest}`,
      user,
    });
    await window.push('team/after', '1', 'after');
    await rowsOf(page).filter({ hasText: 'team/after:1' }).waitFor();
    const checks = rowsOf(page).filter({ hasText: 'berth/doctor' });
    assert.equal(await checks.count(), 0);
    assert.deepEqual((await client.call('trash.list', {})).rows, []);

    await page.getByRole('button', { name: 'Doctor’s checks' }).click();
    await checks.first().waitFor();
    await checkAccessibility(page);
    await page.getByRole('button', { name: 'Doctor’s checks' }).click();
    await checks.first().waitFor({ state: 'detached' });
  });

  await t.test('a question that the registry refuses says so, and can be asked again', async () => {
    await goTo(page, `#/activity?q=${'x'.repeat(300)}`);

    await page.getByRole('alert').getByRole('button', { name: 'Try again' }).waitFor();
    await goTo(page, '#/activity');
    await rowsOf(page).filter({ hasText: 'team/web:2' }).waitFor();
  });

  await t.test('older lines come as one goes there', async () => {
    const digest = await window.push('many', 'x', 'many');
    const repository = 'many';
    for (let n = 0; n < 230; n++) await client.call('tags.set', { repository, tag: `t${n}`, digest });
    await goTo(page, '#/activity?repository=many&kind=tagMoved');
    await rowsOf(page).filter({ hasText: 'many:t229' }).waitFor();
    await rowsOf(page).nth(1).focus();

    await page.keyboard.press('End');
    await page.locator('[role="grid"][aria-rowcount="233"]').waitFor();
    await page.keyboard.press('End');

    await rowsOf(page).filter({ hasText: 'many:x' }).waitFor();
  });

  await t.test('without a connection the rows stay', async () => {
    await registry.stop();

    await page.getByText('The registry was stopped').waitFor();
    await rowsOf(page).filter({ hasText: 'many:x' }).waitFor();
  });
});

test('a search goes on over pages that hold nothing', needs('chromium'), async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-long-audit-'));
  const folder = join(directory.path, 'berth', 'audit');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const month = new Date(Date.now() - 35 * 24 * 60 * 60 * 1000).toISOString().slice(0, 7);
  const line = (user: string, hour: string): string =>
    `${JSON.stringify({ at: `${month}-03T${hour}:00:00.000Z`, kind: 'levelChanged', outcome: 'done', user })}\n`;
  const other = line('somebody', '11');
  // More than two answers read.
  const lines = line('needle', '10') + other.repeat(Math.ceil((20 * 1024 * 1024) / other.length));
  await writeFile(join(folder, `${month}.ndjson`), lines, { mode: 0o600 });
  await using window = await openWindow({ dataDir: directory.path });
  const { page } = window;

  await window.go('#/activity?user=needle');

  await rowsOf(page).filter({ hasText: 'needle' }).waitFor();
  assert.equal(await page.getByRole('grid').getAttribute('aria-rowcount'), '3');
});
