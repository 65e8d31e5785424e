/**
 * SIGTERM in the middle of chunked uploads: each goes on where it stood, in the process that follows. RESTART_ROUNDS sets how
 * often, with ten uploads each; RESTART_WITHIN_MS how long one may take that has nothing to wait for. Pushes of docker over a
 * restart: test/clients/docker.test.ts.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pushImage } from '../compat/content.ts';
import { type Answer, request, type RequestOptions } from '../support/http.ts';
import { startRegistry } from '../support/registry.ts';
import { digestOf, openUpload, sender } from '../wire/support.ts';
import { isReadable } from './tree.ts';

const rounds = Number(process.env['RESTART_ROUNDS'] ?? 2);
const withinMs = Number(process.env['RESTART_WITHIN_MS'] ?? 20_000);
const uploadsPerRound = 10;
/** Half of one is more than what is gathered before it is written. */
const chunkBytes = 3 * 1024 * 1024;
const name = 'team/app';
type Ask = (options: RequestOptions) => Promise<Answer>;

interface Upload {
  readonly bytes: Buffer;
  /** Where the next chunk goes to. */
  location: string;
  /** What the registry has answered to have. */
  acknowledged: number;
}

test(`${rounds} restarts in the middle of ${uploadsPerRound} chunked uploads each: all of them go on where they stood`, async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-restart-'));
  const dataDir = directory.path;
  await using stack = new AsyncDisposableStack();
  const start = async (listen: string) =>
    // What will not end is not waited for.
    stack.use(await startRegistry({ dataDir, listen, env: { REGISTRY_HTTP_DRAINTIMEOUT: '500ms' } }));
  let registry = await start('127.0.0.1:0');
  const listen = `127.0.0.1:${registry.port}`;
  const ask: Ask = (options) => request(registry.plainUrl, options);
  const backMs: number[] = [];
  let [resumed, inFlight, cut] = [0, 0, 0];

  for (let round = 0; round < rounds; round++) {
    const uploads = await Promise.all(
      Array.from({ length: uploadsPerRound }, async (): Promise<Upload> => {
        const location = await openUpload(sender(registry), name);
        const upload = { bytes: randomBytes(3 * chunkBytes), location, acknowledged: 0 };
        await sendChunk(ask, upload, chunkBytes);
        return upload;
      }),
    );
    // Half of a chunk is on its way when the signal comes, and the other half never comes.
    const half = uploads.map((upload) => sendHalf(ask, upload));
    while (
      !(await Promise.all(uploads.map((each) => standsAt(dataDir, each)))).every((at) => at > chunkBytes)
    )
      await delay(20);
    inFlight += uploads.length;
    const killedAt = performance.now();
    await registry.kill('SIGTERM');
    registry = await start(listen);
    backMs.push(performance.now() - killedAt);
    cut += (await Promise.all(half)).filter((answer) => answer?.status !== 202).length;

    for (const upload of uploads) {
      const status = await ask({ path: upload.location });
      assert.equal(status.status, 204, String(status.body));
      const stands = Number(/^0-(\d+)$/.exec(String(status.headers.range))?.[1]) + 1;
      assert.ok(stands >= upload.acknowledged, `${stands} of ${upload.acknowledged} acknowledged bytes`);
      upload.acknowledged = stands;
      upload.location = status.headers.location ?? upload.location;
      await sendChunk(ask, upload, upload.bytes.length - stands);
      const digest = digestOf(upload.bytes);
      const ended = await ask({ method: 'PUT', path: `${upload.location}&digest=${digest}` });
      assert.equal(ended.status, 201, String(ended.body));
      const pulled = await ask({ path: `/v2/${name}/blobs/${digest}` });
      assert.ok(pulled.body.equals(upload.bytes));
      resumed++;
    }
  }
  backMs.sort((a, b) => a - b);
  t.diagnostic(
    `${rounds} restarts: ${resumed} of ${inFlight} chunked uploads went on at their offset, ${cut} chunks were cut; it was back after ${Math.round(backMs.at(-1) ?? 0)} ms at most`,
  );
  assert.ok(cut > 0, 'the signal met chunks');
});

test('a stop waits for a blob that comes in one piece, and tells who sends a chunk to come again', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-restart-'));
  const dataDir = directory.path;
  await using stack = new AsyncDisposableStack();
  const start = async (listen: string) => stack.use(await startRegistry({ dataDir, listen }));
  let registry = await start('127.0.0.1:0');
  const ask: Ask = (options) => request(registry.plainUrl, options);
  const open = async (): Promise<Upload> => ({
    bytes: randomBytes(chunkBytes),
    location: await openUpload(sender(registry), name),
    acknowledged: 0,
  });
  const [chunk, whole] = [await open(), await open()];
  const chunkEnds = sendHalf(ask, chunk);
  const body = new PassThrough();
  body.write(whole.bytes.subarray(0, chunkBytes / 2));
  const wholeEnds = ask({
    method: 'PUT',
    path: `${whole.location}&digest=${digestOf(whole.bytes)}`,
    headers: { 'content-length': chunkBytes },
    body,
  });
  while ((await standsAt(dataDir, chunk)) === 0 || (await standsAt(dataDir, whole)) === 0) await delay(20);

  const stopped = registry.kill('SIGTERM');
  const told = await chunkEnds;
  body.end(whole.bytes.subarray(chunkBytes / 2));
  const stored = await wholeEnds;
  const { code } = await stopped;
  registry = await start(`127.0.0.1:${registry.port}`);

  assert.equal(told?.status, 503);
  assert.match(String(told.body), /"UNAVAILABLE".*is kept: resume the upload/);
  assert.deepEqual([stored.status, code], [201, 0]);
  const { headers } = await ask({ path: chunk.location });
  chunk.acknowledged = Number(/^0-(\d+)$/.exec(String(headers.range))?.[1]) + 1;
  assert.ok(chunk.acknowledged > 1, headers.range);
  chunk.location = headers.location ?? chunk.location;
  await sendChunk(ask, chunk, chunkBytes - chunk.acknowledged);
  const ended = await ask({ method: 'PUT', path: `${chunk.location}&digest=${digestOf(chunk.bytes)}` });
  assert.equal(ended.status, 201, String(ended.body));
});

test(`${rounds} restarts of a registry without requests take less than ${withinMs} ms each`, async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-restart-'));
  const dataDir = directory.path;
  await using stack = new AsyncDisposableStack();
  const start = async (listen: string) => stack.use(await startRegistry({ dataDir, listen }));
  let registry = await start('127.0.0.1:0');
  await pushImage(registry.plainUrl, { name, tag: 'v', layers: ['layer'] });
  const times: { readonly ended: number; readonly back: number }[] = [];

  for (let round = 0; round < rounds; round++) {
    const [asked, listen] = [performance.now(), `127.0.0.1:${registry.port}`];
    assert.equal((await registry.kill('SIGTERM')).code, 0);
    const ended = performance.now() - asked;
    registry = await start(listen);
    times.push({ ended, back: performance.now() - asked });
    assert.ok(await isReadable(registry.plainUrl, name, 'v'));
  }

  const most = (of: 'ended' | 'back'): number => Math.max(...times.map((each) => each[of]));
  t.diagnostic(
    `${rounds} restarts without requests: it had ended after ${most('ended').toFixed(0)} ms and was back after ${most('back').toFixed(0)} ms at most`,
  );
  assert.ok(most('back') < withinMs, `${most('back')} ms`);
});

/** Sends the next bytes as one chunk, which must be taken. */
async function sendChunk(ask: Ask, upload: Upload, length: number): Promise<void> {
  const { acknowledged: first, bytes } = upload;
  const answer = await ask({
    method: 'PATCH',
    path: upload.location,
    headers: { 'content-range': `${first}-${first + length - 1}` },
    body: bytes.subarray(first, first + length),
  });
  assert.equal(answer.status, 202, String(answer.body));
  assert.equal(answer.headers.range, `0-${first + length - 1}`);
  upload.acknowledged = first + length;
  upload.location = String(answer.headers.location);
}

/** Begins the next chunk and never ends it; answers what came of it, `undefined` for a connection that was cut. */
async function sendHalf(ask: Ask, { acknowledged: first, bytes, location }: Upload) {
  const body = new PassThrough();
  body.write(bytes.subarray(first, first + chunkBytes / 2));
  const headers = {
    'content-length': chunkBytes,
    'content-range': `${first}-${first + chunkBytes - 1}`,
  };
  return await ask({ method: 'PATCH', path: location, headers, body }).catch(() => undefined);
}

/** How much of an upload has reached its file. */
async function standsAt(dataDir: string, { location }: Upload): Promise<number> {
  const id = /uploads\/([^?]+)/.exec(location)?.[1] ?? '';
  const data = join(dataDir, `docker/registry/v2/repositories/${name}/_uploads/${id}/data`);
  return (await stat(data)).size;
}
