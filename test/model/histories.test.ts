/**
 * Eight clients put, read and delete few tags at once, and in every fifth history the registry is killed in the middle: what
 * they saw of each tag must be what one register could show. HISTORIES sets how many, HISTORY_OPERATIONS how long each is,
 * HISTORY_SEED repeats the choices (not what the clients meet).
 */
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf, ociManifest, pushImage } from '../compat/content.ts';
import { brokenFiles, unreadableTags } from '../crash/tree.ts';
import { type Answer, request, type RequestOptions } from '../support/http.ts';
import { batches, forEachOf } from '../support/parallel.ts';
import { startRegistry } from '../support/registry.ts';
import { isLinearizable, type Operation } from './linear.ts';

const histories = Number(process.env['HISTORIES'] ?? 5);
const operationsPerHistory = Number(process.env['HISTORY_OPERATIONS'] ?? 100);
const seed = Number(process.env['HISTORY_SEED'] ?? Date.now() % 2 ** 31);
/** All of a directory is read after a kill: in one of its own it does not become more and more. */
const historiesPerDirectory = 20;
const clients = 8;
const tags = ['one', 'two', 'three'];

test(`${histories} histories of ${operationsPerHistory} operations of ${clients} clients, kill -9 in every fifth: each tag is a register`, async (t) => {
  t.diagnostic(`HISTORY_SEED=${seed}`);
  const count = { operations: 0, open: 0, kills: 0, blobs: 0, control: 0 };
  await forEachOf(batches(histories, historiesPerDirectory).entries(), 2, ([batch, length]) =>
    runHistories(length, randomFrom(seed + batch), count),
  );
  t.diagnostic(
    `${histories} histories, ${count.operations} operations (${count.open} without an answer), ${count.kills} kills: 0 not linearizable; ${count.blobs} acknowledged blobs are there`,
  );
  assert.equal(count.control, 0, 'a last read of an old value is found');
});

interface Count {
  operations: number;
  /** Without an answer. */
  open: number;
  kills: number;
  blobs: number;
  /** Histories with a wrong read that was not found. */
  control: number;
}

async function runHistories(length: number, random: () => number, count: Count): Promise<void> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-histories-'));
  const dataDir = directory.path;
  await using stack = new AsyncDisposableStack();
  const start = async () => stack.use(await startRegistry({ dataDir }));
  let registry = await start();
  // Thousands of requests: on kept connections they take half the time.
  const agent = stack.adopt(new Agent({ keepAlive: true, maxSockets: clients }), (each) => each.destroy());
  const ask: Ask = (options) => request(registry.plainUrl, { agent, ...options });

  for (let at = 0; at < length; at++) {
    const name = `history${at}/app`;
    await pushImage(registry.plainUrl, { name, tag: 'base', layers: ['base'] });
    const killAfter = at % 5 === 0 ? Math.floor((0.2 + 0.6 * random()) * operationsPerHistory) : undefined;
    const observed = await observe({
      name,
      random,
      killAfter,
      ask,
      async restart() {
        await registry.kill('SIGKILL');
        const killedAt = performance.now();
        assert.deepEqual(await brokenFiles(dataDir), []);
        registry = await start();
        return killedAt;
      },
    });

    for (const [tag, history] of observed.histories) {
      assert.ok(isLinearizable(history), `${name}:${tag} is no register:\n${describe(history)}`);
      count.operations += history.length;
      count.open += history.filter(({ isOpen }) => isOpen).length;
      if (isLinearizable(withOldValue(history))) count.control++;
    }
    // What was answered with 201 is there, and what can be read is whole: the blobs of a manifest are among those.
    for (const path of [
      ...[...observed.blobs].map((digest) => `blobs/${digest}`),
      ...[...observed.manifests].map((digest) => `manifests/${digest}`),
    ]) {
      const { status, body } = await ask({ path: `/v2/${name}/${path}` });
      assert.deepEqual([status, path.endsWith(digestOf(body))], [200, true], path);
    }
    assert.deepEqual(await unreadableTags(registry.plainUrl, name), []);
    count.blobs += observed.blobs.size;
    if (killAfter !== undefined) count.kills++;
  }
}

type Ask = (options: RequestOptions) => Promise<Answer>;

interface Setup {
  readonly name: string;
  readonly random: () => number;
  /** After so many operations it is killed. */
  readonly killAfter: number | undefined;
  readonly ask: Ask;
  /** Kills the registry and starts it; answers when it was dead. */
  readonly restart: () => Promise<number>;
}

interface Observed {
  readonly histories: ReadonlyMap<string, readonly Operation[]>;
  /** Acknowledged ones. */
  readonly blobs: ReadonlySet<string>;
  readonly manifests: ReadonlySet<string>;
}

/** What clients did and saw, tag by tag; at the end each tag is read once more. */
async function observe({ name, random, killAfter, ask, restart }: Setup): Promise<Observed> {
  const recorded = new Map(tags.map((tag) => [tag, [] as Operation[]]));
  const [blobs, manifests] = [new Set<string>(), new Set<string>()];
  let [begun, restarting, deadAt] = [0, Promise.resolve(), 0];

  /** Runs one request; `undefined` where the kill took the answer. */
  async function attempt(options: RequestOptions): Promise<Answer | undefined> {
    return await ask(options).catch((error: unknown) => {
      if (killAfter === undefined) throw error;
      return undefined;
    });
  }

  async function record(
    tag: string,
    options: RequestOptions,
    understand: (answer: Answer | undefined) => Pick<Operation, 'kind'> & Partial<Operation>,
  ): Promise<Answer | undefined> {
    const startedAt = performance.now();
    const answer = await attempt(options);
    const answeredAt = performance.now();
    if (answer === undefined) await restarting;
    const endedAt = answer === undefined ? Math.max(deadAt, startedAt) : answeredAt;
    const operation = { ...understand(answer), startedAt, endedAt, isOpen: answer === undefined };
    recorded.get(tag)?.push(operation as Operation);
    return answer;
  }

  async function put(tag: string, path: string, layer: string): Promise<void> {
    const digest = digestOf(layer);
    const pushed = await attempt({
      method: 'POST',
      path: `/v2/${name}/blobs/uploads/?digest=${digest}`,
      body: layer,
    });
    if (pushed === undefined) return await restarting;
    assert.equal(pushed.status, 201, String(pushed.body));
    blobs.add(digest);
    const config = JSON.stringify({ layers: ['base'] });
    const bytes = JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: digestOf(config),
        size: config.length,
      },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: layer.length }],
    });
    const headers = { 'content-type': ociManifest };
    const answer = await record(tag, { method: 'PUT', path, body: bytes, headers }, () => ({
      kind: 'put',
      value: digestOf(bytes),
    }));
    if (answer === undefined) return;
    assert.equal(answer.status, 201, String(answer.body));
    manifests.add(digestOf(bytes));
  }

  async function read(tag: string, method: string, path: string): Promise<void> {
    const answer = await record(tag, { method, path }, (seen) => ({
      kind: 'read',
      value: seen?.status === 200 ? String(seen.headers['docker-content-digest']) : undefined,
    }));
    if (answer === undefined) return;
    assert.ok([200, 404].includes(answer.status), `${method} ${path}: ${answer.status}`);
    if (answer.status !== 200 || method === 'HEAD') return;
    assert.equal(digestOf(answer.body), answer.headers['docker-content-digest']);
    const { layers } = answer.json() as { layers: readonly [{ digest: string }] };
    const layer = await attempt({ method: 'HEAD', path: `/v2/${name}/blobs/${layers[0].digest}` });
    if (layer === undefined) return await restarting;
    assert.equal(layer.status, 200, 'the layer of a manifest that can be read');
  }

  async function remove(tag: string, path: string): Promise<void> {
    const answer = await record(tag, { method: 'DELETE', path }, (seen) => ({
      kind: 'delete',
      found: seen?.status === 202,
    }));
    if (answer !== undefined) assert.ok([202, 404].includes(answer.status), String(answer.body));
  }

  async function work(): Promise<void> {
    while (begun < operationsPerHistory) {
      begun++;
      if (begun === killAfter) {
        restarting = restart().then((at) => void (deadAt = at));
        // The others find out by themselves.
        await restarting;
        continue;
      }
      const tag = tags[Math.floor(random() * tags.length)] ?? '';
      const path = `/v2/${name}/manifests/${tag}`;
      const choice = random();
      if (choice < 0.4) await put(tag, path, `${name} ${begun}`);
      else if (choice < 0.85) await read(tag, choice < 0.65 ? 'GET' : 'HEAD', path);
      else await remove(tag, path);
    }
  }

  await Promise.all(Array.from({ length: clients }, work));
  for (const tag of tags) await read(tag, 'GET', `/v2/${name}/manifests/${tag}`);
  return { histories: recorded, blobs, manifests };
}

/** The same history, in which the last read saw what was put first. */
function withOldValue(history: readonly Operation[]): readonly Operation[] {
  const first = history.find(({ kind, isOpen }) => kind === 'put' && !isOpen);
  const last = history.at(-1);
  assert.ok(first?.kind === 'put' && last?.kind === 'read', 'too short for a control');
  return [...history.slice(0, -1), { ...last, value: first.value }];
}

function describe(history: readonly Operation[]): string {
  return history
    .toSorted((a, b) => a.startedAt - b.startedAt)
    .map((each) => JSON.stringify(each))
    .join('\n');
}

/** Numbers from 0 to 1 that a seed repeats: mulberry32. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
