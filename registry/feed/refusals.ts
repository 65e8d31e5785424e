/**
 * Refused requests on their way into the audit: the first of a user and address is noted at once, those that follow
 * within a minute as one line with their number, so that guessing cannot fill the disk.
 */
import type { AuditEvents, AuditEvent } from '../spec/events.ts';
import type { Refusal } from './cards.ts';
import { createFolding } from './folding.ts';

export interface Refusals extends AsyncDisposable {
  note(refusal: Refusal): void;
}

const foldMs = 60_000;

/** Disposing notes what was counted and not noted yet. */
export function createRefusals(events: AuditEvents): Refusals {
  const folding = createFolding(events, { foldMs });
  return {
    note(refusal) {
      const event = eventOf(refusal);
      if (event === undefined) return;
      const { kind, actor, repository = '', detail = '' } = event;
      const of = [kind, actor.address, actor.user, repository, kind === 'loginFailed' ? '' : detail];
      folding.note(of.join('\0'), event);
    },
    [Symbol.asyncDispose]: () => folding[Symbol.asyncDispose](),
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
