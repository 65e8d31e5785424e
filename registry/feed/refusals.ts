/**
 * Refused requests on their way into the audit: the first of a user and address is noted at once, those that follow
 * within a minute as one line with their number, so that guessing cannot fill the disk.
 */
import type { AuditEvents, AuditEvent } from '../spec/events.ts';
import type { Refusal } from './cards.ts';

export interface Refusals extends AsyncDisposable {
  note(refusal: Refusal): void;
}

const foldMs = 60_000;
const mostFolded = 1000;

interface Folded {
  readonly event: AuditEvent;
  count: number;
  timer: NodeJS.Timeout;
}

/** Disposing notes what was counted and not noted yet. */
export function createRefusals({ audited }: AuditEvents): Refusals {
  const folded = new Map<string, Folded>();
  const writing = new Set<Promise<void>>();

  function write(event: AuditEvent): void {
    const done = audited(event).finally(() => writing.delete(done));
    writing.add(done);
  }

  function close(key: string): void {
    const entry = folded.get(key);
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    folded.delete(key);
    if (entry.count > 0) write({ ...entry.event, count: entry.count });
  }

  return {
    note(refusal) {
      const event = eventOf(refusal);
      if (event === undefined) return;
      const { kind, actor, repository = '', detail = '' } = event;
      const key = [kind, actor.address, actor.user, repository, kind === 'loginFailed' ? '' : detail].join(
        '\0',
      );
      const known = folded.get(key);
      if (known !== undefined) {
        known.count += 1;
        return;
      }
      if (folded.size >= mostFolded) close([...folded.keys()][0] ?? '');
      folded.set(key, { event, count: 0, timer: setTimeout(() => close(key), foldMs).unref() });
      write(event);
    },
    async [Symbol.asyncDispose]() {
      for (const key of folded.keys()) close(key);
      await Promise.all(writing);
    },
  };
}

function eventOf({
  code,
  message,
  address,
  userAgent,
  user = '',
  repository,
  tag,
  requestId,
  isWrite,
}: Refusal): AuditEvent | undefined {
  const isLogin = code === 'UNAUTHORIZED' || code === 'TOO_MANY_LOGINS';
  const isRefused =
    isWrite === true && repository !== undefined && (code === 'DENIED' || code === 'TAG_PROTECTED');
  if (!isLogin && !isRefused) return undefined;
  return {
    kind: isLogin ? 'loginFailed' : 'writeRefused',
    outcome: 'failed',
    actor: { user, requestId, address, ...(userAgent === undefined ? {} : { client: userAgent }) },
    ...(repository === undefined ? {} : { repository }),
    ...(tag === undefined ? {} : { tag }),
    detail: message,
  };
}
