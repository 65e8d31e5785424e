import assert from 'node:assert/strict';
import { request } from '../../support/http.ts';
import { until } from '../../support/until.ts';
import { pushSlowly } from '../../support/slow.ts';
import type { Desk, KeyboardAct } from './desk.ts';

/** A client that does not know the password, until there is a card of it. */
async function makeMistakes({ client, registry }: Desk, name: string): Promise<void> {
  for (let count = 0; count < 5; count += 1)
    await request(registry.plainUrl, { path: '/v2/', user: `${name}:wrong` });
  await until('there is a card', async () =>
    (await client.call('cards.list', {})).some(({ user }) => user === name),
  );
}

async function hasCard({ client }: Desk, name: string): Promise<boolean> {
  return (await client.call('cards.list', {})).some(({ user }) => user === name);
}

/** While nothing is stored. */
export const firstActs: readonly KeyboardAct[] = [
  {
    name: 'a sample is pushed',
    covers: ['pages/home/waiting.tsx samples.push'],
    async run({ page, keys, client }) {
      await keys.screen('g', 'h');
      await keys.use(page.getByRole('button', { name: 'Push a sample for me' }));
      await until('there is an image', async () => (await client.call('tags.recent', {})).length === 1);
      await keys.use(page.getByRole('button', { name: 'Done' }));
    },
  },
];

export const frameActs: readonly KeyboardAct[] = [
  {
    name: 'the registry is made read-only, and that is taken back',
    covers: ['frame/registry-state.ts settings.set'],
    async run({ page, keys, client }) {
      const isReadOnly = async () => (await client.call('status.get', {})).isReadOnly;
      await keys.screen('g', 'h');
      await keys.use(
        page.getByRole('navigation', { name: 'Screens' }).getByRole('button', { name: /^Running/ }),
      );
      await page.getByRole('menuitem').first().and(page.locator(':focus')).waitFor();
      await keys.press('End', 'ArrowUp', 'Enter');
      await until('it is read-only', isReadOnly);
      await page.getByRole('menu').waitFor({ state: 'detached' });
      await keys.undo('Pushes and deletes are refused');
      await until('it is not', async () => !(await isReadOnly()));
    },
  },
  {
    name: 'a mistake of a client is put away at home, and another in the logs',
    covers: ['pages/home/attention-panel.tsx cards.dismiss', 'pages/logs/error-cards.tsx cards.dismiss'],
    async run(desk) {
      const { page, keys } = desk;
      await makeMistakes(desk, 'one');
      await keys.screen('g', 'h');
      // There may be cards of others, such as of a client that does not trust the authority.
      await keys.use(page.getByRole('button', { name: /^Put away.*password/ }));
      await until('it is put away', async () => !(await hasCard(desk, 'one')));
      await makeMistakes(desk, 'two');
      await keys.screen('g', 'l');
      const card = page.getByRole('listitem').filter({ hasText: 'password' });
      await keys.use(card.getByRole('button', { name: /^Dismiss/ }));
      await until('it is put away', async () => !(await hasCard(desk, 'two')));
    },
  },
  {
    name: 'the levels of the log are changed',
    covers: ['pages/logs/server-levels.tsx logs.setLevel'],
    async run({ page, keys, client }) {
      const level = async () => (await client.call('logs.levels', {}))['store'];
      await keys.screen('g', 'l');
      await keys.use(page.getByRole('button', { name: 'Server levels' }));
      const dialog = page.getByRole('dialog', { name: 'Server levels' });
      await keys.use(dialog.getByRole('button', { name: 'Debug for 15 minutes, then back' }));
      await until('it says more', async () => (await level()) === 'debug');
      await keys.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await keys.use(page.getByRole('button', { name: 'Back now' }));
      await until('it says less', async () => (await level()) === 'info');
    },
  },
  {
    name: 'earlier lines of the log are loaded, and all of them are saved',
    covers: ['pages/logs/logs.tsx logs.export', 'pages/logs/logs.tsx logs.download'],
    async run({ page, keys }) {
      await keys.screen('g', 'l');
      await keys.use(page.getByRole('button', { name: 'View', exact: true }));
      await keys.tabTo(page.getByRole('menuitem', { name: 'Load earlier lines' }));
      await keys.press('Enter');
      await page
        .getByText(/earlier line/)
        .first()
        .waitFor();
      const saved = page.waitForEvent('download');
      await keys.use(page.getByRole('button', { name: 'Export', exact: true }));
      await page.getByRole('menuitem').first().and(page.locator(':focus')).waitFor();
      await keys.press('ArrowDown', 'ArrowDown', 'Enter');
      await saved;
    },
  },
  {
    name: 'the audit is saved',
    covers: ['pages/activity/export-menu.tsx audit.download'],
    async run({ page, keys }) {
      await keys.screen('g', 'a');
      const saved = page.waitForEvent('download');
      await keys.use(page.getByRole('button', { name: 'Export', exact: true }));
      await page.getByRole('menuitem').first().and(page.locator(':focus')).waitFor();
      await keys.press('Enter');
      await saved;
    },
  },
  {
    name: 'a transfer is cut',
    covers: ['pages/activity/transfer-row.tsx sessions.cancel'],
    async run({ page, keys, registry, user }) {
      const push = await pushSlowly(registry, { user, repository: 'keys/slow', agent: 'docker/28.2.1' });
      push.send(1_000_000);
      await keys.screen('g', 'a');
      await keys.use(page.getByRole('button', { name: 'Cancel: push of keys/slow' }));
      const ended = await push.ended;
      // A connection that is cut, or an answer that says that the upload did not go on.
      assert.ok(ended instanceof Error || ended.status >= 400);
    },
  },
];

/** After all others. */
export const lastActs: readonly KeyboardAct[] = [
  {
    name: 'the registry is stopped',
    covers: ['frame/stop.tsx process.stop'],
    async run({ page, keys, registry }) {
      await keys.screen('g', 'h');
      await keys.use(
        page.getByRole('navigation', { name: 'Screens' }).getByRole('button', { name: /^Running/ }),
      );
      await page.getByRole('menuitem').first().and(page.locator(':focus')).waitFor();
      await keys.press('End', 'Enter');
      await keys.confirm('Stop the registry');
      await until('it does not answer', () =>
        request(registry.plainUrl, { path: '/readyz' }).then(
          () => false,
          () => true,
        ),
      );
    },
  },
];
