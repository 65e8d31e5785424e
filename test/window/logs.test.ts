import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from '../../registry/cli/client.ts';
import { request } from '../support/http.ts';
import { needs } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { checkAccessibility, openWindow } from '../support/window.ts';

const xss = `<img src=x onerror=alert(1)>"><script>alert(2)</script>`;

test('the log', needs('chromium'), async (t) => {
  await using window = await openWindow({ users: { dev: { role: 'pull', password: 'a-long-password' } } });
  const { page, registry, user } = window;
  page.setDefaultTimeout(5000);
  const grid = page.getByRole('grid', { name: 'Lines of the log' });
  const lines = (text: string | RegExp) => grid.getByRole('row').filter({ hasText: text });
  const search = page.getByRole('searchbox', { name: 'Search the log' });
  const hash = (): string => new URL(page.url()).hash;

  const ask = (path: string, options: Parameters<typeof request>[1] = {}) =>
    request(registry.plainUrl, { path, user, ...options });
  /** Is logged on the level info, and answered 200. */
  const probe = (name: string) => ask(`/v2/_catalog?${name}`);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  async function choose(menu: string, entry: string | RegExp): Promise<void> {
    await page.getByRole('button', { name: menu, exact: true }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  }
  async function setVisibility(state: 'visible' | 'hidden'): Promise<void> {
    await page.evaluate((value) => {
      Object.defineProperty(document, 'visibilityState', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
  }

  await t.test('a request from outside is a line within a second', async () => {
    await window.go('#/logs');
    await lines('response completed').first().waitFor();

    await probe('outside');

    await lines('/v2/_catalog?outside').waitFor({ timeout: 1000 });
    const row = lines('/v2/_catalog?outside');
    assert.match(await row.innerText(), /\d\d:\d\d:\d\d\.\d{3}\s+info\s+http\s+response completed\s+GET\s/);
    await checkAccessibility(page);
  });

  await t.test('errors since the log was looked at last are counted beside the other screens', async () => {
    await window.push('team/broken', '1', 'broken');
    const hex = createHash('sha256').update('broken').digest('hex');
    const file = join(registry.dataDir, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
    await rm(file);
    await symlink('data', file);
    const entry = page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: /^Logs/ });
    const fail = async (): Promise<void> => {
      assert.equal((await ask(`/v2/team/broken/blobs/sha256:${hex}`)).status, 503);
    };
    await window.go('#/logs');
    await fail();
    await lines(/error/).first().waitFor();
    // Both lines of the request count as seen before the screen is left.
    const ends = (): readonly string[] =>
      Array.from(registry.log().matchAll(/^time="([^"]+)" level=error msg="response/gm), ([, at = '']) => at);
    while (ends().length === 0) await delay(5);
    await page.waitForFunction(
      (at) => JSON.parse(localStorage.getItem('berth.preferences') ?? '{}').logSeenAt >= at,
      Date.parse(ends().at(-1) ?? ''),
    );
    assert.equal(await entry.innerText(), 'Logs');

    await window.go('#/home');
    await request(registry.plainUrl, { path: '/v2/', user: 'dev:wrong' });
    await fail();

    await entry.getByText(/^1 error$/).waitFor();
    const counted = await entry.innerText();
    await page.reload();
    await page.waitForFunction(
      (text) => document.querySelector('nav a[href="#/logs"]')?.textContent === text,
      counted.replace('\n', ''),
    );
    await checkAccessibility(page);
    await entry.click();
    await entry.getByText(/error/).waitFor({ state: 'detached' });
    await window.go('#/home');
    await page.reload();
    await page.getByRole('region', { name: 'Registry' }).waitFor();
    assert.equal(await entry.innerText(), 'Logs');
    await window.go('#/logs');
    await rm(file);
  });

  await t.test('a level of the server shows debug lines live, a level of the view hides them', async () => {
    // A manifest that is not there is no event for a person: its line has the level debug.
    await ask('/v2/quiet/manifests/before');
    await page.getByRole('button', { name: 'Server levels' }).click();
    const dialog = page.getByRole('dialog', { name: 'Server levels' });
    await dialog.getByRole('button', { name: 'Debug for 15 minutes, then back' }).click();
    await dialog
      .getByRole('listitem')
      .filter({ hasText: 'http' })
      .getByText(/until \d\d:\d\d:\d\d, then info/)
      .waitFor();
    assert.equal(
      await dialog.getByRole('group', { name: 'command' }).innerText(),
      'berth log-level all debug --for 15m',
    );
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
    await page
      .getByRole('group', { name: 'Levels that fall back' })
      .getByText('Everything at debug until')
      .waitFor();

    await ask('/v2/quiet/manifests/after');

    await lines('/v2/quiet/manifests/after').waitFor();
    assert.equal(await lines('/v2/quiet/manifests/before').count(), 0);

    await page.getByRole('radio', { name: /^info/ }).check({ force: true });
    await lines('/v2/quiet/manifests/after').waitFor({ state: 'detached' });
    assert.equal(hash(), '#/logs?level=info');
    await page.reload();
    await lines('response completed').first().waitFor();
    assert.equal(await lines('/v2/quiet/manifests/after').count(), 0);

    await page.keyboard.press('l');
    await lines('/v2/quiet/manifests/after').waitFor();
    assert.equal(hash(), '#/logs?level=debug');
    await page.keyboard.press('l');
    assert.equal(hash(), '#/logs');
  });

  await t.test('the level of one part is set, and goes back when told to', async () => {
    using client = await openClient(registry.dataDir);
    await page.getByRole('button', { name: 'Back now' }).click();
    await page.getByRole('group', { name: 'Levels that fall back' }).waitFor({ state: 'detached' });
    assert.deepEqual(new Set(Object.values(await client.call('logs.levels', {}))), new Set(['info']));

    await page.getByRole('button', { name: 'Server levels' }).click();
    await page.getByRole('button', { name: 'Level of store' }).click();
    await page.getByRole('option', { name: 'trace' }).click();
    await page
      .getByRole('listitem')
      .filter({ hasText: 'store' })
      .getByText(/then info/)
      .waitFor();
    await page.keyboard.press('Escape');

    assert.equal((await client.call('logs.levels', {}))['store'], 'trace');
    await page.getByText('store at trace until').waitFor();
    // From outside, too.
    await client.call('logs.setLevel', { sys: 'all', level: 'info' });
    await page.getByText('store at trace until').waitFor({ state: 'detached', timeout: 1000 });
  });

  await t.test('a request is shown alone, and the address keeps it', async () => {
    await window.push('shop/api', '1', 'one');
    const pushed = lines('/v2/shop/api/manifests/1');
    const id = (await pushed.getByRole('button', { name: /^[\da-f]{8}$/ }).getAttribute('title')) ?? '';

    await pushed.getByRole('button', { name: /^[\da-f]{8}$/ }).click();

    const requestId = id.replace('Only the request ', '');
    assert.equal(hash(), `#/logs?request=${requestId}`);
    await lines('tag set').waitFor();
    await lines('/v2/_catalog?outside').waitFor({ state: 'detached' });
    await until('only lines of the request are shown', async () =>
      (await grid.getByRole('row').allInnerTexts()).every(
        (text) => text.includes('Time') || text.includes(requestId.slice(0, 8)),
      ),
    );
    await page.reload();
    await lines('tag set').waitFor();
    await page.getByRole('button', { name: 'All requests' }).click();
    await probe('alone');
    await lines('/v2/_catalog?alone').waitFor();

    await grid.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('r');
    await lines('tag set').waitFor({ state: 'detached' });
    await page.keyboard.press('r');
    await lines('tag set').waitFor();
  });

  await t.test('a line is opened by keys, with all its fields and its hint', async () => {
    await ask('/v2/Upper/manifests/x', { headers: { 'user-agent': 'opened/1' } });
    await search.fill('opened/1');
    await lines('/v2/Upper/manifests/x').waitFor();
    await grid.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');

    await grid.getByText('http.request.useragent').waitFor();
    assert.equal(
      await grid.getByRole('button', { name: 'All fields' }).getAttribute('aria-expanded'),
      'true',
    );
    await grid.getByText('Use lower-case').or(grid.getByText('lower case')).first().waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('ArrowLeft');
    await grid.getByText('http.request.useragent').waitFor({ state: 'detached' });
    await search.fill('');
  });

  await t.test('what is selected is copied, also what is out of view', async () => {
    await Promise.all(Array.from({ length: 120 }, (_, index) => probe(`copied-${index}`)));
    await search.fill('catalog?copied-');
    await page.getByText(/^120 of/).waitFor();
    await grid.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Shift+End');
    const inDocument = await grid.getByRole('row').count();

    await page.keyboard.press('Control+c');

    await page.getByText('120 lines copied').waitFor();
    const copied = (await clipboard()).trimEnd().split('\n');
    assert.ok(inDocument < 60, String(inDocument));
    assert.equal(copied.length, 120);
    assert.ok(
      copied.every((line) => /^time="[^"]+" level=info msg="response completed" .*copied-\d/.test(line)),
    );

    await page.keyboard.press('Escape');
    await choose('Copy', 'Last 100 lines');
    await page.getByText('100 lines copied').waitFor();
    assert.deepEqual((await clipboard()).trimEnd().split('\n'), copied.slice(-100));
    await choose('Copy', 'Visible lines');
    const visible = (await clipboard()).trimEnd().split('\n');
    assert.ok(visible.length < inDocument && visible.every((line) => copied.includes(line)));
  });

  await t.test('lines that are drawn over are selected whole', async () => {
    const [from, to] = [lines(/copied-\d/).nth(8), lines(/copied-\d/).nth(11)];
    const [start, end] = [await from.boundingBox(), await to.boundingBox()];
    assert.ok(start !== null && end !== null);
    await page.mouse.move(start.x + 300, start.y + 10);
    await page.mouse.down();
    await page.mouse.move(end.x + 200, end.y + 10, { steps: 4 });
    await page.waitForFunction(() => document.querySelectorAll('[aria-selected="true"]').length === 4);
    await page.mouse.up();

    await page.keyboard.press('Control+c');

    await page.getByText('4 lines copied').waitFor();
    assert.equal((await clipboard()).trimEnd().split('\n').length, 4);
  });

  await t.test('what is exported is what is shown', async () => {
    await search.fill('/copied-1[0-9]\\b');
    await page.getByRole('button', { name: 'Regex' }).click();
    await search.fill('catalog\\?copied-1[0-9]\\b');
    await page.getByText(/^10 of/).waitFor();

    for (const [entry, wanted] of [
      ['What is shown, as .ndjson', /"http.request.uri":"\/v2\/_catalog\?copied-1\d"/],
      ['What is shown, as .log', /http\.request\.uri="\/v2\/_catalog\?copied-1\d"/],
      ['The same of all log files, as .ndjson', /"http.request.uri":"\/v2\/_catalog\?copied-1\d"/],
      ['The same of all log files, as .log', /http\.request\.uri="\/v2\/_catalog\?copied-1\d"/],
    ] as const) {
      const [download] = await Promise.all([page.waitForEvent('download'), choose('Export', entry)]);
      assert.ok(download.suggestedFilename().endsWith(entry.slice(entry.lastIndexOf('.'))));
      const text = await readFile(await download.path(), 'utf8');
      const found = text.trimEnd().split('\n');
      assert.equal(found.length, 10);
      assert.ok(
        found.every((line) => wanted.test(line)),
        text,
      );
    }
    const whole = new URL(page.url()).hash;
    await window.go(`${whole}&until=2001-01-01T00:00:00.000Z`);
    const [nothing] = await Promise.all([
      page.waitForEvent('download'),
      choose('Export', 'The same of all log files, as .log'),
    ]);
    assert.equal(await readFile(await nothing.path(), 'utf8'), '');
    await window.go(whole);
    await page.getByRole('button', { name: 'Regex' }).click();
  });

  await t.test('a pattern that is broken is said, and one that is hostile freezes nothing', async () => {
    await ask(`/v2/${'a'.repeat(200)}!/manifests/x`);
    await search.fill('(');
    await page.getByRole('button', { name: 'Regex' }).click();
    await page.getByRole('alert').filter({ hasText: 'Unterminated group' }).waitFor();
    await checkAccessibility(page);

    await search.fill('(a+)+[$]');

    await page.getByText('Nothing for this filter').waitFor({ timeout: 2000 });
    await checkAccessibility(page);
    await page.getByRole('button', { name: 'Clear', exact: true }).last().click();
    await lines('response completed').first().waitFor();
    assert.equal(hash(), '#/logs');
  });

  await t.test('highlighting shows all lines and goes from one to the next', async () => {
    await page.getByRole('button', { name: 'Highlight' }).click();
    await page.keyboard.press('/');
    await page.keyboard.type('copied-77');
    await page.getByText('1 found').waitFor();

    await page.keyboard.press('Enter');

    await grid.locator('mark').getByText('copied-77').waitFor();
    assert.ok((await grid.getByRole('row').count()) > 10);
    await page.getByText('Paused', { exact: true }).waitFor();
    await window.go('#/logs');
  });

  await t.test('source, time and the surroundings of a line narrow what is shown', async () => {
    await page.getByRole('button', { name: 'Source' }).click();
    await page.getByRole('option', { name: 'auth' }).click();
    await lines('an administrator logged in').first().waitFor();
    await lines('response completed').first().waitFor({ state: 'detached' });
    assert.equal(hash(), '#/logs?sys=auth');

    await grid.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('button', { name: '30 seconds around it' }).click();
    await page
      .getByRole('button', { name: 'Time range' })
      .getByText(/\d to \d/)
      .waitFor();
    assert.match(decodeURIComponent(hash()), /&since=\d{4}-.*Z&until=\d{4}-.*Z$/);

    await page.getByRole('button', { name: 'Time range' }).click();
    await page.getByRole('option', { name: 'Between' }).click();
    const dialog = page.getByRole('dialog', { name: 'Between two times' });
    await dialog.getByLabel('From').fill('2001-02-30 nonsense');
    await dialog.getByText('Write a time such as').waitFor();
    await checkAccessibility(page);
    await dialog.getByLabel('From').fill('2001-02-03 04:05');
    await dialog.getByLabel('To').fill('2001-02-03 04:06');
    await dialog.getByRole('button', { name: 'Show' }).click();
    await page.getByText('Nothing for this filter').waitFor();
    await window.go('#/logs?since=5m');
    await lines('response completed').first().waitFor();
    await window.go('#/logs');
  });

  await t.test('scrolling up and p pause, End goes on', async () => {
    const live = page.getByText('Live', { exact: true });
    await grid.focus();
    await page.keyboard.press('f');
    await live.waitFor();
    await grid.hover();
    await page.mouse.wheel(0, -300);
    await page.getByText('Paused', { exact: true }).waitFor();
    const top = await lines(/./).nth(8).innerText();

    await probe('while-paused');
    await probe('while-paused');

    await page.getByRole('button', { name: '2 new lines (End)' }).waitFor();
    assert.equal(await lines(/./).nth(8).innerText(), top);
    await page.keyboard.press('End');
    await live.waitFor();
    await lines('while-paused').nth(1).waitFor();
    await page.keyboard.press('p');
    await page.getByRole('button', { name: 'Follow' }).waitFor();
    await probe('paused-again');
    await page.getByRole('button', { name: '1 new line (End)' }).click();
    await lines('paused-again').waitFor();
    await live.waitFor();
  });

  await t.test(
    'a hidden page reads nothing, and reads on without repeating when it is seen again',
    async () => {
      await probe('seen-before');
      await lines('seen-before').waitFor();
      using client = await openClient(registry.dataDir);
      const live = client.subscribe('logs', { grep: 'seen-not' });
      await setVisibility('hidden');
      await probe('seen-not');
      // By then it would have come here, too.
      for await (const records of live) if (records.length > 0) break;
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
      assert.equal(await lines('seen-not').count(), 0);

      await setVisibility('visible');

      await lines('seen-not').waitFor();
      assert.deepEqual([await lines('seen-before').count(), await lines('seen-not').count()], [1, 1]);
      assert.equal(await grid.getByText('Lines may be missing').count(), 0);
    },
  );

  await t.test('lines are taken away, and come again from the files', async () => {
    await choose('View', 'Clear the list');
    await lines('seen-before').waitFor({ state: 'detached' });
    await probe('after-clearing');
    await lines('after-clearing').waitFor();

    await choose('View', 'Load earlier lines');

    await page.getByText(/lines loaded/).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('seen-before');
    await lines('seen-before').waitFor();
    await search.fill('');
  });

  await t.test('wrapping shows long lines whole, and keeps what is in view', async () => {
    const long = 'w'.repeat(400);
    await probe(long);
    await choose('View', 'Wrap long lines');

    await grid.getByText(long).waitFor();
    const box = await lines(long).boundingBox();
    assert.ok((box?.height ?? 0) > 60);
    assert.ok(
      await grid.evaluate((element) => element.scrollTop + element.clientHeight >= element.scrollHeight - 2),
    );
    await checkAccessibility(page);
    await choose('View', 'Cut long lines');
  });

  await t.test('columns are hidden, and stay so', async () => {
    const duration = page.getByRole('dialog', { name: 'Columns' }).getByText('Duration');
    await page.getByRole('button', { name: 'Columns' }).click();
    await duration.click();
    await page.keyboard.press('Escape');
    await grid.getByRole('columnheader', { name: 'Duration' }).waitFor({ state: 'detached' });
    await page.reload();
    await grid.getByRole('columnheader', { name: 'Status' }).waitFor();
    assert.equal(await grid.getByRole('columnheader', { name: 'Duration' }).count(), 0);
    await page.getByRole('button', { name: 'Columns' }).click();
    await duration.click();
    await page.keyboard.press('Escape');
    await grid.getByRole('columnheader', { name: 'Duration' }).waitFor();
  });

  await t.test('challenges are hidden unless asked for', async () => {
    using client = await openClient(registry.dataDir);
    await client.call('logs.setLevel', { sys: 'http', level: 'debug' });
    await request(registry.plainUrl, { path: '/v2/?first' });
    await ask('/v2/quiet/manifests/challenged');
    await lines('/v2/quiet/manifests/challenged').waitFor();
    assert.equal(await lines('/v2/?first').count(), 0);

    await choose('View', /Show challenges/);

    await lines('/v2/?first').getByText('challenge', { exact: true }).waitFor();
    assert.equal(hash(), '#/logs?challenges=1');
    await window.go('#/logs');
    await client.call('logs.setLevel', { sys: 'http', level: 'info' });
  });

  await t.test('a wrong password, again and again, is a card until it is dismissed', async () => {
    for (let count = 0; count < 5; count += 1)
      await request(registry.plainUrl, {
        path: '/v2/',
        user: 'dev:wrong',
        headers: { 'user-agent': 'docker/28.2.1' },
      });
    const card = page.getByRole('listitem').filter({ hasText: 'Wrong password' });
    await card.getByText('5 times').waitFor();
    assert.match(await card.innerText(), /docker 28\.2 as dev at 127\.0\.0\.1/);
    await card.getByRole('button', { name: 'Copy command' }).click();
    await page.getByText('Copied').waitFor();
    assert.equal(await clipboard(), 'berth user passwd dev');
    await checkAccessibility(page);

    await card.getByRole('button', { name: /^Dismiss/ }).click();

    await card.waitFor({ state: 'detached' });
  });

  await t.test('what clients send is text and nothing else', async () => {
    for (let count = 0; count < 3; count += 1)
      await request(registry.plainUrl, {
        path: '/v2/x%3Cimg%20src=x%20onerror=alert(3)%3E/manifests/x',
        user: `${xss}:wrong`,
        headers: { 'user-agent': xss, referer: xss },
      });
    await page.mouse.move(0, 0);
    await page
      .getByRole('listitem')
      .filter({ hasText: xss.slice(0, 20) })
      .first()
      .waitFor();
    await search.fill('onerror');
    await lines('onerror').first().waitFor();
    await grid.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await grid.getByText(xss).first().waitFor();
    assert.equal(await page.getByRole('main').locator('img, script').count(), 0);
    await checkAccessibility(page);
    await page
      .getByRole('button', { name: /^Dismiss/ })
      .first()
      .click();
    await window.go('#/logs');
  });

  await t.test('at 880 x 560 nothing but the lines scrolls sideways', async () => {
    await page.setViewportSize({ width: 880, height: 560 });
    await lines('response completed').first().waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.ok(
      await page
        .getByRole('main')
        .evaluate((main) => main.scrollWidth <= main.clientWidth && main.scrollHeight <= main.clientHeight),
    );
    await page.setViewportSize({ width: 1120, height: 720 });
  });

  await t.test('a lost connection is said, and the lines stay', async () => {
    await registry.stop();

    await page.getByText('Not connected').waitFor();
    await lines('response completed').first().waitFor();
    await checkAccessibility(page);
  });
});
