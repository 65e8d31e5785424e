/** Lists that are long. TAGS (default 50000), REPOSITORIES (10000) and REFERRERS (10000) are sizes. */
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type AdminClient, findRunning } from '../../registry/cli/client.ts';
import { connect, expect } from './client.ts';
import { faster, interleave, limited, percentile, type Row, timed } from './figures.ts';
import { findOthers } from './others.ts';
import { blobOf, manifestType } from './push.ts';
import { type Place, plain, type Server, startBerth, startOther } from './servers.ts';

const tags = Number(process.env['TAGS'] ?? 50_000);
const repositories = Number(process.env['REPOSITORIES'] ?? 10_000);
const referrers = Number(process.env['REFERRERS'] ?? 10_000);
const pageSize = 100;
/** Of what a page of a tenth costs: that much more, at most, counts as flat. */
const flat = 1.5;

/** Each size in a directory of its own, with a tenth of it in another. */
export async function measureLists(place: Place): Promise<readonly Row[]> {
  using root = mkdtempDisposableSync(join(tmpdir(), 'berth-bench-lists-'));
  const whole = join(root.path, 'whole');
  const tenth = join(root.path, 'tenth');
  makeLists(whole, { tags, repositories });
  makeLists(tenth, { tags: tags / 10, repositories: repositories / 10 });
  const lists = [
    { name: `tags, a page of ${pageSize} of ${tags}`, path: '/v2/bench/tags/tags/list' },
    { name: `repositories, a page of ${pageSize} of ${repositories}`, path: '/v2/_catalog' },
  ];

  await using started = new AsyncDisposableStack();
  const berth = started.use(await startBerth(place, plain, { dataDir: whole }));
  const small = started.use(await startBerth(place, plain, { dataDir: tenth }));
  const others: Server[] = [];
  // The layout of zot is another one.
  for (const other of findOthers().filter(({ id, program }) => id !== 'zot' && program !== undefined))
    others.push(started.use(await startOther(place, plain, other, { dataDir: whole })));
  await Promise.all([untilIndexed(berth), untilIndexed(small)]);

  const rows: Row[] = [];
  for (const { name, path } of lists) {
    const page = `${path}?n=${pageSize}`;
    for (const server of [berth, small, ...others]) await warmUp(server, page);
    // As a client lists: pages one after the other.
    const costs = await interleave([berth, ...others], async (server) => {
      const times = await pageTimes(server, page, 20);
      return times.reduce((sum, each) => sum + each, 0) / times.length;
    });
    const [whereWhole, whereTenth] = [await pageTimes(berth, page, 100), await pageTimes(small, page, 100)];
    const growth = percentile(whereWhole, 0.5) / percentile(whereTenth, 0.5);
    rows.push(
      faster(name, costs, 10),
      limited(`${name}, beside a tenth of them`, growth, { unit: 'x', atMost: flat }),
    );
  }
  return rows;
}

export async function measureReferrers(place: Place): Promise<readonly Row[]> {
  using root = mkdtempDisposableSync(join(tmpdir(), 'berth-bench-referrers-'));
  const subject = makeReferrers(root.path, referrers);
  await using berth = await startBerth(place, plain, { dataDir: root.path });
  await untilIndexed(berth);
  const page = `/v2/bench/signed/referrers/${subject}?n=${pageSize}`;
  await warmUp(berth, page);
  const times = await pageTimes(berth, page, 100);
  return [
    limited(
      `referrers, a page of ${pageSize} of ${referrers}, the 99th of 100 times`,
      percentile(times, 0.99) * 1000,
      { unit: 'ms', atMost: 20 },
    ),
  ];
}

const warmUpMs = 3000;

/** A process that has just started compiles what it runs: the first ten pages of Berth take up to 20 times of a later one. */
async function warmUp(server: Server, page: string): Promise<void> {
  const until = performance.now() + warmUpMs;
  while (performance.now() < until) await pageTimes(server, page, 50);
}

/** The seconds of each of so many pages, one after the other, from the first page on. */
async function pageTimes({ target }: Server, first: string, pages: number): Promise<readonly number[]> {
  using connection = await connect(target);
  const times: number[] = [];
  let path = first;
  for (let count = 0; count < pages; count += 1) {
    times.push(
      await timed(async () => {
        const { headers } = await expect(connection, { method: 'GET', path }, 200);
        path = /<([^>]+)>/.exec(headers.get('link') ?? '')?.[1] ?? first;
      }),
    );
  }
  return times;
}

/** Berth answers while its index is made, too: that is measured by `npm run bench -- scale`. */
async function untilIndexed(server: Server): Promise<void> {
  using client = await openAdmin(server);
  while ((await client.call('status.get', {})).index !== 'ready') await delay(100);
}

/** The control plane comes a moment after the first answer. */
export async function openAdmin({ dataDir }: Server): Promise<AdminClient & Disposable> {
  for (;;) {
    const client = await findRunning(dataDir);
    if (client !== undefined) return client;
    await delay(20);
  }
}

/** One image under all tags of a repository, and once in each of the repositories. */
export function makeLists(
  dataDir: string,
  count: { readonly tags: number; readonly repositories: number },
): void {
  const tree = openTree(dataDir);
  const image = tree.addImage({});
  tree.addRevision('bench/tags', image);
  for (let at = 0; at < count.tags; at += 1) tree.addTag('bench/tags', `t${at}`, image);
  for (let at = 0; at < count.repositories; at += 1) {
    const repository = `team${at % 97}/app${at}`;
    tree.addRevision(repository, image);
    tree.addTag(repository, 'latest', image);
  }
}

function makeReferrers(dataDir: string, count: number): string {
  const tree = openTree(dataDir);
  const subject = tree.addImage({});
  tree.addRevision('bench/signed', subject);
  tree.addTag('bench/signed', 'latest', subject);
  const descriptor = { mediaType: manifestType, digest: subject, size: 300 };
  for (let at = 0; at < count; at += 1) {
    const annotations = { 'org.example.number': String(at) };
    tree.addRevision('bench/signed', tree.addImage({ subject: descriptor, annotations }));
  }
  return subject;
}

/** Writes what distribution would have written, without its fsyncs. */
export function openTree(dataDir: string) {
  const base = join(dataDir, 'docker/registry/v2');
  const write = (path: string, content: string | Uint8Array): void => {
    mkdirSync(join(base, path, '..'), { recursive: true });
    writeFileSync(join(base, path), content);
  };

  function addBlob(text: string): { readonly digest: string; readonly size: number } {
    const { bytes, digest } = blobOf(Buffer.from(text));
    const hex = digest.slice(7);
    write(`blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, bytes);
    return { digest, size: bytes.length };
  }

  return {
    addBlob,
    /** A manifest whose only content is an empty config. */
    addImage(more: Readonly<Record<string, unknown>>): string {
      const config = { mediaType: 'application/vnd.oci.empty.v1+json', ...addBlob('{}') };
      const manifest = { schemaVersion: 2, mediaType: manifestType, config, layers: [config], ...more };
      return addBlob(JSON.stringify(manifest)).digest;
    },
    addRevision(repository: string, digest: string): void {
      const empty = blobOf(Buffer.from('{}')).digest;
      for (const [folder, each] of [
        ['_layers', empty],
        ['_manifests/revisions', digest],
      ] as const)
        write(`repositories/${repository}/${folder}/${each.replace(':', '/')}/link`, each);
    },
    addTag(repository: string, tag: string, digest: string): void {
      const folder = `repositories/${repository}/_manifests/tags/${tag}`;
      write(`${folder}/index/${digest.replace(':', '/')}/link`, digest);
      write(`${folder}/current/link`, digest);
    },
  };
}
