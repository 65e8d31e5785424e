/**
 * The ledger of changes: what was planned, done, taken back and undone on this computer, append-only.
 *
 *   <root>/berth/changes/ledger.ndjson     one record a line, each durable before the next step is taken
 *   <root>/berth/changes/<id>.before       the bytes of before, until the change is undone
 *   <root>/berth/changes/lock              held while a change is applied or undone
 *
 * A change has the records planned, then applied or rolledBack, then perhaps undoing and undone. planned is written
 * before the computer is touched, so that whatever a crash leaves can be found and undone.
 */
import { open, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileLock } from '../../../registry/disk/file-lock.ts';
import {
  makePrivateDirectory,
  replaceFile,
  syncDirectory,
  systemCode,
  unusable,
} from '../../../registry/disk/private-file.ts';
import { AppError } from '../../../registry/spec/errors.ts';
import type { Change } from '../change.ts';

export type LedgerRecord = {
  /** RFC 3339. */
  readonly at: string;
  /** `c1`, `c2` ... in the order of planning. */
  readonly id: string;
} & (
  | {
      readonly event: 'planned';
      readonly change: Change;
      /** The user of the computer who agreed. */
      readonly by: string;
      /** Folders that the change makes, outermost first; undoing removes them when they are empty. */
      readonly folders: readonly string[];
    }
  | { readonly event: 'applied' }
  | { readonly event: 'rolledBack'; readonly reason: string }
  /** Undoing takes several writes; `interim` are the SHA-256 of the bytes in between. */
  | { readonly event: 'undoing'; readonly interim: readonly string[] }
  | { readonly event: 'undone' }
);

/** A change with what became of it. */
export interface LedgerEntry {
  readonly id: string;
  readonly change: Change;
  readonly by: string;
  readonly plannedAt: string;
  readonly folders: readonly string[];
  /** `planned`: a crash came between; the place itself tells what was done. */
  readonly state: 'planned' | 'applied' | 'rolledBack' | 'undoing' | 'undone';
  readonly changedAt: string;
  /** Why it was rolled back. */
  readonly reason: string | undefined;
  readonly interim: readonly string[];
}

export interface Ledger {
  /** All changes, the oldest first. */
  readonly entries: readonly LedgerEntry[];
  /** Adds a change and answers its id. Keeps `before` until `forget`. Durable. */
  plan(planned: {
    readonly change: Change;
    readonly by: string;
    readonly folders: readonly string[];
    readonly before: Uint8Array | undefined;
  }): Promise<string>;
  /** Durable. */
  append(id: string, record: Outcome): Promise<void>;
  /** The bytes of before, `undefined` when there was nothing. */
  readBefore(entry: LedgerEntry): Promise<Buffer | undefined>;
  /** Drops the bytes of before: nothing needs them any more. */
  forget(id: string): Promise<void>;
}

export type Outcome =
  | { readonly event: 'applied' | 'undone' }
  | { readonly event: 'rolledBack'; readonly reason: string }
  | { readonly event: 'undoing'; readonly interim: readonly string[] };

/** Reads the changes of a data directory, the oldest first; none where there is no ledger. Throws DATA_UNUSABLE. */
export async function readLedger(root: string): Promise<readonly LedgerEntry[]> {
  return fold(parse((await readText(ledgerFile(root))) ?? ''));
}

/** True for the state of a change that may still have something in place. */
export function isOpen(state: LedgerEntry['state']): boolean {
  return state !== 'undone' && state !== 'rolledBack';
}

/** The entry of an id. Throws CHANGE_UNKNOWN. */
export function getEntry(entries: readonly LedgerEntry[], id: string): LedgerEntry {
  const entry = entries.find((each) => each.id === id);
  if (entry === undefined) throw new AppError('CHANGE_UNKNOWN', { message: `There is no change "${id}".` });
  return entry;
}

/** Runs an edit while no other process changes or undoes anything under this data directory. Throws DATA_UNUSABLE. */
export async function withLedger<T>(root: string, edit: (ledger: Ledger) => Promise<T>): Promise<T> {
  const folder = ledgerFolder(root);
  await makePrivateDirectory(folder);
  return await withFileLock(join(folder, 'lock'), async () => edit(await openLedger(root)));
}

async function openLedger(root: string): Promise<Ledger> {
  const file = ledgerFile(root);
  await dropTornLine(file);
  const records = [...parse((await readText(file)) ?? '')];
  const add = async (record: LedgerRecord): Promise<void> => {
    await appendLine(file, JSON.stringify(record));
    records.push(record);
  };
  return {
    get entries() {
      return fold(records);
    },
    async plan({ change, by, folders, before }) {
      const id = `c${new Set(records.map((record) => record.id)).size + 1}`;
      if (before !== undefined) {
        await replaceFile(beforeFile(root, id), before, {
          temp: (target) => `${target}.tmp`,
          mode: () => 0o600,
        });
      }
      await add({ at: now(), id, event: 'planned', change, by, folders });
      return id;
    },
    append: (id, outcome) => add({ at: now(), id, ...outcome }),
    async readBefore({ id, change }) {
      if (change.before === undefined) return undefined;
      try {
        return await readFile(beforeFile(root, id));
      } catch (error) {
        throw unusable(`Cannot read the backup "${beforeFile(root, id)}"`, error);
      }
    },
    forget: (id) => rm(beforeFile(root, id), { force: true }),
  };
}

function ledgerFolder(root: string): string {
  return join(root, 'berth', 'changes');
}

function ledgerFile(root: string): string {
  return join(ledgerFolder(root), 'ledger.ndjson');
}

/** The backup of a change, for messages. */
export function beforeFile(root: string, id: string): string {
  return join(ledgerFolder(root), `${id}.before`);
}

function now(): string {
  return new Date().toISOString();
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unusable(`Cannot read "${file}"`, error);
  }
}

/** A line without an end was cut off by a crash, before anything was done on its account. */
function parse(text: string): readonly LedgerRecord[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerRecord);
}

function fold(records: readonly LedgerRecord[]): readonly LedgerEntry[] {
  const entries = new Map<string, LedgerEntry>();
  for (const record of records) {
    const { id, at } = record;
    if (record.event === 'planned') {
      const { change, by, folders } = record;
      const fresh = {
        state: 'planned',
        plannedAt: at,
        changedAt: at,
        reason: undefined,
        interim: [],
      } as const;
      entries.set(id, { id, change, by, folders, ...fresh });
      continue;
    }
    const entry = entries.get(id);
    if (entry === undefined) continue;
    entries.set(id, {
      ...entry,
      state: record.event,
      changedAt: at,
      ...(record.event === 'rolledBack' ? { reason: record.reason } : {}),
      ...(record.event === 'undoing' ? { interim: record.interim } : {}),
    });
  }
  return [...entries.values()];
}

async function dropTornLine(file: string): Promise<void> {
  const bytes = await readFile(file).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw unusable(`Cannot read "${file}"`, error);
  });
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) await truncate(file, end);
}

async function appendLine(file: string, line: string): Promise<void> {
  try {
    await using handle = await open(file, 'a', 0o600);
    await handle.writeFile(`${line}\n`);
    await handle.sync();
    await syncDirectory(join(file, '..'));
  } catch (error) {
    throw unusable(`Cannot write "${file}"`, error);
  }
}
