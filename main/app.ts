/** The desktop app: one instance, a registry, a tray and a window. All meaning is in the registry and in the page. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { app, clipboard, Notification, type WebContents } from 'electron';
import { AppError } from '../registry/spec/errors.ts';
import type { Client } from '../registry/spec/rpc.ts';
import { createConsentMethods } from './consent/consent-methods.ts';
import { serveDownloads } from './files/downloads.ts';
import { createFilesMethods } from './files/files-methods.ts';
import { createGivenFiles, filesOf } from './files/given-files.ts';
import { createKnownFiles } from './files/known-files.ts';
import { channels, type ShellNote } from './contract/channels.ts';
import { thisHost } from './engine/host.ts';
import { helperCommand } from './helper-command.ts';
import { serveIpc } from './ipc.ts';
import { systemKeychain } from './keychain.ts';
import { openPreferences } from './preferences.ts';
import { createImagesMethods } from './images/images-methods.ts';
import { askClose, askQuit, tellBrokenPreferences } from './questions.ts';
import { createRegistryHost } from './registry-host.ts';
import { type RegistryView, watchRegistry } from './registry-view.ts';
import { registerScheme, serveScheme } from './scheme.ts';
import { secureApp } from './security.ts';
import { createFirstPasswords } from './setup/first-passwords.ts';
import { createSetupMethods } from './setup/setup-methods.ts';
import { createShell, type ShellMethods } from './shell.ts';
import type { SupervisorState } from './supervisor.ts';
import { openTray, type TrayFace } from './tray.ts';
import { type TrayAct, trayMenu } from './tray-menu.ts';
import { createMainWindow } from './window.ts';

const named = filesOf(process.argv, { isPackaged: app.isPackaged, directory: process.cwd() });
if (app.requestSingleInstanceLock({ files: named })) await run();
else app.quit();

async function run(): Promise<void> {
  registerScheme();
  secureApp();
  app.setAppUserModelId('io.berth.desktop');
  // The tray is the face of the app while there is no window.
  app.on('window-all-closed', () => undefined);
  await app.whenReady();

  serveScheme((ticket) => host.openPort({ kind: 'download', ticket }));
  const preferences = openPreferences();
  const passwords = createFirstPasswords(
    join(app.getPath('userData'), 'first-passwords.json'),
    systemKeychain,
  );
  let client: Client | undefined;
  let view: RegistryView | undefined;
  let tray: TrayFace | undefined;
  let isQuitting = false;
  let isAsking = false;
  let hasEnded = false;
  let idle: PromiseWithResolvers<void> | undefined;
  const pages = new Set<WebContents>();
  const known = createKnownFiles();
  const given = createGivenFiles();
  serveDownloads(known, tell);

  const host = createRegistryHost((state) => {
    if (state.kind === 'running') {
      const { root, firstUser } = state;
      if (firstUser !== undefined) void passwords.take(root, firstUser).catch(logFailure);
      connect();
    } else {
      client = undefined;
      setView(undefined);
      if (state.kind === 'stopped' || state.kind === 'waiting') for (const page of pages) givePort(page);
    }
    showTray(state);
  });
  const window = createMainWindow({ preferences, mayClose });

  /** A connection for the shell itself, and one for each page that has asked for one before. */
  function connect(): void {
    client = host.openClient();
    for (const page of pages) givePort(page);
    if (client !== undefined) void watchRegistry(client, setView);
  }

  function givePort(page: WebContents): void {
    const port = host.openPort();
    page.postMessage(channels.port, undefined, port === undefined ? [] : [port]);
  }

  function tell(page: WebContents | undefined, note: ShellNote): void {
    if (page !== undefined && pages.has(page)) page.postMessage(channels.note, note);
  }

  /** The window takes what was given, as soon as it is there. */
  function give(paths: unknown): void {
    if (!given.give(paths)) return;
    window.show();
    for (const page of pages) tell(page, { kind: 'given' });
  }

  function setView(next: RegistryView | undefined): void {
    view = next;
    if (view?.lastPush !== undefined && !preferences.get().isSetUp) preferences.set({ isSetUp: true });
    if ((view?.transfers.length ?? 0) === 0) idle?.resolve();
    showTray(host.state());
  }

  function showTray(state: SupervisorState): void {
    tray?.show(trayMenu(state, view, preferences.get()));
  }

  function mayClose(): boolean {
    if (isQuitting || hasEnded) return true;
    void closeWindow();
    return false;
  }

  async function closeWindow(): Promise<void> {
    const open = window.current();
    if (open === undefined || isAsking) return;
    isAsking = true;
    const { onClose } = preferences.get();
    const choice = onClose === 'ask' ? await askClose(open) : onClose;
    isAsking = false;
    preferences.set({ onClose: choice });
    if (choice === 'quit') app.quit();
    else window.hide();
  }

  async function quit(): Promise<void> {
    const transfers = view?.transfers ?? [];
    if (transfers.length > 0) {
      const answer = await askQuit(window.current(), transfers);
      if (answer === 'cancel') {
        isQuitting = false;
        return;
      }
      if (answer === 'finish' && (view?.transfers.length ?? 0) > 0) {
        idle = Promise.withResolvers();
        await idle.promise;
      }
    }
    await host.stop();
    tray?.[Symbol.dispose]();
    tray = undefined;
    hasEnded = true;
    app.quit();
  }

  function act(what: TrayAct): void {
    switch (what.kind) {
      case 'copy':
        return void copy(what.text, what.what);
      case 'open':
        return window.show(what.hash);
      case 'setReadOnly':
        client
          ?.call('settings.set', {
            changes: [{ path: 'storage.maintenance.readonly.enabled', value: what.isReadOnly }],
          })
          .catch(showInWindow);
        return;
      case 'start':
        return host.start();
      case 'stop':
        return void host.stop();
      case 'restart':
        return void host.stop().then(() => host.start());
      case 'quit':
        return app.quit();
    }
  }

  /** The settings say what hinders the change. */
  function showInWindow(): void {
    window.show('#/settings');
  }

  const registry = { host: thisHost(process.env), root: mustHaveRoot, client: mustHaveClient };
  const shell = createShell({
    ...createConsentMethods({ ...registry, by: userInfo().username, helperCommand }),
    ...createSetupMethods({
      ...registry,
      passwords,
      preferences: () => preferences.get(),
      setSetUp(isSetUp) {
        preferences.set({ isSetUp });
        showTray(host.state());
      },
    }),
    ...createFilesMethods({ window: () => window.current(), given, known, root: mustHaveRoot }),
    ...createImagesMethods({
      ...registry,
      mayList: () => preferences.get().mayListImages,
      setMayList: (mayListImages) => preferences.set({ mayListImages }),
    }),
  } satisfies ShellMethods);

  function mustHaveRoot(): string {
    const state = host.state();
    if (state.kind !== 'running') throw new AppError('NOT_RUNNING');
    return state.root;
  }

  function mustHaveClient(): Client {
    if (client === undefined) throw new AppError('NOT_RUNNING');
    return client;
  }

  serveIpc({
    shell,
    onAskPort({ sender }) {
      if (!pages.has(sender)) sender.once('destroyed', () => pages.delete(sender));
      pages.add(sender);
      // While it starts, the page waits for the port that comes then.
      if (host.state().kind !== 'starting') givePort(sender);
    },
    onDrop: give,
    log,
  });

  app.on('second-instance', (_, __, ___, data) => {
    window.show();
    give((data as { readonly files?: unknown } | undefined)?.files);
  });
  app.on('activate', () => window.show());
  app.on('before-quit', (event) => {
    if (hasEnded) return;
    event.preventDefault();
    if (isQuitting) return;
    isQuitting = true;
    void quit();
  });

  if (preferences.get().hasTray) {
    tray = openTray(trayMenu(host.state(), view, preferences.get()), act, give);
  }
  host.start();
  const isHidden = process.argv.includes('--hidden') || preferences.get().openHidden;
  if (!isHidden || tray === undefined) window.show();
  give(named);
  if (preferences.brokenFile !== undefined) await tellBrokenPreferences(preferences.brokenFile);
}

function log(text: string): void {
  process.stderr.write(`${text}\n`);
}

function logFailure(error: unknown): void {
  log(error instanceof Error ? error.message : String(error));
}

async function copy(text: string, what: string): Promise<void> {
  await clipboard.writeText(text);
  new Notification({ title: 'Berth', body: `${what} is in the clipboard.`, silent: true }).show();
}
