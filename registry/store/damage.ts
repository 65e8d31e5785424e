/**
 * What was found damaged, one small file for each digest: it says what has to be pushed again, also after a restart, and
 * makes that push store its bytes although some may be in place.
 *
 *   found wrong ---> record ---> bytes to quarantine ---> HEAD 404 ---> pushed again ---> healed ---> record goes with
 *                                                                                                    the next scrub
 * A crash after the record leaves the damaged bytes in place: they are never served whole, and whoever reads them next
 * puts them aside. What a record says is compared with the disk each time it is shown.
 */
import type { Driver } from '../driver/driver.ts';
import type { Page } from '../spec/admin/arguments.ts';
import type { DamageState } from '../spec/admin/integrity.ts';
import { algorithms, type Digest, parseDigest } from '../spec/digest.ts';
import type { StoreEvents } from '../spec/events.ts';
import { parseRepoName, type RepoName } from '../spec/names.ts';
import { hasLink } from './links.ts';
import { blobData, damagedRecord, damagedTree, layerLink, quarantined, revisionLink } from './paths.ts';

/** How it was found. */
export interface DamageFound {
  readonly digest: Digest;
  /**
   * `quarantined`: other bytes, which were put aside. `missing`: needed, and no bytes. `unlinked`: stored, and not to be
   * read in the repositories that need it. `unreadable`: the disk refused to give the bytes, which are left in place.
   */
  readonly state: Exclude<DamageState, 'healed'>;
  /** Bytes that were there. */
  readonly size: number;
  /** The digest that the bytes have. */
  readonly found?: Digest | undefined;
  /** Where it is needed, as far as the finder knows. */
  readonly repositories: readonly RepoName[];
}

export interface DamageRecord extends Omit<DamageFound, 'state'> {
  /** What is the case now. */
  readonly state: DamageState;
  /** When it was found first; RFC 3339. */
  readonly at: string;
}

export interface Damage {
  /** Notes a finding, durably; answers false for what is known already. */
  note(found: DamageFound): Promise<boolean>;
  /** True while a push of the digest must store its bytes, whatever is in place. */
  needsBytes(digest: Digest): Promise<boolean>;
  /** Notes that good bytes are in place, and drops those in quarantine. */
  heal(digest: Digest, size: number): Promise<void>;
  /** Drops a record, and the bytes in quarantine; answers false when there was none. */
  forget(digest: Digest): Promise<boolean>;
  find(digest: Digest): Promise<DamageRecord | undefined>;
  /** Every record, in the order of the digests. */
  all(): AsyncIterable<DamageRecord>;
  /** The records in the order of the digests, those after `after` only. */
  list(options: { readonly after?: string | undefined; readonly limit: number }): Promise<Page<DamageRecord>>;
  /** Bytes in quarantine. */
  quarantinedBytes(): Promise<number>;
}

interface Stored extends DamageFound {
  readonly at: string;
  readonly healedAt?: string;
}

const recordLimit = 1024 * 1024;

export function createDamage({
  driver,
  events,
  now,
}: {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly now: () => number;
}): Damage {
  async function read(digest: Digest): Promise<Stored | undefined> {
    const bytes = await driver.readSmall(damagedRecord(digest), { limit: recordLimit });
    return bytes === undefined ? undefined : parseRecord(digest, new TextDecoder().decode(bytes));
  }

  async function write(record: Stored): Promise<void> {
    await driver.write(damagedRecord(record.digest), new TextEncoder().encode(JSON.stringify(record)));
  }

  async function note(found: DamageFound): Promise<boolean> {
    const old = await read(found.digest);
    const known = old?.healedAt === undefined ? old : undefined;
    const repositories = [...new Set([...(known?.repositories ?? []), ...found.repositories])].toSorted();
    const isKnown =
      known !== undefined &&
      known.repositories.length === repositories.length &&
      // What is in quarantine is missing, too.
      (known.state === found.state || (known.state === 'quarantined' && found.state === 'missing'));
    if (isKnown) return false;
    const state = known?.state === 'quarantined' && found.state === 'missing' ? known.state : found.state;
    const at = known?.at ?? new Date(now()).toISOString();
    await write({ ...known, ...found, state, size: found.size || (known?.size ?? 0), repositories, at });
    return known === undefined;
  }

  async function needsBytes(digest: Digest): Promise<boolean> {
    // Asked of every blob that is pushed: a look costs less than to open what is hardly ever there.
    if ((await driver.stat(damagedRecord(digest))) === undefined) return false;
    const record = await read(digest);
    return record !== undefined && record.healedAt === undefined && record.state !== 'unlinked';
  }

  async function heal(digest: Digest, size: number): Promise<void> {
    const record = await read(digest);
    if (record === undefined) return;
    await write({ ...record, healedAt: new Date(now()).toISOString() });
    await driver.remove(quarantined(digest));
    events.blobHealed({ digest, size });
  }

  async function forget(digest: Digest): Promise<boolean> {
    if ((await driver.stat(damagedRecord(digest))) === undefined) return false;
    // The record last: a crash in between must not leave bytes that nobody knows of.
    await driver.remove(quarantined(digest));
    await driver.remove(damagedRecord(digest));
    return true;
  }

  async function find(digest: Digest): Promise<DamageRecord | undefined> {
    const record = await read(digest);
    if (record === undefined) return undefined;
    const { healedAt: _, ...shown } = record;
    return { ...shown, state: await stateOf(record) };
  }

  async function stateOf({ digest, state, at, healedAt, repositories }: Stored): Promise<DamageState> {
    if (healedAt !== undefined) return 'healed';
    const info = await driver.stat(blobData(digest));
    if (info === undefined) return state === 'quarantined' ? state : 'missing';
    if (state === 'unlinked') return (await areLinked(digest, repositories)) ? 'healed' : state;
    // Stored by somebody else, such as distribution on the same directory.
    return state === 'missing' || info.modifiedAt > Date.parse(at) ? 'healed' : state;
  }

  async function areLinked(digest: Digest, repositories: readonly RepoName[]): Promise<boolean> {
    for (const name of repositories) {
      const links = [layerLink(name, digest), revisionLink(name, digest)];
      const found = await Promise.all(links.map((key) => hasLink(driver, key)));
      if (!found.includes(true)) return false;
    }
    return true;
  }

  async function* digests(after = ''): AsyncIterable<Digest> {
    for (const algorithm of algorithms) {
      for await (const { name } of driver.list(`${damagedTree}/${algorithm}`)) {
        const digest = parseDigest(`${algorithm}:${name.replace(/\.json$/, '')}`);
        if (digest !== undefined && digest > after) yield digest;
      }
    }
  }

  async function* all(): AsyncIterable<DamageRecord> {
    for await (const digest of digests()) {
      const record = await find(digest);
      if (record !== undefined) yield record;
    }
  }

  async function list({ after, limit }: Parameters<Damage['list']>[0]): Promise<Page<DamageRecord>> {
    const total = (await Array.fromAsync(digests())).length;
    const rows: DamageRecord[] = [];
    for await (const digest of digests(after)) {
      if (rows.length === limit) return { rows, total, next: rows.at(-1)?.digest ?? digest };
      const record = await find(digest);
      if (record !== undefined) rows.push(record);
    }
    return { rows, total };
  }

  async function quarantinedBytes(): Promise<number> {
    let bytes = 0;
    for await (const digest of digests()) bytes += (await driver.stat(quarantined(digest)))?.size ?? 0;
    return bytes;
  }

  return { note, needsBytes, heal, forget, find, all, list, quarantinedBytes };
}

const states = ['quarantined', 'missing', 'unlinked', 'unreadable'] as const;

/** A record that cannot be read says only that something was damaged. */
function parseRecord(digest: Digest, text: string): Stored {
  let value: Partial<Record<keyof Stored, unknown>>;
  try {
    value = Object(JSON.parse(text)) as typeof value;
  } catch {
    // Its digest, which is its name, is what a push needs to know.
    value = {};
  }
  const { state, size, found, repositories, at, healedAt } = value;
  const names = Array.isArray(repositories) ? repositories.map((each) => parseRepoName(String(each))) : [];
  return {
    digest,
    state: states.find((each) => each === state) ?? 'quarantined',
    size: typeof size === 'number' ? size : 0,
    found: typeof found === 'string' ? parseDigest(found) : undefined,
    repositories: names.filter((each) => each !== undefined),
    at: typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? at : new Date(0).toISOString(),
    ...(typeof healedAt === 'string' ? { healedAt } : {}),
  };
}
