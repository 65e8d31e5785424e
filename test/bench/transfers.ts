/** Large blobs, many small ones, and many clients at once. LARGE_MIB (default 1024) and BLOBS (default 1000) are sizes. */
import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { faster, interleave, notMore, plainNumber, type Row } from './figures.ts';
import { ask, type Blob, blobOf, fresh, push, pushImage, spread } from './push.ts';
import { type Mode, overTls, type Place, plain, type Server, startAll } from './servers.ts';

const MiB = 1024 * 1024;
const largeMib = Number(process.env['LARGE_MIB'] ?? 1024);
const parts = 8;
const smallBlobs = Number(process.env['BLOBS'] ?? 1000);
const clients = 100;

const modes: readonly (readonly [string, Mode])[] = [
  ['http', plain],
  ['TLS', overTls],
];
const shapes = [1, parts].map((count) => ({ count, name: `${count} x ${largeMib / count} MiB` }));

export async function measurePushes(place: Place): Promise<readonly Row[]> {
  const large = randomBytes(largeMib * MiB);
  const rows: Row[] = [];
  for (const [scheme, mode] of modes) {
    await using all = await startAll(place, mode);
    for (const { count, name } of shapes) {
      const costs = await interleave(all.servers, async ({ target, dataDir }) => {
        const blobs = cut(large, count).map(fresh);
        const seconds = await spread(target, count, blobs, (connection, blob) =>
          push(connection, 'bench/large', blob),
        );
        await removeLarge(dataDir);
        return seconds;
      });
      rows.push(
        faster(`push ${name}, ${scheme}`, costs, 1.2),
        notMore(`push ${name}, ${scheme}, processor`, costs, {
          value: ({ cpuSeconds }) => (cpuSeconds / largeMib) * 1024,
          format: (value) => `${plainNumber(value)} s/GiB`,
          atMost: 1,
        }),
      );
    }
  }
  return rows;
}

/**
 * Nobody asks for what was pushed any more. If it stayed, each push would fill memory that nothing was in before; a virtual
 * machine gets that from its host page by page, and who met more of it took twice the time of who met less.
 */
async function removeLarge(dataDir: string): Promise<void> {
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await stat(path)).size >= MiB) await rm(path);
  }
  // The journal of the file system ends the removal a moment later.
  await delay(300);
}

export async function measurePulls(place: Place): Promise<readonly Row[]> {
  const large = randomBytes(largeMib * MiB);
  const rows: Row[] = [];
  for (const [scheme, mode] of modes) {
    await using all = await startAll(place, mode);
    for (const { count, name } of shapes) {
      const blobs = cut(large, count).map(blobOf);
      for (const { target } of all.servers)
        await spread(target, 1, blobs, (connection, blob) => push(connection, 'bench/large', blob));
      const costs = await interleave(all.servers, ({ target }) =>
        spread(target, count, blobs, (connection, { digest }) =>
          ask(connection, `/v2/bench/large/blobs/${digest}`),
        ),
      );
      rows.push(faster(`pull ${name}, ${scheme}`, costs, 1));
    }
    // Who checks what it sends may have less to do for what it has sent before.
    const [part = large] = cut(large, parts);
    const costs = await interleave(all.servers, async ({ target }) => {
      const blob = fresh(part);
      await spread(target, 1, [blob], (connection) => push(connection, 'bench/large', blob));
      return await spread(target, 1, [blob], (connection, { digest }) =>
        ask(connection, `/v2/bench/large/blobs/${digest}`),
      );
    });
    rows.push(faster(`the first pull of 1 x ${largeMib / parts} MiB, ${scheme}`, costs, 1));
  }
  return [...rows, await measureManyPulls(place)];
}

/** An image of a config and five layers, pulled by all clients at once; each asks for one thing after the other. */
async function measureManyPulls(place: Place): Promise<Row> {
  await using all = await startAll(place, plain);
  const image = makeImage();
  for (const { target } of all.servers) await pushImage(target, 'bench/shared', image);
  return faster(
    `${clients} clients pull one image of 5 x 4 MiB`,
    await interleave(all.servers, (server) => pullAtOnce(server, image)),
    1.2,
  );
}

export function makeImage(): readonly [Blob, ...Blob[]] {
  return [blobOf(randomBytes(2000)), ...Array.from({ length: 5 }, () => blobOf(randomBytes(4 * MiB)))];
}

export async function pullAtOnce({ target }: Server, image: readonly Blob[]): Promise<number> {
  const paths = ['manifests/latest', ...image.map(({ digest }) => `blobs/${digest}`)];
  const jobs = Array.from({ length: clients }, () => paths);
  return await spread(target, clients, jobs, async (connection, each) => {
    for (const path of each) await ask(connection, `/v2/bench/shared/${path}`);
  });
}

export async function measureSmallBlobs(place: Place): Promise<readonly Row[]> {
  await using all = await startAll(place, plain);
  const costs = await interleave(all.servers, ({ target }) => {
    const blobs = Array.from({ length: smallBlobs }, () => blobOf(randomBytes(4096)));
    return spread(target, parts, blobs, (connection, blob) => push(connection, 'bench/small', blob));
  });
  return [faster(`push ${smallBlobs} x 4 KiB, ${parts} clients`, costs, 1.5)];
}

function cut(bytes: Buffer, count: number): readonly Buffer[] {
  const each = bytes.length / count;
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * each, (at + 1) * each));
}
