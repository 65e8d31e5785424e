/**
 * What must be the same, whatever the way: a blob by any kind of push, a list by any size of page, HEAD and GET, TLS and plain
 * HTTP, before and after a restart. SAME_RUNS sets how many of each are tried, SAME_SEED repeats them.
 */
import assert from 'node:assert/strict';
import { createHash, hash } from 'node:crypto';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import { type Answer, request } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import {
  imageOf,
  ociManifest,
  openUpload,
  pushImage,
  putManifest,
  type Send,
  sender,
} from '../wire/support.ts';

const numRuns = Number(process.env['SAME_RUNS'] ?? 40);
const seed = Number(process.env['SAME_SEED'] ?? Date.now() % 2 ** 31);
const tags = Array.from({ length: 23 }, (_, at) => `${'abcdefg'[at % 7]}${at}`);

suite(`${numRuns} times what must be the same`, () => {
  const resources = new AsyncDisposableStack();
  let dataDir: string;
  let registry: TestRegistry;
  /** Paths whose answers do not change. */
  const paths: string[] = [];
  before(async () => {
    dataDir = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-same-'))).path;
    registry = await startRegistry({ dataDir });
    const send = sender(registry);
    for (let at = 0; at < 9; at++) await pushImage(send, `team${at}/app`, 'latest', { layers: [`${at}`] });
    const subject = await pushImage(send, 'lists/app', 'base', { layers: ['base'] });
    for (const tag of tags) await putManifest(send, 'lists/app', tag, imageOf(['base']));
    const about = { mediaType: ociManifest, digest: subject, size: Buffer.byteLength(imageOf(['base'])) };
    for (let at = 0; at < 7; at++) {
      const more = { subject: about, artifactType: `application/vnd.test.${at % 2}` };
      await pushImage(send, 'lists/app', `referrer${at}`, { layers: [`referrer ${at}`], more });
    }
    paths.push(
      '/v2/',
      '/v2/_catalog?n=4',
      '/v2/lists/app/tags/list?n=5&last=b',
      `/v2/lists/app/referrers/${subject}`,
      `/v2/lists/app/referrers/${subject}?artifactType=application/vnd.test.1`,
      `/v2/lists/app/manifests/${subject}`,
      ...tags.map((tag) => `/v2/lists/app/manifests/${tag}`),
      '/v2/lists/app/manifests/absent',
      '/v2/absent/app/manifests/latest',
      '/v2/absent/app/tags/list',
      `/v2/lists/app/blobs/sha256:${'0'.repeat(64)}`,
      `/v2/lists/app/blobs/sha256:${hash('sha256', 'base')}`,
      '/v2/lists/app/tags/list?n=x',
      '/v2/BAD/manifests/latest',
    );
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    await resources.disposeAsync();
  });

  test('a blob is the same, by whatever way it came', async (t) => {
    // Oracle: the bytes that were sent, and the first way.
    t.diagnostic(`SAME_SEED=${seed}`);
    let [count, run] = [0, 0];
    const bytesOf = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.nat({ max: 700_000 }), fc.nat())
        .map(([size, start]) => Uint8Array.from({ length: size }, (_, at) => (at * 31 + start) % 251)),
    );
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(bytesOf, cuts, async (drawn, places) => {
        const send = sender(registry);
        // The way decides, not what is there already.
        const bytes = Buffer.concat([Buffer.from(drawn), Buffer.from(`run ${run++}`)]);
        const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
        const answers: unknown[] = [];
        for (const [way, push] of Object.entries(ways)) {
          const name = `ways${run}/${way.replaceAll(' ', '-')}`;
          const pushed = await push({ send, name, digest, bytes, cuts: places, from: `ways${run}/one-post` });
          assert.equal(pushed.status, 201, `${way}: ${String(pushed.body)}`);
          const pulled = await send('GET', `/v2/${name}/blobs/${digest}`);
          assert.ok(pulled.status === 200 && pulled.body.equals(bytes), way);
          answers.push({
            ...lookOf(pulled),
            location: pushed.headers.location?.replace(name, 'NAME'),
          });
          count++;
        }
        for (const answer of answers) assert.deepEqual(answer, answers[0]);
      }),
      { numRuns: Math.ceil(numRuns / 5), seed },
    );
    t.diagnostic(`${count} pushes in ${Object.keys(ways).length} ways: 0 differences`);
  });

  test('a list is the same by pages of any size', async (t) => {
    // Oracle: the whole list in one page.
    const send = sender(registry);
    const lists = [
      { path: '/v2/lists/app/tags/list', items: 'tags' },
      { path: '/v2/_catalog', items: 'repositories' },
    ] as const;
    const whole = new Map<string, readonly string[]>();
    for (const { path, items } of lists) whole.set(path, (await readPages(send, path, items, 1000)).all);
    assert.equal(whole.get('/v2/lists/app/tags/list')?.length, tags.length + 8);
    let pages = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...lists),
        fc.integer({ min: 1, max: 40 }),
        fc.nat({ max: 40 }),
        async ({ path, items }, n, at) => {
          const all = whole.get(path) ?? [];
          const last = all[at];
          const expected = last === undefined ? all : all.slice(at + 1);
          const from = last === undefined ? path : `${path}?last=${encodeURIComponent(last)}`;
          const read = await readPages(send, from, items, n);
          assert.deepEqual(read.all, expected);
          assert.equal(read.pages, Math.max(1, Math.ceil(expected.length / n)));
          pages += read.pages;
        },
      ),
      { numRuns, seed },
    );
    t.diagnostic(`${numRuns} lists in ${pages} pages: 0 differences`);
  });

  test('HEAD is GET without the body, TLS is plain HTTP, and a restart changes nothing', async (t) => {
    let count = 0;
    const look = async (method: string, base: string, path: string) =>
      lookOf(
        await request(base, { method, path, ...(base.startsWith('https:') ? { ca: registry.ca } : {}) }),
      );
    const range = fc.option(fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 })), { nil: undefined });
    const former = new Map<string, unknown>();
    for (const path of paths) former.set(path, await look('GET', registry.plainUrl, path));
    const same = async (runs: number): Promise<void> => {
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...paths), fc.boolean(), range, async (path, isSecure, part) => {
          const base = isSecure ? registry.url : registry.plainUrl;
          assert.deepEqual(await look('GET', base, path), former.get(path), path);
          const { body: _, ...head } = former.get(path) as ReturnType<typeof lookOf>;
          const { body: __, ...seen } = await look('HEAD', base, path);
          // An error has no body to tell the length of where none is sent.
          assert.deepEqual(seen, head, `HEAD ${path}`);
          if (part !== undefined && path.includes('/blobs/')) {
            const headers = { range: `bytes=${part[0]}-${part[1]}` };
            const [plain, secure] = [
              lookOf(await request(registry.plainUrl, { path, headers })),
              lookOf(await request(registry.url, { path, headers, ca: registry.ca })),
            ];
            assert.deepEqual(plain, secure);
          }
          count++;
        }),
        { numRuns: runs, seed },
      );
    };

    await same(Math.ceil(numRuns / 2));
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await registry.kill(signal);
      registry = await startRegistry({ dataDir });
      for (const path of paths)
        assert.deepEqual(
          await look('GET', registry.plainUrl, path),
          former.get(path),
          `${path} after ${signal}`,
        );
      await same(Math.ceil(numRuns / 4));
    }
    t.diagnostic(`${count} answers by GET and HEAD, TLS and plain, over 2 restarts: 0 differences`);
    // What is compared can differ.
    assert.notDeepEqual(former.get(paths[1] ?? ''), former.get(paths[2] ?? ''));
  });
});

interface Push {
  readonly send: Send;
  readonly name: string;
  readonly digest: string;
  readonly bytes: Buffer;
  /** Where chunks end, as parts of the whole. */
  readonly cuts: readonly number[];
  /** A repository that has the blob. */
  readonly from: string;
}

/** Each way to bring a blob in; the last one takes it from the first. */
const ways: Readonly<Record<string, (push: Push) => Promise<Answer>>> = {
  'one post': ({ send, name, digest, bytes }) =>
    send('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes }),
  'post and put': async ({ send, name, digest, bytes }) =>
    send('PUT', `${await openUpload(send, name)}&digest=${digest}`, { body: bytes }),
  chunks: (push) => pushChunks(push, true),
  'a stream': (push) => pushChunks({ ...push, cuts: [] }, false),
  'chunks without ranges': (push) => pushChunks(push, false),
  mount: ({ send, name, digest, from }) =>
    send('POST', `/v2/${name}/blobs/uploads/?mount=${digest}&from=${from}`),
};

async function pushChunks({ send, name, digest, bytes, cuts }: Push, withRange: boolean): Promise<Answer> {
  let location = await openUpload(send, name);
  const ends = [...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length].toSorted((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    if (end === start) continue;
    const headers = withRange ? { 'content-range': `${start}-${end - 1}` } : {};
    const answer = await send('PATCH', location, { body: bytes.subarray(start, end), headers });
    assert.equal(answer.status, 202, String(answer.body));
    location = answer.headers.location ?? '';
    start = end;
  }
  return await send('PUT', `${location}&digest=${digest}`);
}

async function readPages(
  send: Send,
  path: string,
  items: string,
  n: number,
): Promise<{ readonly all: readonly string[]; readonly pages: number }> {
  const all: string[] = [];
  let [next, pages]: [string | undefined, number] = [`${path}${path.includes('?') ? '&' : '?'}n=${n}`, 0];
  while (next !== undefined) {
    const answer: Answer = await send('GET', next);
    assert.equal(answer.status, 200, String(answer.body));
    all.push(...((answer.json() as Record<string, string[]>)[items] ?? []));
    next = /^<([^>]*)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1];
    pages++;
    assert.ok(pages <= 100, 'the pages do not end');
  }
  return { all, pages };
}

/** What of an answer says something: not when it was given, nor for which request. */
function lookOf({ status, headers, body }: Answer) {
  const { date: _, 'x-request-id': __, connection: ___, 'keep-alive': ____, ...rest } = headers;
  return { status, headers: rest, body: String(body) };
}
