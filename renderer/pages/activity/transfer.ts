/** A client session in words. */
import type { SessionRow } from '../../../registry/spec/admin/activity.ts';

/** `6 done, 3 reused, 1 uploading`. */
export function layersOf({ kind, layers: { done, reused, open, total } }: SessionRow): string {
  const parts = [
    done > 0 ? `${done}${kind === 'pull' && total !== undefined ? ` of ${total}` : ''} done` : '',
    reused > 0 ? `${reused} reused` : '',
    open > 0 ? `${open} ${kind === 'push' ? 'uploading' : 'downloading'}` : '',
  ].filter((part) => part !== '');
  return parts.join(', ');
}

/** What moved, in the direction of the session. */
export function movedBytes({ kind, bytesIn, bytesOut }: SessionRow): number {
  return kind === 'push' ? bytesIn : bytesOut;
}

/** 0 to 100 of a pull; `undefined` where nobody knows what is still to come, as in a push. */
export function percentOf({ kind, bytesOut, totalBytes }: SessionRow): number | undefined {
  if (kind === 'push' || totalBytes === undefined || totalBytes === 0) return undefined;
  return Math.min(100, Math.floor((bytesOut / totalBytes) * 100));
}

/** `0:04`, `1:02:09`: from the start to now, or to the end. */
export function elapsedOf({ state, startedAt, lastAt }: SessionRow, now: number): string {
  const end = state === 'active' ? now : Date.parse(lastAt);
  const seconds = Math.max(0, Math.floor((end - Date.parse(startedAt)) / 1000));
  const pad = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60) % 60;
  const hours = Math.floor(seconds / 3600);
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/** What it is about: `team/api:1.4`, or as much of that as is known. */
export function nameOf({ repository, tag }: SessionRow): string {
  return tag === undefined ? repository : `${repository}:${tag}`;
}

/** Sessions that run, and those that ended less than a minute ago. */
export function recentOf(rows: readonly SessionRow[], now: number): readonly SessionRow[] {
  return rows.filter(({ state, lastAt }) => state === 'active' || now - Date.parse(lastAt) < 60_000);
}
