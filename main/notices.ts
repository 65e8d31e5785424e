/** What people are notified of: a table over what happens. Others show it, and know nothing of the reasons. */
import type { CardRow, SessionRow } from '../registry/spec/admin/activity.ts';
import type { DiskRow } from '../registry/spec/admin/process.ts';
import type { FeedItem } from '../registry/spec/admin-api.ts';
import { formatBytes } from '../registry/cli/format.ts';
import type { NotificationKind } from './contract/preferences.ts';
import type { SupervisorState } from './supervisor.ts';

export type Happening =
  | { readonly kind: 'feed'; readonly item: FeedItem }
  | { readonly kind: 'pulled'; readonly row: Pick<SessionRow, 'repository' | 'tag' | 'bytesOut' | 'user'> }
  | { readonly kind: 'state'; readonly state: SupervisorState }
  /** The app began without a window. */
  | { readonly kind: 'startedHidden' }
  | { readonly kind: 'disk'; readonly disk: DiskRow }
  | { readonly kind: 'certificate'; readonly validTo: string }
  | { readonly kind: 'updateReady'; readonly version: string }
  /** A change of this computer was asked for, and was made or not. */
  | { readonly kind: 'change'; readonly isDone: boolean; readonly text: string };

/** What is told once, or once a day. */
export type Rarely = 'tray' | 'diskLow' | 'diskFull' | 'certificate';

export interface Circumstances {
  /** In ms since the epoch. */
  readonly now: number;
  readonly isFocused: boolean;
  readonly isWindowVisible: boolean;
  readonly isOn: (kind: NotificationKind) => boolean;
  readonly toldAt: Readonly<Partial<Record<Rarely, number>>>;
}

export interface Notice {
  readonly kind: NotificationKind;
  readonly title: string;
  readonly body: string;
  /** Where the window goes when it is clicked. */
  readonly hash: string;
  /** To be remembered, so that it is told no sooner again. */
  readonly rarely?: Rarely;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const certificateDays = 14;
const manyLogins = 5;
/** A registry that ends again and again says so no more often. */
const failureCalmMs = 10 * minuteMs;

/** Judges one thing after the other that happens; `undefined`: it is not worth a notification. */
export function createNotices(): (happening: Happening, circumstances: Circumstances) => Notice | undefined {
  const logins = createLoginCounter();
  let lastFailure: { readonly message: string; readonly at: number } | undefined;

  function judge(
    happening: Happening,
    { now, isFocused, isWindowVisible }: Circumstances,
  ): Notice | undefined {
    switch (happening.kind) {
      case 'feed':
        return judgeItem(happening.item, { now, isWindowVisible });
      case 'pulled': {
        const { repository, tag, bytesOut, user } = happening.row;
        if (isFocused) return undefined;
        const name = tag === undefined ? repository : `${repository}:${tag}`;
        const body = `${formatBytes(bytesOut)}, by ${user === '' ? 'somebody without a login' : user}.`;
        return { kind: 'pull', title: `${name} was pulled`, body, hash: '#/activity' };
      }
      case 'state': {
        const { state } = happening;
        if (state.kind !== 'waiting') return undefined;
        const { code, message, hint } = state.failure;
        if (lastFailure?.message === message && now - lastFailure.at < failureCalmMs) return undefined;
        lastFailure = { message, at: now };
        const hasCrashed = code === 'REGISTRY_ENDED';
        return {
          kind: 'failure',
          title: hasCrashed ? 'The registry has crashed' : 'The registry cannot start',
          body: `${message} ${hint}`.trim(),
          // The log of a registry that never ran has nothing to tell.
          hash: hasCrashed ? '#/logs' : '#/home',
        };
      }
      case 'startedHidden':
        return {
          kind: 'tray',
          title: 'Berth is running in the tray',
          body: 'Its menu has the address of the registry. Start Berth again to see the window.',
          hash: '#/home',
          rarely: 'tray',
        };
      case 'disk':
        return judgeDisk(happening.disk);
      case 'certificate': {
        const days = Math.ceil((Date.parse(happening.validTo) - now) / dayMs);
        if (days > certificateDays) return undefined;
        return {
          kind: 'certificate',
          title: days <= 0 ? 'The certificate has expired' : `The certificate expires in ${daysOf(days)}`,
          body: 'Clients refuse the registry when it is over. The settings show it, and renew it.',
          hash: '#/settings/certificate',
          rarely: 'certificate',
        };
      }
      case 'updateReady':
        return {
          kind: 'update',
          title: `Berth ${happening.version} is ready`,
          body: 'It is installed when you restart the app from its tray or its settings.',
          hash: '#/settings/desktop',
        };
      case 'change':
        // Who looks at the window has just seen it there.
        if (isFocused) return undefined;
        return {
          kind: 'change',
          title: happening.isDone ? 'The computer was changed' : 'The computer was not changed',
          body: happening.text,
          hash: '#/changes',
        };
      default:
        return happening satisfies never;
    }
  }

  function judgeItem(
    item: FeedItem,
    { now, isWindowVisible }: Pick<Circumstances, 'now' | 'isWindowVisible'>,
  ): Notice | undefined {
    const { kind, repository, tag, user = '', disk, card } = item;
    if (kind === 'diskChanged' && disk !== undefined) return judgeDisk(disk);
    if (kind === 'cardChanged' && card !== undefined) {
      const count = logins.add(item, card, now);
      return count === undefined
        ? undefined
        : {
            kind: 'logins',
            title: `${count} logins failed within a minute`,
            body: `The last came from ${card.address}${card.user === undefined ? '' : ` as ${card.user}`}.`,
            hash: '#/logs',
          };
    }
    if (kind === 'tagMoved' && repository !== undefined && tag !== undefined && !isWindowVisible)
      return {
        kind: 'push',
        title: `${repository}:${tag} was pushed`,
        body: user === '' ? '' : `By ${user}.`,
        hash: `#/repositories/${repository}`,
      };
    return undefined;
  }

  return (happening, circumstances) => {
    const notice = judge(happening, circumstances);
    if (notice === undefined || !circumstances.isOn(notice.kind)) return undefined;
    const { now, toldAt } = circumstances;
    const last = notice.rarely === undefined ? undefined : toldAt[notice.rarely];
    if (last === undefined) return notice;
    return notice.rarely !== 'tray' && now - last >= dayMs ? notice : undefined;
  };
}

function judgeDisk({ state, freeBytes, reserveBytes }: DiskRow): Notice | undefined {
  if (state === 'ok') return undefined;
  const free = freeBytes === undefined ? 'Little' : formatBytes(freeBytes);
  const needed = reserveBytes === undefined ? 'space' : formatBytes(reserveBytes);
  return state === 'full'
    ? {
        kind: 'disk',
        title: 'The disk is full: pushes are refused',
        body: `${free} is left. Pushes go on when ${needed} is free.`,
        hash: '#/storage',
        rarely: 'diskFull',
      }
    : {
        kind: 'disk',
        title: 'The disk of the registry runs full',
        body: `${free} is left.`,
        hash: '#/storage',
        rarely: 'diskLow',
      };
}

function daysOf(days: number): string {
  return days === 1 ? 'a day' : `${days} days`;
}

/** Counts logins that failed, over all clients, from the cards that count them for each. */
function createLoginCounter() {
  const counts = new Map<string, number>();
  let failed: readonly { readonly at: number; readonly count: number }[] = [];
  let toldAt = Number.NEGATIVE_INFINITY;

  return {
    /** The number within the last minute, when it has just become worth telling. */
    add({ isDismissed }: FeedItem, { id, code, count, firstAt }: CardRow, now: number): number | undefined {
      if (code !== 'wrongPassword') return undefined;
      if (isDismissed === true) {
        counts.delete(id);
        return undefined;
      }
      // A card that was there before this app looked has old failures in it.
      const known = counts.get(id) ?? (now - Date.parse(firstAt) < minuteMs ? 0 : count - 1);
      counts.set(id, count);
      failed = [...failed, { at: now, count: count - known }].filter(({ at }) => now - at < minuteMs);
      const sum = failed.reduce((total, each) => total + each.count, 0);
      if (sum < manyLogins || now - toldAt < minuteMs) return undefined;
      toldAt = now;
      return sum;
    },
  };
}
