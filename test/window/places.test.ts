/** What a place shows is in its address: over a reload, over a link, and over back and forward. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import { needs } from '../support/tools.ts';
import { goTo, openWindow } from '../support/window.ts';

const repository = '#/repositories/team/api';
/** Each with something chosen, as the address says it, and a part of what that looks like. */
const places: readonly (readonly [place: string, look: Partial<Look>])[] = [
  ['#/repositories?q=api&sort=size&order=asc', { fields: ['api'], sorted: ['Size ascending'] }],
  [
    `${repository}?q=v&sort=size&group=digest`,
    { fields: ['v'], sorted: ['Size descending'], pressed: ['By digest'] },
  ],
  [`${repository}/_/untagged?sort=size`, { tab: 'Untagged' }],
  [`${repository}/_/history?tag=v1`, { tab: 'History', fields: ['v1'] }],
  [`${repository}/_/settings`, { tab: 'Settings' }],
  [`${repository}/_/image/v1/attached`, { tab: 'Attached' }],
  [`${repository}/_/image/v1/raw`, { tab: 'Raw' }],
  [`${repository}/_/compare/v1/v2`, { title: 'Compare in team/api' }],
  ['#/activity?q=team&user=admin&kind=pushed', { fields: ['team', 'admin', ''] }],
  ['#/storage/rules', { tab: 'Rules' }],
  ['#/storage/trash', { tab: 'Trash' }],
  ['#/logs?q=manifest&level=info', { fields: ['manifest'] }],
  ['#/access?q=adm', { tab: 'Users', fields: ['adm'] }],
  ['#/access/tokens?q=ci', { tab: 'Tokens', fields: ['ci'] }],
  ['#/settings/webhooks', { title: 'Settings' }],
  ['#/settings?q=read-only', { fields: ['read-only'] }],
];

interface Look {
  readonly place: string;
  readonly title: string;
  readonly fields: readonly string[];
  readonly sorted: readonly string[];
  readonly pressed: readonly string[];
  readonly tab: string | undefined;
}

test('every place is in its address', needs('chromium'), async (t) => {
  await using window = await openWindow();
  const { page, registry } = window;
  for (const tag of ['v1', 'v2']) await window.push('team/api', tag, tag);
  await window.push('team/web', 'v1', 'web');
  const seen: Look[] = [];

  await t.test('a link leads to it', async () => {
    for (const [place, expected] of places) {
      await goTo(page, place);
      await settle(page, expected);
      seen.push(await lookAt(page));
    }

    assert.deepEqual(
      seen.map(({ place }) => place),
      places.map(([place]) => place),
    );
  });

  await t.test('back leads to all of them, and forward again', async () => {
    for (const [step, order] of [
      ['back', seen.slice(0, -1).toReversed()],
      ['forward', seen.slice(1)],
    ] as const)
      for (const look of order) {
        if (step === 'back') await page.goBack();
        else await page.goForward();
        await settle(page, look);
        assert.deepEqual(await lookAt(page), look);
      }
  });

  await t.test('it is the same when it is loaded again', async () => {
    for (const look of seen) {
      await page.goto(`${registry.url}/ui/${look.place}`);
      await page.reload();
      await settle(page, look);
      assert.deepEqual(await lookAt(page), look);
    }
  });
});

/** Waits until nothing is loaded, and what is expected is seen. */
async function settle(page: Page, expected: Partial<Look>): Promise<void> {
  await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
  await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
  const endsAt = performance.now() + 10_000;
  for (;;) {
    const look = await lookAt(page);
    const wanted = { ...look, ...expected };
    if (isDeepStrictEqual(look, wanted)) return;
    if (performance.now() > endsAt) assert.deepEqual(look, wanted);
  }
}

async function lookAt(page: Page): Promise<Look> {
  return await page.evaluate(() => {
    const main = document.querySelector('main');
    const all = (selector: string): readonly HTMLElement[] => [
      ...(main?.querySelectorAll<HTMLElement>(selector) ?? []),
    ];
    const textOf = (each: HTMLElement | undefined): string => each?.innerText.trim() ?? '';
    return {
      place: location.hash,
      title: textOf(all('h1')[0]),
      fields: all('input:not([type=checkbox], [type=radio], [type=hidden])').map((each) =>
        each instanceof HTMLInputElement ? each.value : '',
      ),
      sorted: all('[aria-sort]:not([aria-sort=none])').map(
        (each) => `${textOf(each)} ${each.getAttribute('aria-sort')}`,
      ),
      pressed: all('[aria-pressed=true]').map(textOf),
      tab: all('[role=tab][aria-selected=true]').map(textOf)[0],
    };
  });
}
