/** The desktop app: one instance, a registry, a tray and a window. All meaning is in the registry and in the page. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { app, clipboard, nativeTheme, powerMonitor, type WebContents } from 'electron';
import type { EngineRow } from '../registry/spec/admin/computer.ts';
import { AppError } from '../registry/spec/errors.ts';
import type { Client } from '../registry/spec/rpc.ts';
import { setAppMenu } from './app-menu.ts';
import { chooseClose } from './close-choice.ts';
import { createConsentMethods } from './consent/consent-methods.ts';
import { tellChanges } from './consent/told-changes.ts';
import { channels, type ShellNote } from './contract/channels.ts';
import type { PreferenceChange } from './contract/preferences.ts';
import type { ShellMethod } from './contract/shell-api.ts';
import { chooseFolder } from './choose-folder.ts';
import { runDataTask } from './data-host.ts';
import { createDataMethods } from './data/data-methods.ts';
import { createDataMover } from './data/data-mover.ts';
import { openDataPlace } from './data/data-place.ts';
import { createAskingDownloads } from './files/asking-downloads.ts';
import { serveDownloads } from './files/downloads.ts';
import { createFilesMethods } from './files/files-methods.ts';
import { createGivenFiles, filesOf } from './files/given-files.ts';
import { createKnownFiles } from './files/known-files.ts';
import { appId } from './engine/files/login-start.ts';
import { thisHost } from './engine/host.ts';
import { isAnswering } from './health.ts';
import { helperCommandOf } from './helper-command.ts';
import { serveIpc } from './ipc.ts';
import { createImagesMethods } from './images/images-methods.ts';
import { systemKeychain } from './keychain.ts';
import { type Launch, launchOf } from './launch.ts';
import { isLoginStart, loginItem } from './login-item.ts';
import { createNotifier, say } from './notify.ts';
import { openPreferences } from './preferences.ts';
import { createPreferencesMethods } from './preferences-methods.ts';
import { askClose, askQuit, tellBrokenPlace, tellBrokenPreferences } from './questions.ts';
import { createRegistryHost } from './registry-host.ts';
import { createRegistryMethods, startOnPort } from './registry-methods.ts';
import { type RegistryView, type Transfer, transfersOf, watchRegistry } from './registry-view.ts';
import { registerScheme, serveScheme } from './scheme.ts';
import { secureApp } from './security.ts';
import { createFirstPasswords } from './setup/first-passwords.ts';
import { createSetupMethods } from './setup/setup-methods.ts';
import type { SupervisorState } from './supervisor.ts';
import { createShell, type ShellMethods } from './shell.ts';
import { openTray, type TrayFace } from './tray.ts';
import { createSystemMethods } from './system-methods.ts';
import { hasTrayHost } from './system/tray-host.ts';
import { trayGuid } from './tray-guid.ts';
import { isUntouched, type TrayAct, type TrayMenu, trayMenu } from './tray-menu.ts';
import { findUpdater } from './updater.ts';
import { createUpdates } from './updates.ts';
import { createUpdatesMethods } from './updates-methods.ts';
import { findWantedTrust } from './wanted-trust.ts';
import { createMainWindow } from './window.ts';

const dayMs = 24 * 60 * 60 * 1000;
/** A computer that wakes up is busy. */
const wakeTimeoutMs = 10_000;
/** Looking at engines runs programs, for which the start of everything else does not wait. */
const enginesAfterMs = 3000;
/** How long the registry may take to say what it transfers, when the app is to end. */
const answerMs = 1000;

const launch = launchOf(process.argv);
const named = filesOf(process.argv, { isPackaged: app.isPackaged, directory: process.cwd() });

// Where there is nothing to stop, nothing is started.
if (app.requestSingleInstanceLock({ files: named }) && launch !== 'stop') await run();
else app.quit();

async function run(): Promise<void> {
  registerScheme();
  secureApp();
  app.setAppUserModelId(appId);
  // The tray is the face of the app while there is no window.
  app.on('window-all-closed', () => undefined);
  // Read while Electron makes itself ready.
  const preferences = openPreferences();
  const [place] = await Promise.all([
    openDataPlace(join(app.getPath('userData'), 'data-directory.json'), process.env),
    app.whenReady(),
  ]);

  serveScheme((ticket) => host.openPort({ kind: 'download', ticket }));
  const passwords = createFirstPasswords(
    join(app.getPath('userData'), 'first-passwords.json'),
    systemKeychain,
  );
  let client: Client | undefined;
  let view: RegistryView | undefined;
  let tray: TrayFace | undefined;
  let engines: readonly EngineRow[] = [];
  let isQuitting = false;
  let isAsking = false;
  let wantsUpdate = false;
  let hasEnded = false;
  let idle: PromiseWithResolvers<void> | undefined;
  /** Nobody can be asked any more: the system ends, or the process was told to. */
  let isLeaving = false;
  const leaving = Promise.withResolvers<'now'>();
  const pages = new Set<WebContents>();
  const known = createKnownFiles();
  const given = createGivenFiles();
  const asking = createAskingDownloads();
  serveDownloads(known, asking, tell);

  const host = createRegistryHost({ dataDir: () => place.given(), onState: follow });
  const mover = createDataMover({
    place,
    registry: host,
    runTask: runDataTask,
    onMoved: (from, to) => passwords.copy(from, to),
    onChange() {
      showTray();
      tellPages('data.get');
      tellPages('registry.get');
    },
  });
  /** As everybody but the mover starts and stops it. */
  const guarded = {
    ...host,
    start(args?: readonly string[]) {
      if (mover.isBusy())
        throw new AppError('UNAVAILABLE', { message: 'The data of the registry is being moved.' });
      host.start(args);
    },
  };
  const window = createMainWindow({ preferences, mayClose });
  const notifier = createNotifier(preferences, window);
  const found = findUpdater();
  const guid = trayGuid({ platform: process.platform, isSigned: found.isProved });
  const updates = createUpdates({
    ...found,
    onState(update) {
      showTray();
      tellPages('updates.get');
      if (update.kind === 'ready') notifier.tell({ kind: 'updateReady', version: update.version });
    },
  });

  function follow(state: SupervisorState): void {
    if (state.kind === 'running') {
      const { root, firstUser } = state;
      if (firstUser !== undefined) void passwords.take(root, firstUser).catch(logFailure);
      connect();
    } else {
      client = undefined;
      setView(undefined);
      if (state.kind === 'stopped' || state.kind === 'waiting') for (const page of pages) givePort(page);
    }
    showTray();
    tellPages('registry.get');
    tellPages('data.get');
    notifier.tell({ kind: 'state', state });
  }

  /** A connection for the shell itself, and one for each page that has asked for one before. */
  function connect(): void {
    client = host.openClient();
    for (const page of pages) givePort(page);
    if (client === undefined) return;
    void watchRegistry(client, {
      onView: setView,
      onItem(item) {
        notifier.tell({ kind: 'feed', item });
        if (item.kind === 'certificateChanged') void lookAtCertificate();
      },
      onPulled: (row) => notifier.tell({ kind: 'pulled', row }),
      onDisk: (disk) => notifier.tell({ kind: 'disk', disk }),
    });
    void lookAtCertificate();
    const connected = client;
    setTimeout(() => connected === client && void lookAtEngines(), enginesAfterMs).unref();
  }

  /** Whether one of them needs the person, which the tray says. */
  async function lookAtEngines(): Promise<void> {
    const rows = await client?.call('engines.list', {}).catch(() => undefined);
    if (rows === undefined) return;
    engines = rows;
    showTray();
  }

  async function lookAtCertificate(): Promise<void> {
    // A registry that is just ending is asked again at its next start.
    const row = await client?.call('certificate.get', {}).catch(() => undefined);
    if (row !== undefined) notifier.tell({ kind: 'certificate', validTo: row.leaf.validTo });
  }

  /** The answer of a method is another: whoever shows it asks again. */
  function tellPages(method: ShellMethod): void {
    for (const page of pages)
      page.postMessage(channels.note, { kind: 'changed', method } satisfies ShellNote);
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
    showTray();
  }

  function menu(): TrayMenu {
    const update = updates.state();
    const { isSetUp, mutedEngines } = preferences.get();
    const distrustful = findWantedTrust(engines, mutedEngines);
    const { move } = mover.state();
    return trayMenu(host.state(), view, {
      isSetUp,
      ...(move === undefined || !mover.isBusy() ? {} : { move }),
      ...(update.kind === 'ready' ? { update: update.version } : {}),
      ...(distrustful === undefined ? {} : { distrustful }),
    });
  }

  function showTray(): void {
    tray?.show(menu());
  }

  /** Opens the tray, or takes it away, as the preferences say. */
  function keepTray(): void {
    const { hasTray, glyph } = preferences.get();
    if (!hasTray) {
      tray?.[Symbol.dispose]();
      tray = undefined;
    } else if (tray === undefined) tray = openTray({ menu: menu(), glyph, guid, onAct: act, onFiles: give });
    else tray.setGlyph(glyph);
  }

  function followPreferences(change: PreferenceChange): void {
    const { theme, looksForUpdates, hasTray, glyph, mutedEngines } = change;
    if (theme !== undefined) nativeTheme.themeSource = theme;
    if (hasTray !== undefined || glyph !== undefined) keepTray();
    if (looksForUpdates !== undefined) updates.setDaily(looksForUpdates);
    if (mutedEngines !== undefined) showTray();
    tellPages('preferences.get');
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
    const isShown = tray !== undefined && (await isTrayShown());
    let choice = chooseClose(preferences.get(), isShown);
    if (choice === 'ask' || choice === 'askUnseen') {
      const onClose = await askClose(open, isShown);
      preferences.set({ onClose, ...(choice === 'askUnseen' ? { keepsUnseen: onClose === 'keep' } : {}) });
      choice = onClose === 'keep' ? 'hide' : 'quit';
      tellPages('preferences.get');
    }
    isAsking = false;
    if (choice === 'quit') app.quit();
    else window.hide();
  }

  async function quit(): Promise<void> {
    const transfers = await endangered();
    if (transfers.length > 0 && !isLeaving) {
      const answer = await Promise.race([askQuit(window.current(), transfers), leaving.promise]);
      if (answer === 'cancel') {
        isQuitting = false;
        wantsUpdate = false;
        return;
      }
      if (answer === 'finish' && (await endangered()).length > 0) {
        idle = Promise.withResolvers();
        await Promise.race([idle.promise, leaving.promise]);
      }
      if (answer === 'now' && !isLeaving) await cutTransfers();
    }
    // What was copied so far goes again; the old place is in use.
    await mover.cancel();
    await host.stop();
    tray?.[Symbol.dispose]();
    tray = undefined;
    hasEnded = true;
    if (wantsUpdate) updates.install();
    else app.quit();
  }

  /** What ends with the app: transfers of a registry that another program runs go on. */
  async function endangered(): Promise<readonly Transfer[]> {
    const state = host.state();
    const { transfers = [] } = view ?? {};
    if (state.kind !== 'running' || !state.isOwn || transfers.length === 0) return [];
    // What is shown is a moment old, and what has ended since needs no question.
    const asked = client?.call('sessions.list', {}).then(transfersOf);
    const late = delay(answerMs, undefined, { ref: false });
    return (await Promise.race([asked, late]).catch(() => undefined)) ?? transfers;
  }

  /** They would have time to end while the registry stops, and whoever quits anyway wait for them. */
  async function cutTransfers(): Promise<void> {
    // Those that have just ended are none any more.
    await Promise.allSettled(
      (await endangered()).map(async ({ id }) => await client?.call('sessions.cancel', { id })),
    );
  }

  /** Transfers that are under way get the time that the registry gives them when it ends. */
  function leave(): void {
    isLeaving = true;
    leaving.resolve('now');
    app.quit();
  }

  function restartToUpdate(): void {
    wantsUpdate = updates.state().kind === 'ready';
    if (wantsUpdate) app.quit();
  }

  /** After a sleep the process may be one that nobody can talk to any more. */
  async function lookAfterSleep(): Promise<void> {
    const asked = client;
    if (asked !== undefined && !(await isAnswering(asked, wakeTimeoutMs)) && asked === client) host.replace();
    void lookAtCertificate();
    void lookAtEngines();
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
      case 'usePort':
        startOnPort(guarded, what.port).catch(() => window.show('#/home'));
        return;
      case 'update':
        return restartToUpdate();
      case 'start':
        if (!mover.isBusy()) host.start();
        return;
      case 'stop':
        return void host.stop();
      case 'restart':
        return void host.stop().then(() => act({ kind: 'start' }));
      case 'quit':
        return app.quit();
    }
  }

  function carryOut(what: Launch): void {
    if (what === 'open') window.show();
    else if (what !== 'hidden') act({ kind: what });
  }

  /** The settings say what hinders the change. */
  function showInWindow(): void {
    window.show('#/settings');
  }

  const registry = { host: thisHost(process.env), root: mustHaveRoot, client: mustHaveClient };
  const shell = createShell({
    ...tellChanges(
      createConsentMethods({
        ...registry,
        by: userInfo().username,
        helperCommand: helperCommandOf({
          isPackaged: app.isPackaged,
          resourcesPath: process.resourcesPath,
          platform: process.platform,
          env: process.env,
        }),
      }),
      (change) => {
        notifier.tell({ kind: 'change', ...change });
        void lookAtEngines();
      },
    ),
    ...createSetupMethods({
      ...registry,
      passwords,
      preferences: () => preferences.get(),
      setSetUp(isSetUp) {
        preferences.set({ isSetUp });
        showTray();
      },
    }),
    ...createImagesMethods({
      ...registry,
      mayList: () => preferences.get().mayListImages,
      setMayList: (mayListImages) => preferences.set({ mayListImages }),
    }),
    ...createPreferencesMethods({
      preferences,
      loginItem,
      isTrayShown,
      hasGlyphs: process.platform !== 'darwin',
      onChange: followPreferences,
    }),
    ...createSystemMethods({
      platform: process.platform,
      hasTray: () => preferences.get().hasTray,
      isTrayShown,
      isKeychainSafe: () => systemKeychain.isSafe(),
    }),
    'clipboard.write': ({ text }) => clipboard.writeText(text),
    ...createFilesMethods({ window: () => window.current(), given, known, asking, root: mustHaveRoot }),
    ...createRegistryMethods(guarded, () => mover.isBusy()),
    ...createDataMethods({
      place,
      mover,
      registry: host.state,
      transfers: () => view?.transfers.length ?? 0,
      isUntouched: () => view !== undefined && isUntouched(view),
      chooseFolder: () => chooseFolder(window.current(), place.path()),
    }),
    ...createUpdatesMethods({ updates, version: app.getVersion(), restart: restartToUpdate }),
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

  powerMonitor.on('resume', () => void lookAfterSleep());
  // Electron hands an event over that its types do not know: the system waits for the app then, for a while.
  powerMonitor.on('shutdown', (event?: Pick<Event, 'preventDefault'>) => {
    event?.preventDefault();
    leave();
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, leave);
  setInterval(() => void lookAtCertificate(), dayMs).unref();
  app.on('second-instance', (_, argv, __, data) => {
    carryOut(launchOf(argv));
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

  nativeTheme.themeSource = preferences.get().theme;
  setAppMenu(() => window.show('#/settings/desktop'));
  keepTray();
  const isHidden =
    (launch !== 'open' || isLoginStart() || preferences.get().openHidden) && tray !== undefined;
  if (isHidden) notifier.tell({ kind: 'startedHidden' });
  else window.show();
  // The page begins in a process of its own, and needs the registry later than that.
  host.start();
  mover.tidy().catch(logFailure);
  give(named);
  updates.setDaily(preferences.get().looksForUpdates);
  if (preferences.brokenFile !== undefined) await tellBrokenPreferences(preferences.brokenFile);
  if (place.brokenFile !== undefined) await tellBrokenPlace(place.brokenFile, place.path());
}

function log(text: string): void {
  process.stderr.write(`${text}\n`);
}

function logFailure(error: unknown): void {
  log(error instanceof Error ? error.message : String(error));
}

/** Only on Linux are there desktops without a tray. */
async function isTrayShown(): Promise<boolean> {
  return process.platform !== 'linux' || (await hasTrayHost(process.env));
}

async function copy(text: string, what: string): Promise<void> {
  await clipboard.writeText(text);
  say(`${what} is in the clipboard.`);
}
