/**
 * The sessions of browsers. A session begins with a password and lasts as long as that password, the user and its role
 * do: it is judged like a Bearer token, at each use, whenever the files of the users are read anew, and four times a
 * second in between, since whoever only listens uses nothing.
 *
 *   logout    the browser said so             expired   7 days are over
 *   replaced  a login in its place, or 20     revoked   other password, user disabled or gone, files broken
 *   idle      not used for `idleMs`           demoted   no administrator any more
 *
 * They are in memory only, under the hash of their id: a restart ends them, and no file can leak them.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Log } from '../spec/log-record.ts';
import type { Auth } from './auth.ts';
import type { Caller, Proof } from './caller.ts';

export type SessionEnd = 'logout' | 'replaced' | 'idle' | 'expired' | 'revoked' | 'demoted';

export interface Session {
  readonly user: string;
  /** What a page of ours knows and no other can read. */
  readonly csrf: string;
  /** Counts as use. */
  touch(): void;
  /** Calls once with the reason, at once if it is over, unless the function that it answers was called before. */
  onEnd(listener: (why: SessionEnd) => void): () => void;
}

export interface Sessions extends Disposable {
  /** Begins a session, in place of the one with that id. The id that it answers is in no memory but the browser's. */
  open(
    login: { readonly user: string; readonly proof: Proof },
    replaced?: string,
  ): { readonly id: string; readonly session: Session };
  /** The session of an id and its caller, an administrator at this moment; counts as use. */
  find(id: string | undefined): Promise<{ readonly session: Session; readonly caller: Caller } | undefined>;
  /** The browser logs out. */
  close(id: string): void;
}

export interface SessionsOptions {
  readonly auth: Pick<Auth, 'present' | 'onChange'>;
  /** How long a session lasts that is not used. */
  readonly idleMs: () => number;
  readonly log: Log;
  /** Milliseconds since the epoch: a session ages while the computer sleeps. */
  readonly now?: () => number;
}

const longestMs = 7 * 24 * 60 * 60_000;
const checkEveryMs = 250;
/** More browsers than one person has; the one that was not used for longest goes. */
const mostPerUser = 20;

interface Entry {
  readonly key: string;
  readonly user: string;
  readonly proof: Proof;
  readonly openedAt: number;
  usedAt: number;
  over: SessionEnd | undefined;
  readonly listeners: Set<(why: SessionEnd) => void>;
  readonly session: Session;
}

/** A random text that cannot be guessed: 256 bits, 43 characters of base64url. */
function randomText(): string {
  return randomBytes(32).toString('base64url');
}

/** No session, until one is opened. Disposing it forgets all, and says nothing to anybody. */
export function createSessions({ auth, idleMs, log, now = Date.now }: SessionsOptions): Sessions {
  const entries = new Map<string, Entry>();
  let timer: NodeJS.Timeout | undefined;
  const stopListening = auth.onChange(() => void judgeAll());

  function add(user: string, proof: Proof): { readonly id: string; readonly entry: Entry } {
    const id = randomText();
    const listeners = new Set<(why: SessionEnd) => void>();
    const at = now();
    const session: Session = {
      user,
      csrf: randomText(),
      touch() {
        entry.usedAt = now();
      },
      onEnd(listener) {
        if (entry.over === undefined) listeners.add(listener);
        else listener(entry.over);
        return () => listeners.delete(listener);
      },
    };
    const key = keyOf(id);
    const entry: Entry = { key, user, proof, openedAt: at, usedAt: at, over: undefined, listeners, session };
    entries.set(key, entry);
    timer ??= setInterval(() => void judgeAll(), checkEveryMs).unref();
    return { id, entry };
  }

  function end(entry: Entry | undefined, why: SessionEnd): void {
    if (entry === undefined || entry.over !== undefined) return;
    entry.over = why;
    entries.delete(entry.key);
    if (entries.size === 0) stopTimer();
    log.info('sessionEnded', 'a browser session ended', {
      'auth.user.name': entry.user,
      reason: why,
      'age.seconds': Math.round((now() - entry.openedAt) / 1000),
    });
    for (const listen of entry.listeners) listen(why);
    entry.listeners.clear();
  }

  async function judge(entry: Entry): Promise<Caller | undefined> {
    const at = now();
    if (at - entry.openedAt >= longestMs) end(entry, 'expired');
    else if (at - entry.usedAt >= idleMs()) end(entry, 'idle');
    else {
      const caller = await auth.present(entry.user, entry.proof);
      if (caller === undefined) end(entry, 'revoked');
      else if (!caller.isAdmin) end(entry, 'demoted');
      else if (entry.over === undefined) return caller;
    }
    return undefined;
  }

  async function judgeAll(): Promise<void> {
    await Promise.all([...entries.values()].map(judge));
  }

  function stopTimer(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    open({ user, proof }, replaced) {
      if (replaced !== undefined) end(entries.get(keyOf(replaced)), 'replaced');
      const own = [...entries.values()].filter((each) => each.user === user);
      const oldest = own.toSorted((a, b) => a.usedAt - b.usedAt)[0];
      if (own.length >= mostPerUser) end(oldest, 'replaced');
      const { id, entry } = add(user, proof);
      return { id, session: entry.session };
    },
    async find(id) {
      const entry = id === undefined ? undefined : entries.get(keyOf(id));
      const caller = entry && (await judge(entry));
      if (entry === undefined || caller === undefined) return undefined;
      entry.session.touch();
      return { session: entry.session, caller };
    },
    close(id) {
      end(entries.get(keyOf(id)), 'logout');
    },
    [Symbol.dispose]() {
      stopListening();
      stopTimer();
      entries.clear();
    },
  };
}

function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}
