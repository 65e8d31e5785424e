/** The `electron` of the stand-in: what main/ imports of it, and no more (test/desktop/drift.test.ts compares). */
import { type ChildProcess, fork as forkProcess } from 'node:child_process';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { constants, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as BodyStream } from 'node:stream/web';
import {
  type BrowserContext,
  chromium,
  type Download,
  type Frame,
  type Page,
  type Route,
} from 'playwright-core';
import { listening } from './chromium.ts';
import { type FromPage, type PageGlobals, preparePage, type ToPage } from './page.ts';
import { GivenPorts, MessageChannelMain, MessagePortMain, type PortNote } from './ports.ts';

export { MessageChannelMain, MessagePortMain };

interface Facts {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
}

let facts: Facts = { folder: '', name: '', version: '' };
const ready = Promise.withResolvers<BrowserContext>();

/** The app is ready when Chromium is connected. */
export function begin(given: Facts): void {
  facts = given;
  standIn.begunAt = Date.now();
  void connect();
}

async function connect(): Promise<void> {
  const { address, line } = await listening;
  const browser = await chromium.connectOverCDP(address);
  const [context] = browser.contexts();
  if (context === undefined) throw new Error('Chromium has no context');
  standIn.readyAt = Date.now();
  ready.resolve(context);
  process.stderr.write(`${line}\n`);
}

/** An event that a listener can hold back; answers whether one did. */
function isPrevented(
  emitter: EventEmitter,
  name: string,
  fields: object = {},
  ...more: readonly unknown[]
): boolean {
  let prevented = false;
  const event = {
    ...fields,
    preventDefault() {
      prevented = true;
    },
  };
  emitter.emit(name, event, ...more);
  return prevented;
}

interface SecondStart {
  readonly argv: readonly string[];
  readonly directory: string;
  readonly data: object;
}

/** Where a packaged app would have its resources; without it the app is not packaged. */
const resources = process.env['STAND_IN_RESOURCES'];
if (resources !== undefined) Object.defineProperty(process, 'resourcesPath', { value: resources });

class App extends EventEmitter {
  readonly isPackaged = resources !== undefined;
  /** Of macOS alone. */
  readonly dock = undefined;
  get name(): string {
    return facts.name;
  }
  getName(): string {
    return facts.name;
  }
  getAppPath(): string {
    return facts.folder;
  }
  setAboutPanelOptions(options: object): void {
    standIn.about = options;
  }
  getVersion(): string {
    return facts.version;
  }
  getPath(name: string): string {
    const config = process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
    const path = {
      userData: join(config, facts.name),
      appData: config,
      home: homedir(),
      downloads: join(homedir(), 'Downloads'),
    }[name];
    if (path === undefined) throw new Error(`Failed to get '${name}' path`);
    mkdirSync(path, { recursive: true });
    return path;
  }
  setAppUserModelId(): void {}
  async whenReady(): Promise<void> {
    await ready.promise;
  }
  requestSingleInstanceLock(additionalData: object = {}): boolean {
    const path = join(this.getPath('userData'), 'SingletonLock');
    const told = join(this.getPath('userData'), 'SingletonData');
    for (;;) {
      try {
        writeFileSync(path, String(process.pid), { flag: 'wx' });
        process.on('exit', () => rmSync(path, { force: true }));
        process.on('SIGUSR2', () => {
          const { argv, directory, data } = JSON.parse(readFileSync(told, 'utf8')) as SecondStart;
          this.emit('second-instance', {}, argv, directory, data);
        });
        return true;
      } catch {
        const pid = Number(readFileSync(path, 'utf8'));
        try {
          process.kill(pid, 0);
          const start: SecondStart = { argv: process.argv, directory: process.cwd(), data: additionalData };
          writeFileSync(told, JSON.stringify(start));
          process.kill(pid, 'SIGUSR2');
          return false;
        } catch {
          rmSync(path, { force: true });
        }
      }
    }
  }
  quit(): void {
    if (isPrevented(this, 'before-quit')) return;
    for (const window of BrowserWindow.getAllWindows()) {
      window.close();
      if (!window.isDestroyed()) return;
    }
    if (!isPrevented(this, 'will-quit')) this.exit();
  }
  exit(code = 0): void {
    this.emit('quit', {}, code);
    process.exit(code);
  }
}

export const app = new App();
process.on('SIGTERM', () => {
  // A listener of the app takes its place.
  if (process.listenerCount('SIGTERM') === 1) app.quit();
});

type Handler = (request: Request) => Promise<Response> | Response;
const schemes = new Map<string, Handler>();
export const protocol = {
  registerSchemesAsPrivileged(): void {},
  handle: (scheme: string, handler: Handler) => void schemes.set(scheme, handler),
};

// Chromium knows no schemes of ours: a page of one is shown as one of https.
function toPage(url: string): string {
  return url.replace(/^berth:\/\/([\w.]+)/, 'https://$1.berth.stand-in');
}
function fromPage(url: string): string {
  return url.replace(/^https:\/\/([\w.]+)\.berth\.stand-in/, 'berth://$1');
}

type OpenHandler = (details: { readonly url: string }) => { readonly action: 'allow' | 'deny' };

class WebContents extends EventEmitter {
  openHandler: OpenHandler = () => ({ action: 'allow' });
  readonly given = new GivenPorts((note) => this.tell(note));
  page: Page | undefined;

  setWindowOpenHandler(handler: OpenHandler): void {
    this.openHandler = handler;
  }
  postMessage(channel: string, data: unknown, ports: readonly MessagePortMain[] = []): void {
    const ids = this.given.give(ports);
    this.tell({ kind: 'message', channel, data, ports: ids });
    this.given.open(ids);
  }
  tell(message: ToPage): void {
    // A page that is gone, or on its way elsewhere, hears nothing.
    this.page
      ?.evaluate((given) => (globalThis as unknown as PageGlobals).standInReceive(given), message)
      .catch(() => undefined);
  }
}

function preloadOf(path: string): string {
  return `(${preparePage.toString()})((require) => {\n${readFileSync(path, 'utf8')}\n});`;
}

interface WindowOptions {
  readonly width?: number;
  readonly height?: number;
  readonly x?: number;
  readonly y?: number;
  readonly show?: boolean;
  readonly webPreferences?: { readonly preload?: string };
}

export class BrowserWindow extends EventEmitter {
  static readonly #all = new Set<BrowserWindow>();
  static #front: BrowserWindow | undefined;
  static getAllWindows(): readonly BrowserWindow[] {
    return [...BrowserWindow.#all];
  }

  readonly webContents = new WebContents();
  readonly options: WindowOptions;
  readonly #page: Promise<Page>;
  #isVisible: boolean;
  #focused = 0;
  #loading = '';
  #isDestroyed = false;
  #isMaximized = false;

  constructor(options: WindowOptions = {}) {
    super();
    this.options = options;
    this.#isVisible = options.show ?? true;
    BrowserWindow.#all.add(this);
    app.emit('web-contents-created', {}, this.webContents);
    this.#page = this.#open();
  }

  async #open(): Promise<Page> {
    const context = await ready.promise;
    const page = await context.newPage();
    const { width = 800, height = 600, webPreferences: { preload } = {} } = this.options;
    this.webContents.page = page;
    page.on('download', (download) => void startDownload(download, this.webContents));
    const isOpenDenied = this.webContents.openHandler({ url: '' }).action === 'deny';
    // Each is a way to Chromium and back; the page has to have all of them, in any order.
    await Promise.all([
      page.setViewportSize({ width, height }),
      nativeTheme.show(page),
      this.#permit(page),
      isOpenDenied &&
        page.addInitScript(() => {
          window.open = () => null;
        }),
      page.route('**/*', (route) => this.#answer(route)),
      page.exposeBinding('standInSend', ({ frame }, message: FromPage) => this.#receive(frame, message)),
      preload !== undefined && page.addInitScript({ content: preloadOf(preload) }),
    ]);
    return page;
  }

  /** Chromium asks nobody whether a page may write the clipboard; Electron asks the app. Holds as long as the session. */
  async #permit(page: Page): Promise<void> {
    const isPermitted = session.defaultSession.checkHandler(this.webContents, 'clipboard-sanitized-write');
    const debug = await page.context().newCDPSession(page);
    const { targetInfo } = await debug.send('Target.getTargetInfo');
    await debug.send('Browser.setPermission', {
      ...(targetInfo.browserContextId === undefined ? {} : { browserContextId: targetInfo.browserContextId }),
      permission: { name: 'clipboard-write' },
      setting: isPermitted ? 'granted' : 'denied',
    });
  }

  async #answer(route: Route): Promise<void> {
    const request = route.request();
    const url = fromPage(request.url());
    if (request.isNavigationRequest()) {
      const isMainFrame = request.frame().parentFrame() === null;
      const isOwn = isMainFrame && this.#loading === url.replace(/#.*/, '');
      const fields = { url, isMainFrame };
      if (!isOwn && isPrevented(this.webContents, 'will-frame-navigate', fields))
        return await route.abort('aborted');
    }
    const handler = schemes.get(url.slice(0, url.indexOf(':')));
    if (handler === undefined) return await route.abort('blockedbyclient');
    const response = await handler(new Request(url, { method: request.method() }));
    await route.fulfill({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    });
  }

  async #receive(frame: Frame, message: FromPage): Promise<unknown> {
    if (message.kind === 'portMessage' || message.kind === 'portClosed')
      return this.webContents.given.receive(message);
    const event = {
      sender: this.webContents,
      senderFrame: { url: fromPage(frame.url()), parent: frame.parentFrame() },
    };
    if (message.kind === 'contextMenu')
      return void this.webContents.emit('context-menu', event, message.params);
    if (message.kind === 'send') return void ipcMain.emit(message.channel, event, ...message.args);
    const handler = ipcMain.handlers.get(message.channel);
    if (handler === undefined) return { error: `Error: No handler registered for '${message.channel}'` };
    try {
      return { value: await handler(event, ...message.args) };
    } catch (error) {
      return { error: String(error) };
    }
  }

  async loadURL(url: string): Promise<void> {
    this.#loading = url.replace(/#.*/, '');
    const page = await this.#page;
    await page.goto(toPage(url), { waitUntil: 'domcontentloaded' });
    this.emit('ready-to-show');
  }
  show(): void {
    this.#isVisible = true;
    BrowserWindow.#front = this;
    this.emit('show');
  }
  hide(): void {
    this.#isVisible = false;
    this.blur();
    this.emit('hide');
  }
  focus(): void {
    this.#focused += 1;
    BrowserWindow.#front = this;
  }
  blur(): void {
    if (BrowserWindow.#front === this) BrowserWindow.#front = undefined;
  }
  isFocused(): boolean {
    return BrowserWindow.#front === this;
  }
  maximize(): void {
    this.#isMaximized = true;
  }
  isMaximized(): boolean {
    return this.#isMaximized;
  }
  /** How often it was brought to the front. */
  get focused(): number {
    return this.#focused;
  }
  isVisible(): boolean {
    return this.#isVisible;
  }
  isMinimized(): boolean {
    return false;
  }
  restore(): void {}
  getNormalBounds() {
    const { x = 0, y = 0, width = 800, height = 600 } = this.options;
    return { x, y, width, height };
  }
  isDestroyed(): boolean {
    return this.#isDestroyed;
  }
  close(): void {
    if (!isPrevented(this, 'close')) this.destroy();
  }
  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    BrowserWindow.#all.delete(this);
    this.blur();
    this.webContents.given.closeAll();
    void this.#page.then((page) => page.close()).catch(() => undefined);
    this.webContents.emit('destroyed');
    this.emit('closed');
    if (BrowserWindow.#all.size === 0 && !app.emit('window-all-closed')) app.quit();
  }
}

class IpcMain extends EventEmitter {
  readonly handlers = new Map<string, (event: object, ...args: readonly unknown[]) => unknown>();
  handle(channel: string, handler: (event: object, ...args: readonly unknown[]) => unknown): void {
    this.handlers.set(channel, handler);
  }
}
export const ipcMain = new IpcMain();

class UtilityProcess extends EventEmitter {
  readonly #child: ChildProcess;
  readonly #given: GivenPorts;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;

  constructor(path: string, args: readonly string[]) {
    super();
    const child = forkProcess(path, args, {
      execArgv: ['--no-warnings', '--import', new URL('./child.ts', import.meta.url).href],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    this.#child = child;
    this.#given = new GivenPorts((note) => this.#send(note));
    this.stdout = child.stdout;
    this.stderr = child.stderr;
    child.on('message', (message: { readonly kind: 'message'; readonly data: unknown } | PortNote) => {
      if (message.kind === 'message') this.emit('message', message.data);
      else this.#given.receive(message);
    });
    child.on('close', (code, signal) => {
      this.#given.closeAll();
      this.emit('exit', code ?? (signal === null ? 1 : constants.signals[signal]));
    });
  }
  #send(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }
  get pid(): number | undefined {
    return this.#child.pid;
  }
  postMessage(data: unknown, ports: readonly MessagePortMain[] = []): void {
    const ids = this.#given.give(ports);
    this.#send({ kind: 'message', data, ports: ids });
    this.#given.open(ids);
  }
  kill(): boolean {
    return this.#child.kill();
  }
}
export const utilityProcess = {
  fork: (path: string, args: readonly string[] = []) => new UtilityProcess(path, args),
};

interface MenuItem {
  readonly label?: string;
  readonly type?: string;
  readonly role?: string;
  readonly enabled?: boolean;
  readonly accelerator?: string;
  readonly submenu?: readonly MenuItem[];
  readonly click?: () => void;
}
class BuiltMenu {
  readonly items: readonly MenuItem[];
  constructor(items: readonly MenuItem[]) {
    this.items = items;
  }
  popup(): void {
    standIn.popups.push(this.items);
  }
}
export const Menu = {
  buildFromTemplate: (items: readonly MenuItem[]) => new BuiltMenu(items),
  setApplicationMenu(menu: BuiltMenu): void {
    standIn.appMenu = menu.items;
  },
};

export class Tray extends EventEmitter {
  image: string;
  toolTip = '';
  menu: readonly MenuItem[] = [];
  readonly madeAt = Date.now();
  readonly guid: string | null;
  constructor(image: { readonly path: string }, guid: string | null = null) {
    super();
    this.image = image.path;
    this.guid = guid;
    standIn.trays.add(this);
  }
  setImage(image: { readonly path: string }): void {
    this.image = image.path;
  }
  setToolTip(text: string): void {
    this.toolTip = text;
  }
  setContextMenu(menu: { readonly items: readonly MenuItem[] }): void {
    this.menu = menu.items;
  }
  destroy(): void {
    standIn.trays.delete(this);
  }
}
export const nativeImage = { createFromPath: (path: string) => ({ path }) };

export class Notification extends EventEmitter {
  readonly options: { readonly title?: string; readonly body?: string };
  constructor(options: { readonly title?: string; readonly body?: string } = {}) {
    super();
    this.options = options;
  }
  show(): void {
    standIn.notifications.push(this);
  }
}

class NativeTheme extends EventEmitter {
  #source: 'system' | 'light' | 'dark' = 'system';
  get themeSource() {
    return this.#source;
  }
  set themeSource(source) {
    this.#source = source;
    for (const window of BrowserWindow.getAllWindows()) {
      const { page } = window.webContents;
      // One that is being closed has no look.
      if (page !== undefined) this.show(page).catch(() => undefined);
    }
    this.emit('updated');
  }
  get shouldUseDarkColors(): boolean {
    return this.#source === 'dark';
  }
  get shouldUseDarkColorsForSystemIntegratedUI(): boolean {
    return false;
  }
  async show(page: Page): Promise<void> {
    await page.emulateMedia({ colorScheme: this.#source === 'system' ? null : this.#source });
  }
}
export const nativeTheme = new NativeTheme();

/** Tests tell of sleep and wake. */
export const powerMonitor = new EventEmitter();

// electron-updater takes it from what is required.
export const net = {
  request: (options: RequestOptions) => httpRequest(options),
};

let copied = '';
export const clipboard = {
  async writeText(text: string): Promise<void> {
    copied = text;
  },
  readText: async () => copied,
};

interface MessageBox {
  readonly message?: string;
  readonly detail?: string;
  readonly cancelId?: number;
}
export const dialog = {
  showOpenDialog: async () => ({ canceled: true, filePaths: [] as readonly string[] }),
  showSaveDialog: async (..._options: readonly object[]) => ({ canceled: true, filePath: '' }),
  async showMessageBox(...[first, second]: readonly MessageBox[]) {
    const box = second ?? first;
    if (box !== undefined) standIn.boxes.push(box);
    return { response: box?.cancelId ?? 0 };
  },
};

/**
 * A keychain for this user, in the folder of configuration, where STAND_IN_KEYCHAIN names one of Linux; else a key that
 * everybody knows, as Electron has it where there is no keychain.
 */
const keychain = process.env['STAND_IN_KEYCHAIN'];
function keychainKey(): Buffer {
  if (keychain === undefined) return Buffer.alloc(32, 'peanuts');
  const path = join(app.getPath('appData'), keychain);
  try {
    writeFileSync(path, randomBytes(32), { flag: 'wx', mode: 0o600 });
  } catch {
    // It is there.
  }
  return readFileSync(path);
}
export const safeStorage = {
  isAsyncEncryptionAvailable: async () => true,
  getSelectedStorageBackend: () => keychain ?? 'basic_text',
  async encryptStringAsync(text: string): Promise<Buffer> {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', keychainKey(), nonce);
    return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  },
  async decryptStringAsync(bytes: Buffer) {
    const decipher = createDecipheriv('aes-256-gcm', keychainKey(), bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(-16));
    const result = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString(
      'utf8',
    );
    return { result, shouldReEncrypt: false };
  },
};

export const screen = {
  getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }],
};

type Judge = (contents: unknown, permission: string, callback: (isGranted: boolean) => void) => void;
type Check = (contents: unknown, permission: string) => boolean;
class Session extends EventEmitter {
  requestHandler: Judge | undefined;
  setPermissionRequestHandler(handler: Judge): void {
    this.requestHandler = handler;
  }
  checkHandler: Check = () => true;
  setPermissionCheckHandler(handler: Check): void {
    this.checkHandler = handler;
  }
  setDevicePermissionHandler(): void {}
}
export const session = { defaultSession: new Session(), fromPartition: () => new Session() };

/** Of the scheme of the app Chromium knows nothing, so that its handler answers; of `blob:` it has the bytes. */
class DownloadItem extends EventEmitter {
  readonly #url: string;
  readonly #fileName: string;
  path = '';
  dialogOptions: object = {};
  constructor(url: string, fileName: string) {
    super();
    this.#url = url;
    this.#fileName = fileName;
  }
  getURL(): string {
    return this.#url;
  }
  getFilename(): string {
    return this.#fileName;
  }
  setSavePath(path: string): void {
    this.path = path;
  }
  getSavePath(): string {
    return this.path;
  }
  setSaveDialogOptions(options: object): void {
    this.dialogOptions = options;
  }
}

async function startDownload(download: Download, contents: WebContents): Promise<void> {
  const url = download.url();
  const isOfPage = url.startsWith('blob:');
  const own = isOfPage ? `blob:${fromPage(url.slice('blob:'.length))}` : fromPage(url);
  const response = isOfPage ? undefined : await schemes.get('berth')?.(new Request(own));
  const named = /filename\*=UTF-8''([^;]+)/.exec(response?.headers.get('content-disposition') ?? '')?.[1];
  const item = new DownloadItem(
    own,
    named === undefined ? download.suggestedFilename() : decodeURIComponent(named),
  );
  if (isPrevented(session.defaultSession, 'will-download', {}, item, contents, null)) return;
  // Where the app names no path, Electron asks by a dialog; here it is that of `dialog`, which tests answer.
  if (item.path === '') item.path = (await dialog.showSaveDialog(item.dialogOptions)).filePath;
  if (item.path === '') return void item.emit('done', {}, 'cancelled');
  mkdirSync(dirname(item.path), { recursive: true });
  try {
    if (response?.ok === false) throw new Error('refused');
    const body = isOfPage
      ? await download.createReadStream()
      : Readable.fromWeb(response?.body as BodyStream);
    await pipeline(body, createWriteStream(`${item.path}.crdownload`));
    renameSync(`${item.path}.crdownload`, item.path);
    item.emit('done', {}, 'completed');
  } catch {
    rmSync(`${item.path}.crdownload`, { force: true });
    item.emit('done', {}, 'interrupted');
  }
}

// electron-store takes it from the default export, too.
export const shell = {
  openPath: async () => '',
  showItemInFolder: (path: string) => void standIn.shownItems.push(path),
};

/** What only the stand-in can tell: nobody sees a tray in a test. */
export const standIn = {
  trays: new Set<Tray>(),
  notifications: [] as Notification[],
  shownItems: [] as string[],
  boxes: [] as MessageBox[],
  appMenu: [] as readonly MenuItem[],
  popups: [] as (readonly MenuItem[])[],
  about: {} as object,
  /** When the stand-in had loaded itself, and the app's first line ran; and when Chromium answered. */
  begunAt: 0,
  readyAt: 0,
};

export default { app, ipcMain, shell };
