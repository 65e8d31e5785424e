import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { truncate, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { request } from '../../support/http.ts';
import { until } from '../../support/until.ts';
import type { Desk, KeyboardAct } from './desk.ts';

async function open({ keys }: Desk, tab: string): Promise<void> {
  await keys.screen('g', 's');
  await keys.tab(tab);
}

/** Where the bytes of a digest lie. */
function fileOf({ registry }: Desk, digest: string): string {
  const hex = digest.slice(7);
  return join(registry.dataDir, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
}

/** Begins a check that lasts until somebody ends it. */
async function beginCheck(desk: Desk): Promise<() => Promise<void>> {
  const { page, keys, client } = desk;
  // A hole in a file is read like bytes, and takes no room.
  const large = fileOf(desk, `sha256:${'0'.repeat(64)}`);
  await mkdir(dirname(large), { recursive: true });
  await writeFile(large, '');
  await truncate(large, 30_000_000_000);
  await open(desk, 'Verify');
  await keys.use(page.getByRole('button', { name: /^(Check everything|Go on checking)$/ }));
  await until('it runs', async () => (await client.call('scrub.status', {})).isRunning);
  return async () => {
    await until('it runs no longer', async () => !(await client.call('scrub.status', {})).isRunning);
    await truncate(large, 0);
  };
}

async function isProtected({ client }: Desk, rule: string): Promise<boolean> {
  return (await client.call('protect.list', {})).some((row) => row.rule === rule);
}

export const storageActs: readonly KeyboardAct[] = [
  {
    name: 'what nobody needs is freed',
    covers: ['pages/storage/plan-panel.tsx collect.run'],
    async run(desk) {
      const { page, keys, client, registry, user } = desk;
      const body = 'nobody needs this';
      const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
      const path = `/v2/keys/loose/blobs/uploads/?digest=${digest}`;
      assert.equal((await request(registry.plainUrl, { method: 'POST', path, user, body })).status, 201);
      const runs = (await client.call('collect.runs', {})).length;
      await open(desk, 'Clean up');
      await keys.use(page.getByRole('button', { name: /^(Preview|Look again)$/ }));
      await keys.use(page.getByRole('button', { name: 'Reclaim…' }));
      await keys.confirm(/^(Run it|Free )/);
      await until('a collection ran', async () => (await client.call('collect.runs', {})).length > runs);
    },
  },
  {
    name: 'unfinished uploads are removed',
    covers: ['pages/storage/uploads-panel.tsx uploads.purge'],
    async run(desk) {
      const { page, keys, client, registry, user } = desk;
      const count = async () => (await client.call('uploads.list', {})).total;
      await open(desk, 'Clean up');
      await request(registry.plainUrl, { method: 'POST', path: '/v2/keys/begun/blobs/uploads/', user });
      await keys.use(page.getByRole('button', { name: 'Remove…' }));
      await keys.choose(
        page.getByRole('alertdialog').getByRole('button', { name: /No byte came/ }),
        'any age',
      );
      await keys.confirm(/^Remove \d+ upload/);
      await until('there is none', async () => (await count()) === 0);
    },
  },
  {
    name: 'an entry of the trash is restored, that is taken back, and the trash is emptied',
    covers: [
      'pages/storage/trash-tab.tsx trash.restore',
      'pages/storage/trash-tab.tsx tags.delete',
      'pages/storage/trash-tab.tsx trash.empty',
    ],
    async run(desk) {
      const { page, keys, client, push } = desk;
      const repository = 'keys/trash';
      const tags = async () => (await client.call('tags.list', { repository })).rows.map(({ tag }) => tag);
      await push(repository, 'kept', 'kept');
      await push(repository, 'lost', 'lost');
      await client.call('tags.delete', { repository, tag: 'lost' });
      await open(desk, 'Trash');
      await keys.row('Trash', repository);
      await keys.press('R');
      await until('it is back', async () => (await tags()).includes('lost'));
      await keys.undo(/^Restored keys\/trash:lost/);
      await until('it is deleted again', async () => !(await tags()).includes('lost'));
      await keys.use(page.getByRole('button', { name: 'Empty…' }));
      await keys.confirm(/^Delete \d+ entr/);
      await until('nothing is in it', async () => (await client.call('trash.list', {})).total === 0);
    },
  },
  {
    name: 'a rule is written, simulated, saved and taken back',
    covers: ['pages/storage/rules-tab.tsx rules.set'],
    async run(desk) {
      const { page, keys, client } = desk;
      const count = async () => (await client.call('rules.get', {})).retention.length;
      await open(desk, 'Rules');
      await keys.use(page.getByRole('button', { name: 'Add a rule' }));
      await keys.use(page.getByRole('button', { name: 'Simulate' }));
      await page.getByText('Changed and simulated, not saved.').waitFor();
      await keys.use(page.getByRole('button', { name: 'Save' }));
      await until('it is saved', async () => (await count()) === 1);
      await keys.undo('The rules are in force.');
      await until('there is none', async () => (await count()) === 0);
    },
  },
  {
    name: 'the rules are run',
    covers: ['pages/storage/rules-tab.tsx rules.run'],
    async run(desk) {
      const { page, keys, client, push } = desk;
      for (const tag of ['1', '2']) await push('keys/tidy', tag, tag);
      const rules = {
        retention: [
          {
            id: 'one',
            enabled: true,
            repositories: ['keys/tidy'],
            tags: ['*'],
            keep: { newest: 1 },
            never: [],
          },
        ],
      };
      const { outcome } = await client.call('rules.simulate', { rules });
      await client.call('rules.set', { rules, plan: outcome.plan });
      await open(desk, 'Rules');
      await keys.use(page.getByRole('button', { name: 'Run now…' }));
      await keys.confirm(/^Delete 1 tag/);
      await until(
        'one tag is left',
        async () => (await client.call('tags.list', { repository: 'keys/tidy' })).total === 1,
      );
      const none = { retention: [] };
      const { outcome: without } = await client.call('rules.simulate', { rules: none });
      await client.call('rules.set', { rules: none, plan: without.plan });
    },
  },
  {
    name: 'tags are protected by a pattern, and no longer',
    covers: [
      'pages/storage/protections-panel.tsx protect.add',
      'pages/storage/protections-panel.tsx protect.remove',
    ],
    async run(desk) {
      const { page, keys } = desk;
      await open(desk, 'Rules');
      await keys.fill(page.getByRole('textbox', { name: 'Tags to protect' }), 'keys/*:v*');
      await keys.press('Enter');
      await until('they are', () => isProtected(desk, 'keys/*:v*'));
      await keys.use(page.getByRole('button', { name: 'Remove protection of keys/*:v*' }));
      await until('they are not', async () => !(await isProtected(desk, 'keys/*:v*')));
    },
  },
  {
    name: 'a check is begun, and ended where it was begun',
    covers: ['pages/storage/verify-tab.tsx scrub.run', 'pages/storage/running-task.tsx tasks.cancel'],
    async run(desk) {
      const ended = await beginCheck(desk);
      const { page, keys } = desk;
      await keys.use(page.getByRole('main').getByRole('button', { name: 'Cancel', exact: true }));
      await ended();
    },
  },
  {
    name: 'a check is ended from any screen',
    covers: ['frame/task-strip.tsx tasks.cancel'],
    async run(desk) {
      const ended = await beginCheck(desk);
      const { page, keys } = desk;
      await keys.screen('g', 'h');
      await keys.use(page.getByRole('button', { name: 'Cancel: Verifying content' }));
      await ended();
    },
  },
  {
    name: 'damage is forgotten',
    covers: ['pages/storage/damaged-panel.tsx damaged.forget'],
    async run(desk) {
      const { keys, client, push } = desk;
      const layer = 'to be damaged';
      const digest = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
      await push('keys/hurt', '1', layer);
      await writeFile(fileOf(desk, digest), 'to be DAMAGED');
      await client.call('scrub.run', { repositories: ['keys/hurt'] });
      await open(desk, 'Verify');
      await keys.row('Damaged content', digest.slice(7, 19));
      await keys.press('Delete');
      await keys.confirm('Forget 1 blob');
      await until('it is forgotten', async () => (await client.call('damaged.list', {})).total === 0);
    },
  },
];
