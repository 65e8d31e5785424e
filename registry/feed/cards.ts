/**
 * What clients do wrong, with what mends it: known signatures of refused requests and broken handshakes, one card for
 * each mistake of each client, however often it makes it. In memory, at most 100; the one that is silent for longest
 * makes room.
 */
import type { CardCode, CardRow } from '../spec/admin/activity.ts';
import { clientName } from '../spec/client-name.ts';
import { AppError, type ErrorCode } from '../spec/errors.ts';
import type { Feed } from './feed.ts';

/** A request that was refused, or a handshake that a client broke off. */
export interface Refusal {
  /** `untrusted` where the client does not accept the certificate. */
  readonly code: ErrorCode | 'untrusted';
  /** What the client was told, or what it meant. */
  readonly message: string;
  readonly address: string;
  readonly userAgent?: string | undefined;
  /** Who asked, or wanted to log in; empty for nobody. */
  readonly user?: string;
  readonly repository?: string | undefined;
  readonly tag?: string | undefined;
  readonly requestId: string;
  /** It would have changed something. */
  readonly isWrite?: boolean;
}

export interface Cards extends Disposable {
  /** Adds to the card of this mistake and client, if the mistake is one that has cards. */
  note(refusal: Refusal): void;
  /** The last that happened comes first. */
  list(): readonly CardRow[];
  /** @throws AppError CARD_UNKNOWN */
  dismiss(id: string): void;
}

const mostCards = 100;
const publishMs = 250;
/** A password can be mistyped; it is a mistake that lasts from the third time on, within ten minutes. */
const wrongPasswords = 3;
const forgetMs = 10 * 60 * 1000;

const codes: Partial<Record<Refusal['code'], CardCode>> = {
  untrusted: 'untrusted',
  HTTPS_NEEDED: 'plainHttp',
  UNAUTHORIZED: 'wrongPassword',
  TOO_MANY_LOGINS: 'wrongPassword',
  DENIED: 'noPermission',
  STORAGE_FULL: 'storageFull',
  HOST_DENIED: 'hostDenied',
  TAG_PROTECTED: 'tagProtected',
  MANIFEST_TOO_LARGE: 'uploadLimit',
  TOO_MANY_UPLOADS: 'uploadLimit',
};

/** Makes the cards of the process. `now` is the wall clock, in milliseconds since the epoch. */
export function createCards(feed: Pick<Feed, 'publish'>, now: () => number = Date.now): Cards {
  /** The one that happened last is last. */
  const cards = new Map<string, CardRow>();
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  function publish(): void {
    timer = undefined;
    for (const id of changed) {
      const card = cards.get(id);
      if (card !== undefined && isShown(card)) feed.publish({ kind: 'cardChanged', card });
    }
    changed.clear();
  }

  return {
    note(refusal) {
      const code = codes[refusal.code];
      if (code === undefined) return;
      const { address, userAgent, message, user, repository } = refusal;
      const client = userAgent === undefined ? undefined : clientName(userAgent);
      const id = [code, address, client ?? ''].join(' ');
      const at = now();
      const known = cards.get(id);
      const old = known !== undefined && at - Date.parse(known.lastAt) > forgetMs ? undefined : known;
      cards.delete(id);
      cards.set(id, {
        id,
        code,
        ...(client === undefined ? {} : { client }),
        address,
        ...(user === undefined || user === '' ? {} : { user }),
        ...(repository === undefined ? {} : { repository }),
        count: (old?.count ?? 0) + 1,
        firstAt: old?.firstAt ?? new Date(at).toISOString(),
        lastAt: new Date(at).toISOString(),
        message,
        action: actionOf(code, refusal),
      });
      if (cards.size > mostCards) {
        const [oldest = ''] = cards.keys();
        cards.delete(oldest);
      }
      changed.add(id);
      timer ??= setTimeout(publish, publishMs).unref();
    },
    list: () => [...cards.values()].filter(isShown).toReversed(),
    dismiss(id) {
      const card = cards.get(id);
      if (card === undefined || !isShown(card)) {
        throw new AppError('CARD_UNKNOWN', { message: 'There is no card of that id.' });
      }
      cards.delete(id);
      feed.publish({ kind: 'cardChanged', card, isDismissed: true });
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
    },
  };
}

function isShown({ code, count }: CardRow): boolean {
  return code !== 'wrongPassword' || count >= wrongPasswords;
}

/** The command that mends it, or shows what is to be changed. */
function actionOf(code: CardCode, { address, user = '', repository = '', tag }: Refusal): string {
  switch (code) {
    case 'untrusted':
      return isLoopback(address) ? 'berth trust add' : 'berth cert export-ca';
    case 'plainHttp':
      return 'berth cert export-ca';
    case 'wrongPassword':
      return user === '' ? 'berth user ls' : `berth user passwd ${quoted(user)}`;
    case 'noPermission':
      // A right password that may not open the control plane is about no repository.
      if (repository === '') return 'berth user ls';
      return user === ''
        ? 'berth login'
        : `berth user role ${quoted(user)} push --repositories ${repository}`;
    case 'storageFull':
      return 'berth gc';
    case 'tagProtected':
      return `berth history ${repository}${tag === undefined ? '' : `:${tag}`}`;
    case 'hostDenied':
    case 'uploadLimit':
      return 'berth config print';
    default:
      return code satisfies never;
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** A name that a client has made up must not be more than one word of a shell. */
function quoted(name: string): string {
  return /^[A-Za-z0-9._@][A-Za-z0-9._@-]*$/.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`;
}
