/** A large blob both ways in 128 MiB of memory, as in a small container. BLOB_MIB sets how large. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { run } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { openUpload, sender } from '../wire/support.ts';
import { limitMemory } from './memory-limit.ts';

const blobMib = Number(process.env['BLOB_MIB'] ?? 256);
const limitMib = 128;
const mib = 1024 * 1024;

test(
  `a blob of ${blobMib} MiB is pushed and pulled in ${limitMib} MiB of memory`,
  needs('root'),
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await mkdtempDisposable(join(tmpdir(), 'berth-memory-')));
    const limit = stack.use(await limitMemory(limitMib * mib));
    // Its end is awaited before the group goes.
    const registry = stack.use(await startRegistry({ dataDir: directory.path, starter: limit.starter }));
    const send = sender(registry);
    const hash = createHash('sha256');
    const location = await openUpload(send, 'big');

    const startedAt = performance.now();
    const patched = await send('PATCH', location, { body: Readable.from(pieces(hash)) });
    assert.equal(patched.status, 202, String(patched.body));
    const digest = `sha256:${hash.digest('hex')}`;
    const pushed = await send('PUT', `${patched.headers.location}&digest=${digest}`);
    assert.equal(pushed.status, 201, String(pushed.body));
    const pushedAt = performance.now();
    const pulled = await digestOfPull(`${registry.plainUrl}/v2/big/blobs/${digest}`);
    const pulledAt = performance.now();

    assert.deepEqual([pulled, await limit.ended()], [digest, 0]);
    const speed = (ms: number): number => Math.round((1000 * blobMib) / ms);
    t.diagnostic(
      `${blobMib} MiB in ${limitMib} MiB of memory: pushed at ${speed(pushedAt - startedAt)} MiB/s, pulled at ${speed(pulledAt - pushedAt)} MiB/s, 0 processes ended by the kernel`,
    );
  },
);

test('the limit ends who takes more', needs('root'), async () => {
  await using limit = await limitMemory(limitMib * mib);
  const [command, ...words] = [...limit.starter, process.execPath];

  const taken = await run(command, [...words, '-e', `Buffer.alloc(${2 * limitMib * mib}, 1)`]);

  assert.deepEqual([taken.signal, await limit.ended()], ['SIGKILL', 1]);
});

/** Bytes that differ from piece to piece, hashed on their way. */
function* pieces(hash: ReturnType<typeof createHash>): Generator<Buffer> {
  for (let sent = 0; sent < blobMib; sent++) {
    const piece = Buffer.alloc(mib, `piece ${sent} `);
    hash.update(piece);
    yield piece;
  }
}

async function digestOfPull(url: string): Promise<string> {
  const hash = createHash('sha256');
  const outgoing = get(url, { agent: false });
  const [response] = (await once(outgoing, 'response')) as [Readable];
  for await (const bytes of response as AsyncIterable<Buffer>) hash.update(bytes);
  return `sha256:${hash.digest('hex')}`;
}
