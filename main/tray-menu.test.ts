import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { DataMove } from './contract/data.ts';
import type { RegistryView } from './registry-view.ts';
import type { SupervisorState } from './supervisor.ts';
import { type TrayItem, trayMenu } from './tray-menu.ts';

const running: SupervisorState = {
  kind: 'running',
  pid: 1,
  urls: ['https://127.0.0.1:5443', 'https://[::1]:5443'],
  root: '/data',
  isOwn: true,
};
const view: RegistryView = {
  repositories: 12,
  bytes: 3_400_000_000,
  lastPush: 'team/api:1.4',
  isReadOnly: false,
  readOnlyFixedBy: undefined,
  disk: 'ok',
  transfers: [],
};
const push = { id: 1, kind: 'push', name: 'team/api:1.4', bytes: 143_000_000 } as const;
const failure = {
  code: 'PORT_BUSY',
  message: 'Port 5443 is used by X (pid 812).',
  hint: 'Choose another port.',
};

interface Row {
  readonly name: string;
  readonly state: SupervisorState;
  readonly view?: RegistryView;
  readonly isSetUp?: boolean;
  readonly update?: string;
  readonly distrustful?: string;
  readonly move?: DataMove;
  readonly icon: string;
  /** In brackets what is only read; - is a line. */
  readonly items: string;
}

const rows: readonly Row[] = [
  {
    name: 'stopped',
    state: { kind: 'stopped' },
    icon: 'stopped',
    items: '[Stopped] / Start / - / Open Berth / Settings / Quit',
  },
  {
    name: 'starting',
    state: { kind: 'starting' },
    icon: 'starting',
    items: '[Starting] / Show logs / Cancel / - / Open Berth / Quit',
  },
  {
    name: 'starting after a crash',
    state: { kind: 'starting', after: { code: 'REGISTRY_ENDED', message: 'The registry ended.', hint: '' } },
    icon: 'starting',
    items: '[Starting] / [The registry ended.] / Show logs / Cancel / - / Open Berth / Quit',
  },
  {
    name: 'stopping',
    state: { kind: 'stopping' },
    icon: 'starting',
    items: '[Stopping] / Open Berth / Quit',
  },
  {
    name: 'waiting for a port that another program has, where nothing lets it have another',
    state: { kind: 'waiting', failure, retryAt: 0 },
    icon: 'error',
    items: `[${failure.message}] / Fix / Try again / Show logs / Stop / - / Open Berth / Quit`,
  },
  {
    name: 'waiting for a port, and the next is free',
    state: { kind: 'waiting', failure: { ...failure, freePort: 5444 }, retryAt: 0 },
    icon: 'error',
    items: `[${failure.message}] / Fix / Use 5444 / Try again / Show logs / Stop / - / Open Berth / Quit`,
  },
  {
    name: 'trying again to have its port',
    state: { kind: 'starting', after: { ...failure, freePort: 5444 } },
    icon: 'error',
    items: `[${failure.message}] / Fix / Use 5444 / Try again / Show logs / Stop / - / Open Berth / Quit`,
  },
  {
    name: 'waiting after a crash',
    state: { kind: 'waiting', failure: { ...failure, code: 'REGISTRY_ENDED' }, retryAt: 0 },
    icon: 'error',
    items: `[${failure.message}] / Try again / Show logs / Stop / - / Open Berth / Quit`,
  },
  {
    name: 'running, and an engine does not trust it',
    state: running,
    view: { ...view, lastPush: undefined },
    distrustful: 'Docker 28.5',
    icon: 'attention',
    items:
      'Trust in Docker 28.5 / [Running: 12 repositories, 3.40GB] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Pause / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'running on a full disk, which comes before an engine that does not trust it',
    state: running,
    view: { ...view, lastPush: undefined, disk: 'full' },
    distrustful: 'Docker 28.5',
    icon: 'attention',
    items:
      'Free disk space / [Running: 12 repositories, 3.40GB] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Pause / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'stopped, where an engine does not trust it',
    state: { kind: 'stopped' },
    distrustful: 'Docker 28.5',
    icon: 'stopped',
    items: '[Stopped] / Start / - / Open Berth / Settings / Quit',
  },
  {
    name: 'running, and an update is ready',
    state: running,
    view: { ...view, lastPush: undefined },
    update: '1.2.0',
    icon: 'attention',
    items:
      'Restart to update to 1.2.0 / [Running: 12 repositories, 3.40GB] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Pause / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'stopped, and an update is ready',
    state: { kind: 'stopped' },
    update: '1.2.0',
    icon: 'stopped',
    items: 'Restart to update to 1.2.0 / [Stopped] / Start / - / Open Berth / Settings / Quit',
  },
  {
    name: 'stopped, while the data is copied',
    state: { kind: 'stopped' },
    move: { step: 'copying', to: '/new', doneFiles: 1, files: 4, doneBytes: 399, bytes: 1000 },
    icon: 'starting',
    items: '[Moving the data: 39 %] / Show / - / Open Berth / Quit',
  },
  {
    name: 'stopping, to be moved',
    state: { kind: 'stopping' },
    move: { step: 'stopping', to: '/new', doneFiles: 0, files: 4, doneBytes: 0, bytes: 1000 },
    icon: 'starting',
    items: '[Moving the data] / Show / - / Open Berth / Quit',
  },
  {
    name: 'running, not told yet',
    state: running,
    icon: 'running',
    items:
      '[Running] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'running',
    state: running,
    view,
    icon: 'running',
    items:
      '[Running: 12 repositories, 3.40GB] / Copy address localhost:5443 / Copy docker login / Copy pull of team/api:1.4 / - / Open Berth / Pause / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'running, of another program',
    state: { ...running, isOwn: false },
    view: { ...view, repositories: 1, lastPush: undefined },
    icon: 'running',
    items:
      '[Running: 1 repository, 3.40GB, by another program] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Pause / - / Settings / Quit',
  },
  {
    name: 'a transfer',
    state: running,
    view: { ...view, lastPush: undefined, transfers: [push, push, push] },
    icon: 'transfer',
    items:
      '[Pushing team/api:1.4, 143MB and 2 more] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Pause / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'read-only',
    state: running,
    view: { ...view, lastPush: undefined, isReadOnly: true },
    icon: 'readOnly',
    items:
      '[Read-only] / Resume / Copy address localhost:5443 / Copy docker login / - / Open Berth / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'read-only, by a variable',
    state: running,
    view: { ...view, lastPush: undefined, isReadOnly: true, readOnlyFixedBy: 'REGISTRY_STORAGE_MAINTENANCE' },
    icon: 'readOnly',
    items:
      '[Read-only] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'never read-only, by a variable',
    state: running,
    view: { ...view, lastPush: undefined, readOnlyFixedBy: 'REGISTRY_STORAGE_MAINTENANCE' },
    icon: 'running',
    items:
      '[Running: 12 repositories, 3.40GB] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'a full disk, while somebody pulls',
    state: running,
    view: { ...view, lastPush: undefined, disk: 'full', transfers: [{ ...push, kind: 'pull' }] },
    icon: 'attention',
    items:
      'Free disk space / [Pulling team/api:1.4, 143MB] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Pause / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'not set up',
    state: running,
    view: { ...view, repositories: 0, lastPush: undefined },
    isSetUp: false,
    icon: 'notSetUp',
    items: 'Finish setup / Open Berth / Quit',
  },
  {
    name: 'not set up, and not told yet',
    state: running,
    isSetUp: false,
    icon: 'running',
    items:
      '[Running] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Restart / Stop / - / Settings / Quit',
  },
  {
    name: 'the first push before the set-up',
    state: running,
    view: { ...view, repositories: 0, lastPush: undefined, transfers: [push] },
    isSetUp: false,
    icon: 'transfer',
    items:
      '[Pushing team/api:1.4, 143MB] / Copy address localhost:5443 / Copy docker login / - / Open Berth / Pause / Restart / Stop / - / Settings / Quit',
  },
];

suite('icon and menu of the tray', () => {
  for (const { name, state, view: shown, isSetUp = true, update, distrustful, move, icon, items } of rows) {
    test(name, () => {
      const menu = trayMenu(state, shown, {
        isSetUp,
        ...(update === undefined ? {} : { update }),
        ...(distrustful === undefined ? {} : { distrustful }),
        ...(move === undefined ? {} : { move }),
      });

      assert.deepEqual({ icon: menu.icon, items: menu.items.map(wordOf).join(' / ') }, { icon, items });
    });
  }

  test('what is copied is what the label says', () => {
    const { items } = trayMenu(running, view);

    const texts = items.flatMap((item) => (item?.act?.kind === 'copy' ? [item.act.text] : []));
    assert.deepEqual(texts, [
      'localhost:5443',
      'docker login localhost:5443',
      'docker pull localhost:5443/team/api:1.4',
    ]);
  });
});

function wordOf(item: TrayItem | undefined): string {
  if (item === undefined) return '-';
  return item.act === undefined ? `[${item.label}]` : item.label;
}
