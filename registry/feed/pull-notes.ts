/**
 * Pulls on their way into the audit, once they are over: the first of a user, client and image is noted then, those of
 * the ten minutes after it as one line with their number, so that a cluster that looks for news cannot fill the disk.
 * One that failed on the way is noted as that.
 */
import type { SessionRow } from '../spec/admin/activity.ts';
import type { AuditEvents } from '../spec/events.ts';
import { createFolding } from './folding.ts';

export interface PullNotes extends AsyncDisposable {
  note(session: SessionRow): void;
}

const foldMs = 10 * 60_000;

/** Disposing notes what was counted and not noted yet. */
export function createPullNotes(events: AuditEvents): PullNotes {
  const folding = createFolding(events, { foldMs });
  return {
    note({ user, userAgent, address, client, repository, tag, digest, error }) {
      const key = [user, client, address, repository, tag ?? digest, error].join('\0');
      folding.note(key, {
        kind: 'pulled',
        actor: { user, requestId: '', address, client: userAgent },
        repository,
        ...(tag === undefined ? {} : { tag }),
        ...(digest === undefined ? {} : { digest }),
        ...(error === undefined ? {} : { outcome: 'failed', detail: error }),
      });
    },
    [Symbol.asyncDispose]: () => folding[Symbol.asyncDispose](),
  };
}
