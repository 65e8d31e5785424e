/**
 * Who pushes and pulls what, as it happens. Requests of one user, client and address in one repository belong to one
 * session while not more than 60 seconds lie between them, and until a tag is pushed. Pushes and pulls are sessions of
 * their own, and HEAD requests go to the one that is there.
 *
 *   request begins --> join --> Transfer, whose meter the bytes count up      (nothing else happens on that way)
 *   request ends ----> Transfer.end(what was moved)
 *   every 250 ms, while there are sessions: rates, states and rows of what changed; rows go to the subscribers
 *
 * All of it is in memory and bounded: 500 sessions, 50 of them ended, 1,000 digests each.
 */
import type { SessionRow } from '../spec/admin/activity.ts';
import { clientName } from '../spec/client-name.ts';
import { AppError } from '../spec/errors.ts';
import type { Manifest } from '../spec/manifest.ts';
import { createQueue, type Queue } from '../spec/queue.ts';
import { shed } from '../spec/rpc.ts';

/** Who asks for what; `kind` is `undefined` for a look (HEAD), which belongs to either. */
export interface TransferStart {
  readonly kind: SessionRow['kind'] | undefined;
  readonly user: string;
  readonly userAgent: string;
  readonly address: string;
  readonly repository: string;
  /** Bytes of a blob go with it. */
  readonly isBlob: boolean;
  /** Ends the request with an error. */
  readonly cancel: (error: AppError) => void;
}

/** What a request has moved in the end. */
export interface TransferEnd {
  /** The blob that is complete now: transferred, or found here. */
  readonly blob?: { readonly digest: string; readonly isReused: boolean } | undefined;
  /** The manifest that was pushed or pulled; `content` is absent where another registry stored what nobody can read. */
  readonly manifest?:
    | { readonly digest: string; readonly tag: string | undefined; readonly content: Manifest | undefined }
    | undefined;
  /** What a tag was found to mean, by a look (HEAD): docker reads the manifest by its digest then. */
  readonly looked?: { readonly digest: string; readonly tag: string } | undefined;
  /** What the client was told, and of which blob, if of one. */
  readonly error?: string | undefined;
  readonly errorOf?: string | undefined;
}

/** One request of a session. */
export interface Transfer {
  /** Counted up while bytes of the blob arrive. */
  readonly meter: { bytes: number };
  /** Answers the bytes of the blob that were sent so far; set by who sends. */
  sent: () => number;
  end(what: TransferEnd): void;
}

export interface Sessions extends Disposable {
  /** Must be ended. */
  begin(start: TransferStart): Transfer;
  /** The newest first. */
  list(): readonly SessionRow[];
  /**
   * Ends the requests that run, and answers how many.
   * @throws AppError SESSION_UNKNOWN
   */
  cancel(id: number): { readonly requests: number; readonly row: SessionRow };
  /** Answers the rows that are known, then those that change. */
  subscribe(options: { readonly signal: AbortSignal }): AsyncIterable<readonly SessionRow[]>;
}

const tickMs = 250;
const joinMs = 60_000;
/** A pull has no last request: silence for so long is its end. */
const quietMs = 5_000;
const rateMs = 3_000;
const limits = { sessions: 500, ended: 50, digests: 1000 };

/** Whose it is. Nothing of its requests: a session is kept for a minute after them, and what they hold may be large. */
type SessionOf = Pick<TransferStart, 'user' | 'userAgent' | 'address' | 'repository'>;

interface Session {
  readonly id: number;
  key: string;
  readonly of: SessionOf;
  kind: SessionRow['kind'] | undefined;
  readonly startedAt: number;
  lastAt: number;
  tag: string | undefined;
  digest: string | undefined;
  error: string | undefined;
  /** The blob that failed. */
  errorOf: string | undefined;
  isActive: boolean;
  /** A tag was pushed: what follows is another image. */
  isComplete: boolean;
  /** A manifest was pulled, or a blob was not to its end, and nobody told of it. */
  isPulled: boolean;
  readonly open: Set<OpenTransfer>;
  /** Of the requests that have ended. */
  bytesIn: number;
  bytesOut: number;
  readonly done: Set<string>;
  readonly reused: Set<string>;
  looked: TransferEnd['looked'];
  readonly manifests: Set<string>;
  /** Blobs that the manifests name, with their sizes. */
  readonly needed: Map<string, number>;
  /** Bytes at moments of the last seconds. */
  samples: readonly { readonly at: number; readonly bytes: number }[];
  isChanged: boolean;
}

interface OpenTransfer extends Transfer {
  readonly start: TransferStart;
}

export interface SessionsOptions {
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
  /** Told of each pull that gave a manifest, or failed on the way, when it is over. */
  readonly onPulled?: (row: SessionRow) => void;
  /** Told of what each request has moved, when it ends. */
  readonly onMoved?: (moved: { readonly bytesIn: number; readonly bytesOut: number }) => void;
}

/** Makes the sessions of the process. */
export function createSessions({ now = Date.now, onMoved, onPulled }: SessionsOptions = {}): Sessions {
  /** In the order in which they began. */
  const sessions = new Map<number, Session>();
  const joinable = new Map<string, Session>();
  const queues = new Set<Queue<SessionRow>>();
  let timer: NodeJS.Timeout | undefined;
  let lastId = 0;

  function begin(start: TransferStart): Transfer {
    const session = find(start);
    session.kind ??= start.kind;
    const transfer: OpenTransfer = {
      start,
      meter: { bytes: 0 },
      sent: () => 0,
      end(what) {
        if (session.open.delete(transfer)) ended(session, transfer, what);
      },
    };
    // What failed before is over when the client comes back.
    if (!session.isActive) session.error = undefined;
    session.open.add(transfer);
    session.lastAt = now();
    session.isActive = true;
    session.isChanged = true;
    timer ??= setInterval(tick, tickMs).unref();
    return transfer;
  }

  function find(start: TransferStart): Session {
    const { user, userAgent, address, repository } = start;
    const who = `${user}\0${userAgent}\0${address}\0${repository}`;
    const wanted = start.kind === undefined ? ['push', 'pull', ''] : [start.kind, ''];
    for (const kind of wanted) {
      const found = joinable.get(`${who}\0${kind}`);
      if (found === undefined || (found.open.size === 0 && isOver(found))) continue;
      // What was only looked at becomes what is done with it.
      if (kind === '' && start.kind !== undefined) {
        joinable.delete(found.key);
        found.key = `${who}\0${start.kind}`;
        joinable.set(found.key, found);
      }
      return found;
    }
    const at = now();
    return keep({
      id: ++lastId,
      key: `${who}\0${start.kind ?? ''}`,
      of: { user, userAgent, address, repository },
      kind: start.kind,
      startedAt: at,
      lastAt: at,
      tag: undefined,
      digest: undefined,
      error: undefined,
      errorOf: undefined,
      isActive: true,
      isComplete: false,
      isPulled: false,
      open: new Set(),
      bytesIn: 0,
      bytesOut: 0,
      done: new Set(),
      reused: new Set(),
      looked: undefined,
      manifests: new Set(),
      needed: new Map(),
      samples: [{ at, bytes: 0 }],
      isChanged: true,
    });
  }

  function isOver({ isComplete, lastAt }: Session): boolean {
    return isComplete || now() - lastAt > joinMs;
  }

  function keep(session: Session): Session {
    sessions.set(session.id, session);
    joinable.set(session.key, session);
    if (sessions.size > limits.sessions) forgetOne();
    return session;
  }

  /** The one that is silent for longest; one with requests only if all have. */
  function forgetOne(): void {
    const [first] = [...sessions.values()].toSorted(
      (a, b) => Number(a.open.size > 0) - Number(b.open.size > 0) || a.lastAt - b.lastAt,
    );
    if (first !== undefined) forget(first);
  }

  function forget(session: Session): void {
    tellPulled(session);
    sessions.delete(session.id);
    if (joinable.get(session.key) === session) joinable.delete(session.key);
  }

  function ended(
    session: Session,
    transfer: OpenTransfer,
    { blob, manifest, looked, error, errorOf }: TransferEnd,
  ): void {
    session.lastAt = now();
    session.isChanged = true;
    const moved = { bytesIn: transfer.meter.bytes, bytesOut: transfer.sent() };
    session.bytesIn += moved.bytesIn;
    session.bytesOut += moved.bytesOut;
    onMoved?.(moved);
    // Clients try a blob again that was cut off.
    const isMended = manifest !== undefined || (blob !== undefined && blob.digest === session.errorOf);
    session.error = error ?? (isMended ? undefined : session.error);
    if (error !== undefined) session.errorOf = errorOf;
    session.isPulled ||= session.kind === 'pull' && error !== undefined && transfer.start.isBlob;
    if (blob !== undefined && session.done.size + session.reused.size < limits.digests) {
      if (!blob.isReused) session.done.add(blob.digest);
      else if (!session.done.has(blob.digest)) session.reused.add(blob.digest);
    }
    session.looked = looked ?? session.looked;
    if (manifest === undefined) return;
    session.digest = manifest.digest;
    const { digest: lookedAt, tag: meant } = session.looked ?? {};
    session.tag = manifest.tag ?? (lookedAt === manifest.digest ? meant : session.tag);
    session.isComplete = session.kind === 'push' && manifest.tag !== undefined;
    session.isPulled ||= session.kind === 'pull';
    if (session.manifests.has(manifest.digest) || session.manifests.size >= limits.digests) return;
    session.manifests.add(manifest.digest);
    const { config, layers = [] } = manifest.content ?? {};
    for (const { digest, size, hasUrls } of config === undefined ? layers : [config, ...layers]) {
      if (!hasUrls && session.needed.size < limits.digests) session.needed.set(digest, size);
    }
  }

  function tick(): void {
    const at = now();
    for (const session of sessions.values()) {
      if (session.open.size === 0 && at - session.lastAt > joinMs) {
        forget(session);
        continue;
      }
      settle(session, at);
      if (!session.isChanged || session.kind === undefined) continue;
      session.isChanged = false;
      const row = rowOf(session, session.kind);
      for (const queue of queues) queue.push(row);
    }
    const over = [...sessions.values()].filter(({ isActive }) => !isActive);
    for (const session of over.slice(0, Math.max(0, over.length - limits.ended))) forget(session);
    if (sessions.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  /** Brings state and rate up to date. */
  function settle(session: Session, at: number): void {
    const bytes = bytesOf(session);
    const last = session.samples.at(-1);
    if (last !== undefined && last.bytes !== bytes) {
      session.isChanged = true;
      session.lastAt = at;
    }
    const before = rateOf(session);
    session.samples = [...session.samples.filter((sample) => at - sample.at <= rateMs), { at, bytes }];
    if (rateOf(session) !== before) session.isChanged = true;
    const isActive = session.open.size > 0 || (!session.isComplete && at - session.lastAt < quietMs);
    if (isActive !== session.isActive) session.isChanged = true;
    session.isActive = isActive;
    if (!isActive) tellPulled(session);
  }

  function tellPulled(session: Session): void {
    if (!session.isPulled) return;
    session.isPulled = false;
    // A blob alone that came at the second try is no image.
    if (session.digest !== undefined || session.error !== undefined) onPulled?.(rowOf(session, 'pull'));
  }

  return {
    begin,
    list: () =>
      [...sessions.values()]
        .toReversed()
        .flatMap((session) => (session.kind === undefined ? [] : [rowOf(session, session.kind)])),
    cancel(id) {
      const session = sessions.get(id);
      if (session?.kind === undefined) {
        throw new AppError('SESSION_UNKNOWN', { message: `There is no transfer ${id}.` });
      }
      // Without a blob a request is over before it could be cut.
      const open = [...session.open].filter((transfer) => transfer.start.isBlob);
      const error = new AppError('TRANSFER_ENDED');
      for (const { start } of open) start.cancel(error);
      return { requests: open.length, row: rowOf(session, session.kind) };
    },
    subscribe({ signal }) {
      return createQueue<SessionRow>({
        shed: shed.sessions,
        backlog: [...sessions.values()].flatMap((session) =>
          session.kind === undefined ? [] : [rowOf(session, session.kind)],
        ),
        everyMs: tickMs,
        signal,
        open(queue) {
          queues.add(queue);
          return () => queues.delete(queue);
        },
      });
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const session of sessions.values()) tellPulled(session);
    },
  };
}

function bytesIn({ bytesIn: bytes, open }: Session): number {
  return [...open].reduce((sum, { meter }) => sum + meter.bytes, bytes);
}

function bytesOut({ bytesOut: bytes, open }: Session): number {
  return [...open].reduce((sum, { sent }) => sum + sent(), bytes);
}

function bytesOf(session: Session): number {
  return bytesIn(session) + bytesOut(session);
}

function rateOf({ samples, open }: Session): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at === first.at || open.size === 0) return 0;
  return Math.round(((last.bytes - first.bytes) * 1000) / (last.at - first.at));
}

function rowOf(session: Session, kind: SessionRow['kind']): SessionRow {
  const { id, of, tag, digest, startedAt, lastAt, error, isActive, done, reused, needed } = session;
  const open = [...session.open].filter((transfer) => transfer.start.isBlob).length;
  const totalBytes = kind === 'pull' ? [...needed.values()].reduce((sum, size) => sum + size, 0) : 0;
  return {
    id,
    kind,
    ...of,
    client: clientName(of.userAgent),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
    startedAt: new Date(startedAt).toISOString(),
    lastAt: new Date(lastAt).toISOString(),
    state: isActive ? 'active' : error === undefined ? 'done' : 'failed',
    ...(error === undefined ? {} : { error }),
    bytesIn: bytesIn(session),
    bytesOut: bytesOut(session),
    bytesPerSecond: rateOf(session),
    layers: {
      done: done.size,
      reused: [...reused].filter((each) => !done.has(each)).length,
      open,
      ...(needed.size === 0 ? {} : { total: needed.size }),
    },
    ...(totalBytes === 0 ? {} : { totalBytes }),
    isCancellable: open > 0,
  };
}
