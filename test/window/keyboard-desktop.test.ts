/**
 * Every act of the desktop app that its page asks the program around it for, by keys alone. That program is a bridge here which
 * notes what it is asked: what it does is shown under test/desktop and in consent.test.ts.
 */
import assert from 'node:assert/strict';
import { glob, mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { channels, type ShellNote } from '../../main/contract/channels.ts';
import type { Change } from '../../main/engine/change.ts';
import { withLedger } from '../../main/engine/changes/ledger.ts';
import type { DataRow } from '../../main/contract/data.ts';
import type { ProcessRow } from '../../main/contract/registry.ts';
import { shellArguments, type ShellMethod, type ShellReply } from '../../main/contract/shell-api.ts';
import { AppError, isAppError } from '../../registry/spec/errors.ts';
import { type Keys, keysOf } from '../support/keys.ts';
import { until } from '../support/until.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, openWindow } from '../support/window.ts';

interface Act {
  readonly name: string;
  /** The places of the source that are shown to be reached, `pages/home/first-password.tsx password.reveal`. */
  readonly covers: readonly string[];
  readonly run: (desk: Desk) => Promise<void>;
}

interface Desk {
  readonly page: Page;
  readonly keys: Keys;
  /** Waits until the page has asked for it. */
  readonly asked: (method: ShellMethod) => Promise<void>;
  readonly sheet: Locator;
}

/** What only looks, and what the page asks by itself. */
const looks: ReadonlySet<ShellMethod> = new Set<ShellMethod>(['trust.plan', 'login.plan', 'data.plan']);

const engine = 'Podman';
const sheetOf = (title: string) => ({
  hash: 'plan',
  title,
  why: 'So that it works.',
  changes: [
    { title: 'A file', engine: 'podman', where: '/etc/x', isNew: true, how: [], diff: '+x', manual: [] },
  ],
  effects: [],
});
const yes = { state: 'yes' } as const;
let process: ProcessRow = { state: 'running' };
let data: DataRow = { path: '/data' };
let mayList = false;
let opensAtLogin = false;
/** A login lies in a file of Berth's own, so that nothing has to be agreed to. */
let isLoginOwn = false;
let stopRegistry: (() => Promise<unknown>) | undefined;
const pushEnded = Promise.withResolvers<void>();

/** What the bridge answers. */
const answers: Record<ShellMethod, () => unknown> = {
  'trust.look': () => [],
  'trust.plan': () => sheetOf('Trust it?'),
  'trust.apply': () => [],
  'login.plan': () => ({
    ...sheetOf('Keep a login?'),
    address: 'localhost:1',
    user: 'dev',
    keptBy: 'client',
  }),
  'login.apply': () => ({ address: 'localhost:1', user: 'dev' }),
  'logins.list': () => [{ address: 'localhost:1', user: 'dev' }],
  'logins.forget': () => undefined,
  'clipboard.write': () => undefined,
  'data.get': () => data,
  'data.plan': () => ({
    id: 'p1',
    from: '/data',
    to: '/new',
    files: 1,
    bytes: 1000,
    freeBytes: 2000,
    warnings: [],
    transfers: 0,
    isFromDropped: false,
    isUsed: false,
  }),
  'data.carryOut': () => data,
  'data.cancel': () => data,
  'data.useOther': () => data,
  'data.removeOther': () => data,
  'data.forgetFailure': () => data,
  'changes.undo': () => ({ id: 'c1', title: 'A file', result: 'undone', isProved: false }),
  'files.pickBundles': () => [],
  'files.chooseTarget': () => ({ id: 'f1', path: '/dev/null/no' }),
  'files.askWhere': () => undefined,
  'files.reveal': () => ({ isShown: true }),
  'setup.get': () => ({
    isSetUp: false,
    mayListImages: false,
    password: { user: 'dev', keptIn: { kind: 'keychain' } },
  }),
  'setup.set': () => undefined,
  'setup.prove': () => ({ resolved: yes, reached: yes, trusted: yes, loggedIn: yes }),
  'password.reveal': () => ({ password: 'made-up' }),
  'password.forget': () => undefined,
  'images.permit': () => undefined,
  'images.list': () => [
    { id: `sha256:${'a'.repeat(64)}`, name: 'app:1', sizeBytes: 1, createdAt: '2026-01-01T00:00:00Z' },
  ],
  'images.push': () => undefined,
  'images.cancel': () => undefined,
  'preferences.get': () => ({
    opensAtLogin,
    openHidden: false,
    onClose: 'ask',
    hasTray: true,
    isTrayShown: true,
    looksForUpdates: false,
    notifications: {},
  }),
  'preferences.set': () => undefined,
  'registry.get': () => process,
  'registry.start': () => process,
  'registry.restart': () => process,
  'registry.usePort': () => process,
  'system.check': () => [],
  'updates.get': () => ({ version: '0.1.0', update: { kind: 'idle', isNewest: false } }),
  'updates.look': () => ({ version: '0.1.0', update: { kind: 'ready', version: '9.0.0' } }),
  'updates.restart': () => undefined,
};

const acts: readonly Act[] = [
  {
    name: 'an engine is set up from home',
    covers: [
      'pages/consent/trust-sheet.tsx trust.apply',
      'pages/consent/login-sheet.tsx login.apply',
      'pages/home/use-engine-setup.tsx login.apply',
      'pages/home/use-engine-setup.tsx setup.prove',
    ],
    async run({ page, keys, asked, sheet }) {
      await keys.screen('g', 'h');
      const own = page.getByRole('listitem', { name: /^Podman/ });
      await keys.use(own.getByRole('button', { name: `Set up ${engine}` }));
      await keys.use(sheet.filter({ hasText: 'Trust it?' }).getByRole('button', { name: 'Allow' }));
      await asked('trust.apply');
      await keys.use(sheet.filter({ hasText: 'Keep a login?' }).getByRole('button', { name: 'Allow' }));
      await asked('login.apply');
      await asked('setup.prove');
      await own.getByText('It can push.').waitFor();
      isLoginOwn = true;
      await keys.use(own.getByRole('button', { name: 'Check again' }));
      await keys.use(sheet.getByRole('button', { name: 'Allow' }));
      await asked('login.apply');
    },
  },
  {
    name: 'the first password is shown, and forgotten',
    covers: [
      'pages/home/first-password.tsx password.reveal',
      'pages/home/first-password.tsx password.forget',
    ],
    async run({ page, keys, asked }) {
      await keys.screen('g', 'h');
      await keys.use(page.getByRole('button', { name: 'Reveal the password' }));
      await asked('password.reveal');
      await keys.use(page.getByRole('button', { name: 'Forget it' }));
      await keys.confirm(/^Forget/);
      await asked('password.forget');
    },
  },
  {
    name: 'an address is copied, and the authority saved where the system asks',
    covers: ['parts/copy.tsx clipboard.write', 'download.ts files.askWhere'],
    async run({ page, keys, asked }) {
      await keys.screen('g', 'h');
      await keys.use(page.getByRole('button', { name: 'Copy address' }).first());
      await asked('clipboard.write');
      await keys.screen(',');
      await keys.use(page.getByRole('link', { name: 'Certificate', exact: true }));
      await keys.use(page.getByRole('button', { name: 'Download CA: where to' }));
      await keys.next(page.getByRole('menuitem', { name: 'Save as…' }));
      await keys.press('Enter');
      await asked('files.askWhere');
    },
  },
  {
    name: 'the data is moved, that is cancelled, and the other copy is used and deleted',
    covers: [
      'pages/storage/move-data.tsx data.carryOut',
      'pages/storage/move-data.tsx data.useOther',
      'pages/storage/move-data.tsx data.removeOther',
      'pages/storage/location-panel.tsx data.cancel',
      'pages/storage/location-panel.tsx data.forgetFailure',
    ],
    async run({ page, keys, asked, sheet }) {
      const main = page.getByRole('main');
      await keys.screen('g', 's');
      await keys.use(main.getByRole('button', { name: 'Move…' }));
      await keys.use(sheet.getByRole('button', { name: /^Move / }));
      await asked('data.carryOut');
      const figures = { doneFiles: 0, files: 1, doneBytes: 0, bytes: 1000 };
      await tellData(page, { path: '/data', move: { step: 'copying', to: '/new', ...figures } });
      await keys.use(main.getByRole('button', { name: 'Cancel' }));
      await asked('data.cancel');
      await tellData(page, { path: '/data', failure: { code: 'X', message: 'It was cancelled.', hint: '' } });
      await keys.use(main.getByRole('button', { name: 'OK' }));
      await asked('data.forgetFailure');
      await tellData(page, { path: '/new', other: { path: '/data', bytes: 1000, isGone: false } });
      await keys.use(main.getByRole('button', { name: 'Use it again…' }));
      await keys.confirm('Use the other copy');
      await asked('data.useOther');
      await keys.use(main.getByRole('button', { name: 'Delete it…' }));
      await keys.confirm(/^Delete /);
      await asked('data.removeOther');
      await tellData(page, { path: '/new' });
    },
  },
  {
    name: 'the set-up is put away',
    covers: ['state/setup.ts setup.set'],
    async run({ page, keys, asked }) {
      await keys.screen('g', 'h');
      await keys.use(page.getByRole('button', { name: 'Don’t show again' }));
      await asked('setup.set');
    },
  },
  {
    name: 'images of an engine are looked at, pushed, and the push is cancelled',
    covers: [
      'pages/push/push-images.tsx images.permit',
      'pages/push/use-pushes.ts images.push',
      'pages/push/use-pushes.ts images.cancel',
    ],
    async run({ page, keys, asked }) {
      await keys.screen('g', 'h');
      await keys.press('Shift+P');
      const dialog = page.getByRole('dialog', { name: 'Push images of this computer' });
      await keys.use(dialog.getByRole('button', { name: 'Allow' }));
      await asked('images.permit');
      await keys.tabTo(dialog.getByRole('row').filter({ hasText: 'app:1' }));
      await keys.press('Space');
      await keys.use(dialog.getByRole('button', { name: 'Push 1 image' }));
      await asked('images.push');
      await keys.use(dialog.getByRole('button', { name: 'Cancel' }));
      await asked('images.cancel');
      await dialog.getByText('Cancelled').waitFor();
      await keys.press('Escape');
    },
  },
  {
    name: 'the app starts at login, looks for an update, and restarts into it; its theme is said to the system',
    covers: [
      'pages/settings/desktop.tsx preferences.set',
      'pages/settings/updates.tsx updates.look',
      'pages/settings/updates.tsx updates.restart',
      'frame/app.tsx preferences.set',
    ],
    async run({ page, keys, asked }) {
      await keys.screen(',');
      await keys.use(page.getByRole('link', { name: 'Desktop' }));
      await keys.tabTo(page.getByRole('switch', { name: /^Start when I log in/ }));
      await keys.press('Space');
      await asked('preferences.set');
      await keys.use(page.getByRole('button', { name: 'Look for updates' }));
      await asked('updates.look');
      await keys.use(page.getByRole('button', { name: 'Restart to update' }));
      await asked('updates.restart');
      await keys.use(page.getByRole('link', { name: 'Look', exact: true }));
      await keys.choose(page.getByRole('button', { name: /Theme$/ }), 'Dark');
      await asked('preferences.set');
    },
  },
  {
    name: 'the data directory, a file that was saved, and where to export to, are asked of the system',
    covers: [
      'pages/storage/location-panel.tsx files.reveal',
      'pages/transfer/use-shell-notes.ts files.reveal',
      'pages/transfer/export-dialog.tsx files.chooseTarget',
    ],
    async run({ page, keys, asked }) {
      await keys.screen('g', 's');
      await keys.use(page.getByRole('main').getByRole('button', { name: 'Show in folder' }));
      await asked('files.reveal');
      await tell(page, { kind: 'saved', name: 'x.tar', id: 'f2' });
      const messages = page.getByRole('status', { name: 'Messages' });
      await messages.getByText('Saved x.tar').waitFor();
      await keys.use(messages.getByRole('button', { name: 'Show in folder' }));
      await asked('files.reveal');
      await keys.use(messages.getByRole('button', { name: 'Close message' }));
      await keys.screen('g', 'r');
      await keys.row('Repositories', 'keys/exported');
      await keys.press('e');
      await keys.use(page.getByRole('dialog').getByRole('button', { name: /^(?:Save|Export)/ }));
      await asked('files.chooseTarget');
      // Only who sits at the computer may have a file written there.
      await page.getByRole('dialog').getByRole('alert').waitFor();
      await keys.press('Escape');
    },
  },
  {
    name: 'a file to import is chosen, and one that was given is taken',
    covers: [
      'pages/transfer/choose-file.tsx files.pickBundles',
      'pages/transfer/use-shell-notes.ts files.pickBundles',
    ],
    async run({ page, keys, asked }) {
      await tell(page, { kind: 'given' });
      await asked('files.pickBundles');
      await keys.screen('g', 'h');
      await keys.press('i');
      await keys.use(page.getByRole('dialog').getByRole('button', { name: 'Choose a file…' }));
      await asked('files.pickBundles');
      await keys.press('Escape');
    },
  },
  {
    name: 'an engine is tested from the drawer, and a login that fails says what the client said',
    covers: ['pages/consent/engine-acts.tsx setup.prove'],
    async run({ page, keys, asked, sheet }) {
      await keys.screen('g', 'h');
      await keys.press('c');
      const drawer = page.getByRole('dialog', { name: 'Connect a client' });
      await drawer.getByRole('tab', { selected: true }).waitFor();
      await keys.tabTo(drawer.getByRole('tab', { selected: true }));
      await keys.press('ArrowRight', 'Enter');
      await keys.use(drawer.getByRole('button', { name: /^Test: Podman/ }));
      await asked('setup.prove');
      await page.getByText('It can push and pull.').waitFor();
      await keys.press('Escape');
      const apply = answers['login.apply'];
      answers['login.apply'] = () => {
        throw new AppError('LOGIN_FAILED', { message: 'podman login failed: one\ntwo\nthree', hint: 'Try.' });
      };
      await keys.use(drawer.getByRole('button', { name: /^Log in: Podman/ }));
      await keys.use(sheet.getByRole('button', { name: 'Allow' }));
      await sheet.getByText('podman login failed: one', { exact: true }).waitFor();
      assert.equal(await sheet.getByRole('group', { name: 'What it said' }).innerText(), 'two\nthree');
      await checkAccessibility(page);
      answers['login.apply'] = apply;
      await keys.press('Escape');
      await sheet.waitFor({ state: 'detached' });
      await keys.press('Escape');
    },
  },
  {
    name: 'a change is undone, and then all',
    covers: ['pages/changes/change-dialog.tsx changes.undo', 'pages/changes/take-back.tsx changes.undo'],
    async run({ page, keys, asked }) {
      await keys.screen('g', 'c');
      await keys.row('System changes', engine);
      await keys.press('Enter');
      await keys.use(page.getByRole('dialog').getByRole('button', { name: 'Undo', exact: true }));
      await asked('changes.undo');
      await keys.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await keys.use(page.getByRole('button', { name: 'Undo all…' }));
      await keys.confirm(/^Undo \d+ change/);
      await asked('changes.undo');
    },
  },
  {
    name: 'all that the app has put on the computer is taken back',
    covers: ['pages/settings/uninstall.tsx logins.forget', 'pages/settings/uninstall.tsx preferences.set'],
    async run({ page, keys, asked }) {
      opensAtLogin = true;
      await tell(page, { kind: 'changed', method: 'preferences.get' });
      await keys.screen(',');
      await keys.use(page.getByRole('link', { name: 'Reset and uninstall' }));
      await keys.use(page.getByRole('button', { name: 'Take back 3 things…' }));
      await keys.confirm('Take back 3 things');
      // The last of them: one that fails ends it.
      await asked('preferences.set');
      await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    },
  },
  {
    name: 'a registry that has gone is started, by its banner, by a key, and with another port',
    covers: [
      'frame/process-notice.tsx registry.start',
      'frame/process-notice.tsx registry.usePort',
      'frame/registry-state.ts registry.start',
    ],
    async run({ page, keys, asked }) {
      await stopRegistry?.();
      const banner = page.getByRole('region', { name: 'State of the registry' });
      await be(page, { state: 'stopped' });
      await keys.use(banner.getByRole('button', { name: 'Start', exact: true }));
      await asked('registry.start');
      await keys.press('F6', '>');
      await asked('registry.start');
      await keys.screen('g', 'h');
      await keys.use(
        page.getByRole('region', { name: 'Registry' }).getByRole('button', { name: 'Start', exact: true }),
      );
      await asked('registry.start');
      const failure = { code: 'PORT_BUSY', message: 'It is in use.', hint: 'End it.', freePort: 5444 };
      await be(page, { state: 'waiting', failure });
      await keys.use(banner.getByRole('button', { name: 'Use 5444' }));
      await asked('registry.usePort');
    },
  },
];

/** By keys in recovery, files and move.test.ts of test/desktop: the registry has to be that of the app. */
const elsewhere = [
  'frame/stop.tsx registry.restart',
  'pages/transfer/export-dialog.tsx files.reveal',
  'pages/home/choose-port.tsx registry.usePort',
];

test('what the page asks of the desktop is asked by keys, and by nothing else', async () => {
  const source = join(import.meta.dirname, '../../renderer');
  const found = new Set<string>();
  for await (const file of glob('**/*.{ts,tsx}', {
    cwd: source,
    exclude: (name) => name.includes('.test.'),
  })) {
    const text = await readFile(join(source, file), 'utf8');
    for (const [, method = ''] of text.matchAll(/\bcall\(\s*'([a-z]+\.[A-Za-z]+)'/g)) {
      if (Object.hasOwn(shellArguments, method) && !looks.has(method as ShellMethod))
        found.add(`${file} ${method}`);
    }
  }

  const covered = [...acts.flatMap(({ covers }) => covers), ...elsewhere];
  assert.deepEqual(covered.toSorted(), [...found].toSorted());
});

test('every act of the desktop is done by keys alone', needs('chromium', 'podman'), async (t) => {
  await using window = await openWindow({ listen: 'localhost:0' });
  const { registry, context } = window;
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-keys-'));
  answers['files.chooseTarget'] = () => ({ id: 'f1', path: join(folder.path, 'x.tar') });
  stopRegistry = () => registry.stop();
  await noteChange(registry.dataDir, join(folder.path, 'changed'));
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const calls: string[] = [];
  await page.exposeFunction('askShell', async (method: ShellMethod): Promise<ShellReply> => {
    calls.push(method);
    return await replyTo(method);
  });
  await page.addInitScript(() => {
    const own = globalThis as unknown as { readonly askShell: unknown; berthShell?: object };
    own.berthShell = { invoke: own.askShell };
  });
  await page.goto(`${registry.url}/ui/`);
  const desk: Desk = {
    page,
    keys: keysOf(page),
    sheet: page.getByRole('alertdialog'),
    async asked(method) {
      await until(`the page asks for ${method}`, async () => calls.includes(method));
      // What it asks for next may be there already.
      calls.splice(0, calls.indexOf(method) + 1);
    },
  };

  for (const { name, run } of acts) {
    await t.test(name, async () => {
      // The set-up is shown while nothing is stored.
      if (name.startsWith('images of')) await window.push('keys/exported', '1', 'exported');
      calls.length = 0;
      await run(desk);
      await page.getByRole('dialog').or(page.getByRole('alertdialog')).first().waitFor({ state: 'detached' });
    });
  }
});

/** A change of this computer, as far as the ledger says. */
async function noteChange(root: string, path: string): Promise<void> {
  const change: Change = {
    title: 'A file for Podman',
    engine: 'podman',
    address: 'localhost:1',
    place: { kind: 'file', path, mode: 0o600 },
    edit: { kind: 'whole' },
    before: undefined,
    after: '',
    needsRoot: false,
    activation: { kind: 'none' },
    proof: { kind: 'none' },
    manual: [],
  };
  await withLedger(root, async (ledger) => {
    const id = await ledger.plan({ change, by: 'tester', folders: [], before: undefined });
    await ledger.append(id, { event: 'applied' });
  });
}

async function replyTo(method: ShellMethod): Promise<ShellReply> {
  if (method === 'images.list' && !mayList)
    return { error: { code: 'CONSENT_NEEDED', message: 'Ask first.', hint: '' } };
  if (method === 'images.permit') mayList = true;
  if (method === 'images.push') {
    await pushEnded.promise;
    return { error: { code: 'CANCELLED', message: 'It was cancelled.', hint: '' } };
  }
  if (method === 'images.cancel') pushEnded.resolve();
  if (method === 'login.plan' && isLoginOwn)
    return { ok: { ...(answers[method]() as object), changes: [], keptBy: 'berth' } };
  try {
    return { ok: answers[method]() };
  } catch (error) {
    if (!isAppError(error)) throw error;
    const { code, message, hint } = error;
    return { error: { code, message, hint } };
  }
}

async function tell(page: Page, note: ShellNote): Promise<void> {
  await page.evaluate((message) => postMessage(message), { kind: channels.note, note });
}

async function tellData(page: Page, row: DataRow): Promise<void> {
  data = row;
  await tell(page, { kind: 'changed', method: 'data.get' });
}

async function be(page: Page, row: ProcessRow): Promise<void> {
  process = row;
  await tell(page, { kind: 'changed', method: 'registry.get' });
}
