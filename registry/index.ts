/**
 * The registry as one value: `await using registry = await createRegistry(...)` takes the data directory, listens, and
 * gives everything back in the opposite order. The only public door of this folder.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { type ComputerMethods, createAdminMethods } from './admin/methods.ts';
import { createAdminServer } from './admin/server.ts';
import { openAdminSocket } from './admin/socket.ts';
import { accountFiles } from './auth/accounts.ts';
import { createAuth, openTo } from './auth/auth.ts';
import type { LoadedConfig } from './config/load.ts';
import { ownConfigFile } from './config/save.ts';
import { loadSecret } from './config/secret.ts';
import { createSettings, type LoadConfig, lockOf, type Settings } from './config/settings.ts';
import { openAudit } from './derived/audit.ts';
import { openIndex } from './derived/index-db.ts';
import { createMemoryJournal, openJournal } from './derived/journal.ts';
import { processUser } from './disk/process-user.ts';
import { checked } from './driver/checked.ts';
import { openFsDriver } from './driver/fs.ts';
import { lockRoot, sweepTemp } from './disk/lock.ts';
import { createMemoryDriver } from './driver/memory.ts';
import { createAdminEvents } from './feed/admin-events.ts';
import { createCards, type Refusal } from './feed/cards.ts';
import { createEvents } from './feed/events.ts';
import { createFeed } from './feed/feed.ts';
import { createMetrics } from './feed/metrics.ts';
import { createFailedBefore } from './feed/failed-before.ts';
import { createPullNotes } from './feed/pull-notes.ts';
import { createRefusals } from './feed/refusals.ts';
import { createSessions } from './feed/sessions.ts';
import { createTasks } from './feed/tasks.ts';
import { createTickets, type Offer } from './feed/tickets.ts';
import { createTraffic } from './feed/traffic.ts';
import { createVolume } from './feed/volume.ts';
import { holdHeapRoom } from './heap-room.ts';
import { createApp } from './http/app.ts';
import { openDebug } from './http/debug.ts';
import { createDoor, type Door, isRpcRequest } from './http/api/door.ts';
import { createFront, isLoopback } from './http/front.ts';
import { type ListenTarget, parseListenAddress } from './http/listen.ts';
import { proxyTest } from './http/proxies.ts';
import { createRequestLog } from './http/request-log.ts';
import { createReserve } from './http/reserve.ts';
import { createPages } from './http/small-pages.ts';
import { createTransfers } from './http/transfers.ts';
import { openUi, type WindowFiles } from './http/ui.ts';
import type { V2Context } from './http/v2.ts';
import { fileCheck, startHealth, storageCheck } from './jobs/health.ts';
import { startPurge } from './jobs/purge.ts';
import { startRules } from './jobs/rules.ts';
import { type AccessEntry, accessLine } from './log/access.ts';
import { openLogFile } from './log/file.ts';
import { createGathering } from './log/gathering.ts';
import { createLogger, type Logger, type LoggerOptions } from './log/logger.ts';
import { readLog } from './log/read.ts';
import { createReverts } from './log/reverts.ts';
import { createRing, type Ring } from './log/ring.ts';
import { expiryChanges } from './rules/expiry-changes.ts';
import { createExpiryWarning } from './rules/expiry-warning.ts';
import { createQuotas } from './rules/quotas.ts';
import { admitWritable, openRepositoryNotes, protectReadOnly } from './rules/repository-notes.ts';
import { openRules } from './rules/rules.ts';
import { createTidy } from './rules/tidy.ts';
import type { StatusRow } from './spec/admin/process.ts';
import { cipherSuites, type Config } from './spec/config.ts';
import { AppError, isAppError } from './spec/errors.ts';
import type { Actor } from './spec/events.ts';
import { localUrl } from './spec/local-url.ts';
import { type Level, type Log, type Subsystem, subsystems } from './spec/log-record.ts';
import type { Channel } from './spec/rpc.ts';
import type { ValidationRules } from './store/needed.ts';
import { createStore } from './store/store.ts';
import { type Identity, openIdentity } from './tls/identity.ts';
import { sweepOutFiles } from './transfer/out-file.ts';
import { createReceivedFiles } from './transfer/received.ts';
import { openWebhooks } from './webhooks/webhooks.ts';
import { bcryptEntry, changesEntry } from './workers/entries.ts';
import { startUpkeep } from './upkeep.ts';
import { version } from './version.ts';

export interface RegistryOptions {
  readonly loaded: LoadedConfig;
  /** Loads the configuration again, with a text as if the file held that. */
  readonly load: LoadConfig;
  /** The data directory. */
  readonly root: string;
  /** Takes lines of the access log, one or several at once. */
  readonly out: (lines: string) => void;
  /** Takes lines of the service log, one or several at once. */
  readonly err: (lines: string) => void;
  readonly runs: StatusRow['runs'];
  /** Called when the control plane is asked to end the program. */
  readonly onStop: () => void;
  /** Answers what the control plane is asked about engines, changes and checks. */
  readonly computer: ComputerMethods;
  /** The window for browsers. */
  readonly ui?: WindowFiles;
}

export interface Registry extends AsyncDisposable {
  /** Where it listens, as URLs; the first is the one to show. */
  readonly urls: readonly string[];
  /** The address of the window for browsers; `undefined` while it is switched off. */
  readonly ui: string | undefined;
  readonly log: Logger;
  /** The last lines of the log, for whoever looks at it live. */
  readonly ring: Ring;
  readonly identity: Identity;
  /** Serves the control plane to whoever opened the channel, as the owner of the data directory. */
  readonly connect: (channel: Channel) => void;
  /** What a ticket that the owner asked for stands for, once; see `Tickets.take`. */
  readonly findDownload: (ticket: string) => Offer | undefined;
  /** Reads the configuration again; what needs no restart comes into force. A broken one is logged and leaves all. */
  reload(): Promise<void>;
}

export type { ComputerMethods } from './admin/methods.ts';
export { readHolder } from './disk/lock.ts';
export { findFreePort } from './http/listen.ts';
export { findPortOwner } from './http/port-owner.ts';

const defaultPort = 5443;
/**
 * How long a stop waits for chunks of uploads, in milliseconds. Their clients must come again to end the upload in any case, and
 * are told so when the registry that follows may be there already; docker sends a layer as one chunk, and all of it again.
 */
const chunkDrainMs = 1000;
/** Names that an item of the feed has room for. */
const mostNames = 100;

/**
 * Starts a registry.
 * @throws AppError CONFIG_INVALID, USERS_INVALID, CERTIFICATE_INVALID, DATA_LOCKED, DATA_UNUSABLE, PORT_BUSY
 */
export async function createRegistry({
  loaded,
  load,
  root,
  out,
  err,
  runs,
  onStop,
  computer,
  ui,
}: RegistryOptions): Promise<Registry> {
  const { config } = loaded;
  const settings = createSettings({ loaded, load, root });
  const { current, live } = settings;
  await using opening = new AsyncDisposableStack();
  opening.use(holdHeapRoom());
  const lock = opening.use(await lockRoot(root));
  const logPath = join(root, 'berth', 'logs', 'registry.log');
  const logFile = opening.use(
    await openLogFile({
      path: logPath,
      onLost: (lines) =>
        log.warn('linesLost', 'lines of the log could not be written to its file', {
          lines,
          path: logPath,
          hint: 'check the disk and its free space',
        }),
    }),
  );
  const ring = createRing({ settle: () => log.flush() });
  const log: Logger = openLog(config, {
    ring,
    gather: (write) => opening.use(createGathering(write)),
    write(lines) {
      err(lines);
      logFile.write(lines);
    },
  });
  const accessFormat = live(({ log: { accesslog }, berth }) =>
    accesslog.disabled ? undefined : berth.log.access,
  );
  const accessLines = opening.use(
    createGathering<AccessEntry>((entries) => {
      const format = accessFormat();
      if (format !== undefined) out(entries.map((entry) => accessLine(entry, format)).join(''));
    }),
  );
  for (const { key, level, where, message } of loaded.notices) {
    log.warn(level === 'unknown' ? 'configUnknown' : 'configIgnored', message, { key, where });
  }
  const swept = (await sweepTemp(root)) + (await sweepOutFiles(root));
  if (swept > 0) log.info('tempSwept', 'unfinished writes of a former run were removed', { count: swept });

  const metrics = createMetrics();
  const driver = checked(
    opening.use(
      config.storage.filesystem === undefined
        ? createMemoryDriver()
        : await openFsDriver({ root, changesEntry }),
    ),
    { log },
  );
  const auth = opening.use(
    await createAuth({
      mode: config.auth.none ? 'none' : 'htpasswd',
      root,
      open: live(({ berth }) => openTo(berth.auth.anonymous)),
      log: log.for('auth'),
      bcryptEntry,
      ...(config.auth.htpasswd.path === undefined ? {} : { htpasswdPath: config.auth.htpasswd.path }),
    }),
  );
  const identity = opening.use(await openIdentity(identityOptions(current, root, log)));
  const feed = createFeed();
  const isOnDisk = config.storage.filesystem !== undefined;
  const journal = opening.use(
    isOnDisk ? await openJournal({ directory: join(root, 'berth', 'journal'), log }) : createMemoryJournal(),
  );
  const audit = opening.use(
    await openAudit({
      directory: join(root, 'berth', 'audit'),
      keepMs: live(({ berth }) => berth.audit.keep),
      log,
    }),
  );
  if (isOnDisk) await audit.recover(journal);
  const tasks = createTasks(feed);
  const indexRead = Promise.withResolvers<void>();
  const index = opening.use(
    await openIndex({
      path: isOnDisk ? join(root, 'berth', 'index.sqlite') : ':memory:',
      journal,
      driver,
      log,
      onReady() {
        feed.publish({ kind: 'indexReady' });
        indexRead.resolve();
      },
      onPullsCounted: (names) => feed.publish({ kind: 'pullsCounted', names: names.slice(0, mostNames) }),
      isWatched: () => feed.isRead,
    }),
  );
  const prefix = config.http.prefix.replace(/\/$/, '');
  let listening = { url: '', port: 0 };
  const webhooks = opening.use(
    await openWebhooks({
      root,
      config: current,
      origin: {
        configured: live(({ http: { host } }) => (host === undefined ? undefined : `${host}${prefix}`)),
        listening: () => `${listening.url}${prefix}`,
      },
      address: () => `${hostname()}:${listening.port}`,
      userAgent: `berth/${version}`,
      log,
      feed,
    }),
  );
  const failedBefore = createFailedBefore();
  const { rows: lastHour } = await audit.list({
    since: new Date(Date.now() - 3_600_000).toISOString(),
    limit: 1000,
  });
  for (const row of lastHour.toReversed()) failedBefore.note(row);
  const events = createEvents(log, { index, journal, audit, feed, webhooks, failedBefore });
  const adminEvents = createAdminEvents(log, feed, events);
  // What another process has written into the files: the command line, or an editor.
  auth.onChange(({ isOwn }) => {
    if (!isOwn) feed.publish({ kind: 'userChanged' });
  });
  const rules = await openRules({
    root,
    configured: () => current().berth.storage.protectedtags,
    shortestLifeMs: () => current().berth.storage.shortestlife,
    events,
  });
  const compiled = () => rules.compiled();
  const notes = await openRepositoryNotes(root);
  const protectedBy = protectReadOnly(notes, (repository, tag) => compiled().protectedBy(repository, tag));
  const quotas = createQuotas({ rules: () => rules.current(), index, log: log.for('jobs') });
  const volume = createVolume();
  const pullNotes = opening.use(createPullNotes(events));
  const sessions = opening.use(
    createSessions({ onMoved: (moved) => volume.add(moved), onPulled: (row) => pullNotes.note(row) }),
  );
  const cards = opening.use(createCards(feed));
  const refusals = opening.use(createRefusals(events));
  const onRefused = (refusal: Refusal): void => {
    cards.note(refusal);
    refusals.note(refusal);
  };
  const store = createStore({
    driver,
    events,
    rules: live(validationRules),
    uploadsPerUser: () => current().berth.limits.uploadsperuser,
    trashKeepMs: () => current().berth.storage.trash,
    collect: {
      graceMs: () => current().berth.storage.collect.grace,
      deleteUntagged: () => current().berth.storage.collect.untagged,
    },
    protectedBy,
    admit: admitWritable(notes, quotas.admit),
  });
  index.start(store);
  const tidy = createTidy({ rules, index, store, events, ready: indexRead.promise });
  const health = opening.use(startHealth(healthChecks(config, storageCheck(driver)), log));
  const reserve = createReserve(driver, {
    reserve: () => current().berth.storage.reserve,
    warn: () => current().berth.storage.warn,
  });
  const traffic = createTraffic();
  const tickets = createTickets();
  const received = opening.use(
    createReceivedFiles({ directory: join(root, 'berth', 'tmp'), checkRoom: () => reserve.check() }),
  );
  const proxies = live(({ berth }) => proxyTest(berth.http.trustedproxies));
  const isProxy = (address: string): boolean => proxies()(address);
  const isReadOnly = (): boolean => current().storage.maintenance.readonly.enabled;
  const { http, berth } = config;
  const realm = (): string => current().auth.htpasswd.realm;

  const transfers = createTransfers(sessions);
  const v2: V2Context = {
    auth,
    realm,
    store,
    transfers,
    secret: await loadSecret(root, http.secret),
    lists: live(({ tags, catalog }) => ({
      maxTags: tags.maxtags,
      maxRepositories: catalog.maxentries,
      indexed: index,
    })),
    maxBytes: () => current().berth.limits.manifestbytes,
    isReadOnly,
    mustBeWritable: notes.mustBeWritable,
    isDeleteEnabled: () => current().storage.delete.enabled,
    checkReserve: () => reserve.check(),
    checkQuota: (repository) => quotas.checkStart(repository),
    expiryWarning: createExpiryWarning({ compiled, index }),
    pulled: (pull) => {
      index.pulled(pull);
      events.manifestPulled(pull);
    },
    blobPulled: (pull) => events.blobPulled(pull),
    warnings: () => [reserve.warning(), expiryWarning(identity)].filter((text) => text !== undefined),
    location: (exchange, path) => {
      const { host, relativeurls } = current().http;
      if (host !== undefined) return `${host}${prefix}${path}`;
      return relativeurls ? `${exchange.prefix}${path}` : `${exchange.origin}${exchange.prefix}${path}`;
    },
  };
  const requestLog = createRequestLog({
    metrics,
    traffic,
    log: log.for('http'),
    write(entry) {
      if (accessFormat() !== undefined) accessLines.add(entry);
    },
    onRefused,
  });
  let door: Door | undefined;
  const app = createApp({
    v2,
    door: () => door,
    ui: await openUi({ files: ui, isEnabled: berth.web.enabled }),
    pages: createPages({ auth, realm, notReady: () => health.failing() }),
    hosts: {
      certificateNames: () => [...identity.names().names, ...identity.names().addresses],
      configured: live(({ http: { host }, berth: own }) => [
        ...(host === undefined ? [] : [host]),
        ...own.http.hosts,
      ]),
    },
    isProxy,
    prefix,
    headers: () => current().http.headers,
    idle: live(({ berth: { limits } }) => ({ uploadMs: limits.bodyidle, downloadMs: limits.drainidle })),
    anonymous: () => auth.anonymous,
    log: log.for('http'),
    requestLog,
  });
  const front = createFront({
    onRequest: app,
    mayUpgrade: isRpcRequest,
    identity,
    onRawError: (answer) => requestLog.refused(answer),
    onUntrusted: ({ address, hint }) =>
      onRefused({ code: 'untrusted', message: hint, address, requestId: '' }),
    plain: () => current().berth.listen.plain,
    isProxy,
    minVersion: http.tls.minimumtls === 'tls1.3' ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: http.tls.ciphersuites.map((name) => cipherSuites[name] ?? name).join(':'),
    limits: {
      connections: berth.limits.connections,
      headersMs: berth.limits.headers,
      keepAliveMs: berth.limits.keepalive,
    },
    log: log.for('http'),
  });
  opening.defer(async () => {
    const late = setTimeout(() => transfers.interruptChunks(), chunkDrainMs);
    await front.close({ drainMs: current().http.draintimeout });
    clearTimeout(late);
  });
  const target = listenTarget(config);
  const bound = await front.listen(target);
  const urls = bound.map(({ host, port }) => `https://${urlHost(host)}:${port}`);
  const port = bound[0]?.port;
  listening = { url: urls[0] ?? '', port: port ?? 0 };
  const uiUrl = berth.web.enabled ? new URL(`${localUrl(listening.url)}${prefix}/ui/`).href : undefined;
  if (!target.asked && port !== undefined) await keepPort(settings, root, port, log);
  if (http.debug.addr !== undefined) {
    const metricsPath = http.debug.prometheus.enabled ? http.debug.prometheus.path : undefined;
    opening.use(
      await openDebug({
        address: http.debug.addr,
        metricsPath,
        metrics,
        moment: async () => ({
          uploadsOpen: store.uploads.open,
          freeBytes: (await driver.free?.())?.bytes,
          certificateEndsAt: identity.endsAt(),
        }),
        notReady: () => health.failing(),
      }),
    );
  }
  const reverts = opening.use(
    createReverts(log, (sys, level) => {
      log.info('levelReverted', 'a level of the log fell back', { subsystem: sys, to: level });
      feed.publish({ kind: 'levelsChanged' });
    }),
  );
  const { onChange } = settings;
  opening.use(
    startPurge({
      uploads: store.uploads,
      log,
      settings: live(({ storage }) => {
        const { enabled, age, interval, dryrun } = storage.maintenance.uploadpurging;
        return enabled ? { ageMs: age, intervalMs: interval, dryRun: dryrun } : undefined;
      }),
      onChange,
    }),
  );
  const upkeep = opening.use(
    startUpkeep({ config: current, driver, store, index, tasks, traffic, reserve, events, log }),
  );
  const whileWritable =
    <Options, Result>(act: (how: Options) => Promise<Result>) =>
    async (how: Options): Promise<Result | undefined> =>
      isReadOnly() ? undefined : await act(how);
  opening.use(
    startRules({
      expire: whileWritable((how) => tidy.expire(how)),
      run: whileWritable((how) => tidy.run(how)),
      changes: ({ signal }) => expiryChanges(feed.subscribe({ signal }), { compiled, index }),
      log,
    }),
  );
  opening.defer(
    onChange((paths) => {
      if (paths.some((path) => levelPaths.has(path))) setLevels(log, current());
      if (paths.some((path) => certificatePaths.has(path))) void identity.check();
    }),
  );
  const startedAt = new Date().toISOString();
  let stoppedBy: string | undefined;
  const admin = createAdminServer({
    methods: createAdminMethods({
      store,
      index,
      protectedBy,
      notes,
      feed,
      tasks,
      rules,
      tidy,
      quotas,
      log,
      status: async () => ({
        version,
        urls,
        ...(uiUrl === undefined ? {} : { ui: uiUrl }),
        startedAt,
        pid: process.pid,
        runs,
        isReadOnly: isReadOnly(),
        ...readOnlyLock(settings),
        isOpen: config.auth.none,
        isPlain: current().berth.listen.plain === 'any' && bound.some(({ host }) => !isLoopback(host)),
        unheeded: settings.newest().notices.map(({ where, message }) => `${where}: ${message}`),
        index: index.state,
        disk: await reserve.look(),
      }),
      isReadOnly,
      disk: () => reserve.look(),
      freeBytes: async () => (await driver.free?.())?.bytes,
      uploadAgeMs: () => current().storage.maintenance.uploadpurging.age,
      ...upkeep,
      stop(user) {
        stoppedBy = user;
        onStop();
      },
      computer,
      reverts,
      readLog: async (options) => {
        await logFile.flush();
        return await readLog({ path: logPath, ...options });
      },
      sessions,
      tickets,
      received,
      volume,
      audit,
      cards,
      audited: events.audited,
      webhooks,
      root,
      checkReserve: () => reserve.check(),
      auth,
      accounts: accountFiles(root, config.auth.htpasswd.path),
      settings,
      identity,
      adminEvents,
    }),
    feed,
    ring,
    sessions,
    log,
  });
  // Who may open the socket is the owner of the data directory.
  const owner: Actor = { user: processUser(), requestId: 'admin', client: `berth/${version}` };
  const onConnection = (channel: Channel): void => admin.connect(channel, owner);
  const findDownload = (ticket: string): Offer | undefined => tickets.take(ticket, owner.user);
  try {
    opening.use(await openAdminSocket({ root, onConnection, findDownload, log }));
  } catch (error) {
    // Some file systems have no sockets. Images can be pushed and pulled all the same.
    if (!isAppError(error, 'DATA_UNUSABLE')) throw error;
    log.warn('adminClosed', `the command line cannot ask this process: ${error.message}`, {
      hint: error.hint,
    });
  }
  if (berth.web.enabled) {
    door = opening.use(
      createDoor({
        auth,
        tickets,
        connect: admin.connect,
        answerFirst: admin.answer,
        stoppedBy: () => stoppedBy,
        receive: (source, options) => {
          if (isReadOnly()) throw new AppError('STORAGE_READ_ONLY');
          return received.receive(source, options);
        },
        idleMs: () => current().berth.web.session,
        log: log.for('auth'),
      }),
    );
  }
  for (const { host, port: each } of bound)
    log.info('listening', `listening on ${urlHost(host)}:${each}, tls`);
  await lock.announce(urls);

  const stack = opening.move();
  return {
    urls,
    ui: uiUrl,
    log,
    ring,
    identity,
    connect: onConnection,
    findDownload,
    async reload() {
      try {
        const paths = await settings.reload();
        setLevels(log, current());
        await adminEvents.settingsChanged({ paths, pending: settings.pending() });
      } catch (error) {
        if (!isAppError(error)) throw error;
        log.error('reloadFailed', error.message, { hint: error.hint });
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What the levels of the log are made of, and the names in the certificate. */
const levelPaths = new Set(['log.level', 'berth.log.levels']);
const certificatePaths = new Set(['http.host', 'berth.tls.names', 'berth.tls.renewbefore']);

function levelsOf({ log, berth }: Config): Readonly<Record<Subsystem, Level>> {
  return Object.fromEntries(subsystems.map((sys) => [sys, berth.log.levels[sys] ?? log.level])) as Record<
    Subsystem,
    Level
  >;
}

function setLevels(log: Logger, config: Config): void {
  for (const sys of subsystems) log.setLevel(sys, levelsOf(config)[sys]);
  log.info('levelsChanged', 'the levels of the log are those of the configuration');
}

function openLog(config: Config, options: Pick<LoggerOptions, 'ring' | 'gather' | 'write'>): Logger {
  return createLogger({
    ...options,
    levels: levelsOf(config),
    formatter: config.log.formatter,
    fields: {
      service: 'registry',
      version,
      'instance.id': randomUUID(),
      'node.version': process.version,
      ...config.log.fields,
    },
  });
}

/** Where authority, leaf and the user's own certificate are, for the registry and for `berth cert`. */
export function identityOptions(current: () => Config, root: string, log: Log) {
  const { certificate, key } = current().http.tls;
  return {
    dir: join(root, 'berth', 'tls'),
    names: () => {
      const { http, berth } = current();
      const host = http.host === undefined ? [] : [new URL(http.host).hostname.replaceAll(/[[\]]/g, '')];
      return [...berth.tls.names, ...host];
    },
    renewBeforeMs: () => current().berth.tls.renewbefore * 24 * 60 * 60 * 1000,
    log: log.for('tls'),
    ...(certificate === undefined || key === undefined ? {} : { own: { certificate, key } }),
  };
}

/** Patterns of the configuration run on urls of strangers: the linear engine takes over where one backtracks. */
function validationRules({ validation, berth }: Config): ValidationRules {
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  const { urls, indexes } = validation.manifests;
  return {
    enabled: !validation.disabled,
    sparse: berth.validation.sparse,
    indexPlatforms:
      indexes.platforms === 'list'
        ? indexes.platformlist.map(({ os, architecture }) => `${os}/${architecture}`)
        : indexes.platforms,
    urls: {
      allow: urls.allow.map((text) => new RegExp(text)),
      deny: urls.deny.map((text) => new RegExp(text)),
    },
  };
}

function healthChecks({ health }: Config, checkStorage: () => Promise<void>) {
  const { enabled, interval, threshold } = health.storagedriver;
  return [
    ...(enabled ? [{ name: 'storage', intervalMs: interval, threshold, check: checkStorage }] : []),
    ...health.file.map((each) => ({
      name: each.file,
      intervalMs: each.interval,
      threshold: each.threshold,
      check: fileCheck(each.file),
    })),
  ];
}

/** What fixes the read-only mode, for the status. */
function readOnlyLock(settings: Settings): { readonly readOnlyFixedBy?: string } {
  const source = settings.newest().sources.get('storage.maintenance.readonly.enabled');
  const { isLocked, where } = lockOf(source);
  return isLocked ? { readOnlyFixedBy: where } : {};
}

function listenTarget({ http }: Config): ListenTarget {
  if (http.addr === undefined) return { host: 'localhost', port: defaultPort, asked: false };
  return { ...parseListenAddress(http.addr), asked: true };
}

/** The port that was found free at the first start is kept: clients remember it. */
async function keepPort(settings: Settings, root: string, port: number, log: Log): Promise<void> {
  if (settings.file !== ownConfigFile(root)) return;
  try {
    await settings.change([{ path: 'http.addr', value: `localhost:${port}` }], { isApplied: true });
  } catch (error) {
    if (!isAppError(error)) throw error;
    log.warn('portNotKept', error.message, { hint: error.hint });
  }
}

const dayMs = 24 * 60 * 60 * 1000;

function expiryWarning(identity: Identity): string | undefined {
  const days = Math.floor((identity.endsAt() - Date.now()) / dayMs);
  return days < 14 ? `the certificate of this registry ends in ${Math.max(0, days)} days` : undefined;
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
