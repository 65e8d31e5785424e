/** Every place of the window while it loads, when the registry fails to answer, when it answers again, and with nothing to show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page, WebSocketRoute } from 'playwright-core';
import type { AdminMethod } from '../../registry/spec/admin-api.ts';
import { needs } from '../support/tools.ts';
import { askBySocket, checkAccessibility, goTo, openWindow } from '../support/window.ts';

const repository = '#/repositories/team/api';
const image = `${repository}/_/image/1`;
/** Each with what is answered all the same, so that it is the place itself that cannot be shown. */
const places: readonly (readonly [place: string, ...answered: readonly AdminMethod[]])[] = [
  ['#/home'],
  ['#/repositories'],
  [repository],
  [repository, 'repositories.get'],
  [`${repository}/_/untagged`, 'repositories.get'],
  [`${repository}/_/history`, 'repositories.get'],
  [`${repository}/_/settings`, 'repositories.get'],
  [image],
  [`${image}/layers`],
  [`${image}/attached`, 'images.get'],
  [`${image}/history`, 'images.get'],
  [`${image}/raw`, 'images.get'],
  [`${repository}/_/compare/1/2`],
  ['#/activity'],
  ['#/storage'],
  ['#/storage/cleanup'],
  ['#/storage/trash'],
  ['#/storage/rules'],
  ['#/storage/verify'],
  ['#/logs'],
  ['#/access'],
  ['#/access/tokens'],
  ['#/access/anonymous'],
  ['#/doctor'],
  ['#/changes'],
  ['#/settings/network'],
  ['#/settings/certificate'],
  ['#/settings/webhooks'],
  ['#/settings/export'],
  ['#/settings/reset'],
];
/** What comes line by line is there at once, empty. */
const streams = new Set(['#/logs']);

test('every place', needs('chromium'), async (t) => {
  await using window = await openWindow();
  const { context, registry } = window;
  for (const tag of ['1', '2']) await window.push('team/api', tag, tag);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const registryAnswers = await holdAnswers(page);
  await page.goto(`${registry.url}/ui/`);
  await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();

  for (const [place, ...answered] of places)
    await t.test(
      `${[place, ...answered].join(', with ')} says that it loads, why it cannot be shown, and comes when it is asked again`,
      async () => {
        registryAnswers.hold(answered);
        await page.goto(`${registry.url}/ui/${place}`);
        await page.reload();

        if (!streams.has(place))
          await page.getByRole('main').getByRole('status', { name: 'Loading' }).first().waitFor();
        registryAnswers.fail();
        const alerts = page.getByRole('main').getByRole('alert').filter({ hasText: 'planted' });
        await alerts.first().waitFor();
        await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
        await checkAccessibility(page);

        registryAnswers.pass();
        // Of several that were asked at once one may bring the others back.
        for (const again of (await alerts.getByRole('button', { name: 'Try again' }).all()).toReversed())
          await again.press('Enter', { timeout: 1000 }).catch(() => undefined);
        await alerts.first().waitFor({ state: 'detached' });
        await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
        await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
      },
    );

  await t.test('what is shown stays, greyed or dated, when it cannot be asked again', async () => {
    await page.goto(`${registry.url}/ui/#/repositories`);
    await page.getByRole('link', { name: 'team/api' }).waitFor();
    registryAnswers.fail();

    await window.push('team/web', '1', 'more');

    await page.getByRole('alert').filter({ hasText: 'planted' }).waitFor();
    await page.getByText(/^Showing what was known at /).waitFor();
    await page.getByRole('link', { name: 'team/api' }).waitFor();
    await checkAccessibility(page);
    registryAnswers.pass();
    await page.getByRole('button', { name: 'Try again' }).press('Enter');
    await page.getByRole('link', { name: 'team/web' }).waitFor();
  });

  await t.test('an act that takes its time shows that it runs, and is not done twice', async () => {
    const runs = async (button: Locator, act: () => Promise<void>): Promise<void> => {
      registryAnswers.hold([]);
      await act();
      await button.and(page.locator('[aria-disabled=true]')).waitFor();
      await button.press('Enter');
      registryAnswers.pass();
    };

    await page.goto(`${registry.url}/ui/#/access`);
    await page.getByRole('button', { name: 'Add user' }).press('Enter');
    const form = page.getByRole('dialog', { name: 'Add user' });
    await form.getByLabel('Name').fill('slow');
    await runs(form.getByRole('button', { name: 'Add user' }), () => page.keyboard.press('Enter'));
    const shown = page.getByRole('dialog', { name: 'Password of slow' });
    await shown.getByRole('button', { name: 'Done' }).press('Enter');
    await shown.waitFor({ state: 'detached' });

    await page.goto(`${registry.url}/ui/#/repositories`);
    await page.getByRole('row', { name: 'team/web' }).press('Delete');
    const question = page.getByRole('alertdialog', { name: 'Delete team/web?' });
    await question.getByLabel('Type team/web to confirm').fill('team/web');
    const confirm = question.getByRole('button', { name: 'Delete 1 tag' });
    await runs(confirm, () => confirm.press('Enter'));
    await page.getByText('team/web is in the trash').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);

    // Of an act without a dialog it is the strip that says so, and only of one that takes its time.
    await page.goto(`${registry.url}/ui/#/repositories/team/api`);
    const tag = page.getByRole('treegrid', { name: 'Tags' }).locator('[data-row]').first();
    const strip = page.getByRole('complementary', { name: 'Work that runs' });
    await tag.click({ button: 'right' });
    assert.equal(await strip.count(), 0);
    registryAnswers.hold([]);
    await page.getByRole('menuitem', { name: 'Protect' }).press('Enter');
    await strip.getByRole('progressbar', { name: 'Working' }).waitFor();
    await checkAccessibility(page);
    registryAnswers.pass();
    await page.getByText('keeps its meaning').waitFor();
    await strip.waitFor({ state: 'detached' });

    await page.goto(`${registry.url}/ui/#/storage/trash`);
    const empty = page.getByRole('button', { name: 'Empty…' });
    await page.getByRole('row').filter({ hasText: 'team/web' }).waitFor();
    await runs(empty, () => empty.press('Enter'));
    await page.getByRole('alertdialog', { name: 'Empty the trash?' }).waitFor();
    assert.equal(await page.getByRole('alertdialog').count(), 1);
    await page.keyboard.press('Escape');
  });
});

/** Stands between the page and the registry, on the way of what is asked; what happens is told all the same. */
async function holdAnswers(page: Page) {
  let how: 'pass' | 'hold' | 'fail' = 'pass';
  let held: (() => void)[] = [];
  let answered: readonly string[] = [];
  await askBySocket(page);
  await page.routeWebSocket(/\/api\/rpc$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const { kind, id, topic, method } = JSON.parse(String(message)) as {
        readonly kind: string;
        readonly id: number;
        readonly topic?: string;
        readonly method?: string;
      };
      const isAsked =
        (kind === 'call' && !answered.includes(method ?? '')) || (kind === 'subscribe' && topic === 'logs');
      const answer = (): void => {
        if (how !== 'fail' || !isAsked) return server.send(message);
        const error = { code: 'UNKNOWN', message: 'It was planted.', hint: 'Nothing helps.' };
        socket.send(JSON.stringify({ kind: 'error', id, error }));
      };
      if (how === 'hold' && isAsked) held.push(answer);
      else answer();
    });
  });
  const become = (next: typeof how) => (): void => {
    how = next;
    for (const answer of next === 'hold' ? [] : held.splice(0)) answer();
  };
  return {
    hold(these: readonly string[]) {
      answered = these;
      held = [];
      how = 'hold';
    },
    fail: become('fail'),
    pass: become('pass'),
  };
}

/** Says only what is known at the start of every session. */
const known = /^#\/(?:settings\/(?!webhooks|export)|logs)/;
/** What would be said of nothing, and nobody knows whether it is so. */
const claims = /Nothing|No (?!connection)|There is no|not here|is empty|\b0 (?!lines)|no transfer/;

test(
  'a place that was never shown says, without a connection, that nothing is known',
  needs('chromium'),
  async (t) => {
    await using window = await openWindow();
    const { context, registry } = window;
    await window.push('team/api', '1', 'first');
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    // The code of the places comes all the same, as it does where it is not the registry that has it.
    let socket: WebSocketRoute | undefined;
    await askBySocket(page);
    await page.routeWebSocket(/\/api\/rpc$/, (opened) => {
      opened.connectToServer();
      socket = opened;
    });
    await page.goto(`${registry.url}/ui/#/settings/look`);
    const main = page.getByRole('main');
    await main.getByRole('heading', { level: 1 }).waitFor();
    await page.getByText('Running', { exact: true }).waitFor();
    await page.route(/\/api\/session/, (route) => route.abort());
    await socket?.close();
    await page.getByText('The connection to the registry is lost').waitFor();

    for (const [place] of places.filter(([each]) => !known.test(each)))
      await t.test(place, async () => {
        await goTo(page, place);

        await main.getByText('Not known yet.').first().waitFor();
        await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
        assert.doesNotMatch(await main.innerText(), claims);
        await checkAccessibility(page);
      });
  },
);

/** What each place says where there is nothing. */
const empty: readonly (readonly [place: string, text: string | RegExp])[] = [
  ['#/home', 'Waiting for your first push'],
  ['#/repositories', 'No repositories yet'],
  [repository, 'There is no repository team/api'],
  [image, /no tag|not here|There is no/],
  ['#/activity', /Nothing|No /],
  ['#/storage', /Nothing is stored|No /],
  ['#/storage/cleanup', 'What would I free?'],
  ['#/storage/trash', 'The trash is empty'],
  ['#/storage/rules', /No rule|Nothing/],
  ['#/storage/verify', /Nothing|Never|No /],
  ['#/logs?q=nothing-has-this', /Nothing|No /],
  ['#/access/tokens', /No tokens|Nobody/],
  ['#/doctor', /engine|Engine/],
  ['#/changes', 'Berth has changed nothing on this computer'],
  ['#/settings/webhooks', /No webhook|Nobody/],
];

test('with nothing to show every place says what it is for', needs('chromium'), async (t) => {
  await using window = await openWindow();
  const { page } = window;
  for (const [place, text] of empty)
    await t.test(place, async () => {
      await window.go(place);

      await page.getByRole('main').getByText(text).first().waitFor();
      await checkAccessibility(page);
      assert.equal(await page.getByRole('main').getByRole('alert').count(), 0);
    });
});
