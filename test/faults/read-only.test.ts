/**
 * The data directory becomes read-only under load and writable again: pulls go on, pushes are refused in words, and then are
 * taken again by the same process. READ_ONLY_ROUNDS sets how often.
 */
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf, ociManifest, pushImage } from '../compat/content.ts';
import { brokenFiles, isReadable, unreadableTags } from '../crash/tree.ts';
import { request } from '../support/http.ts';
import { succeed } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

const rounds = Number(process.env['READ_ONLY_ROUNDS'] ?? 2);
const pushesPerState = 5;
const name = 'team/app';

test(
  `${rounds} times read-only and back under load: pulls go on, pushes are refused and then taken`,
  needs('root'),
  async (t) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-read-only-'));
    await using registry = await startRegistry({ dataDir: directory.path });
    const url = registry.plainUrl;
    const kept = await pushImage(url, { name, tag: 'kept', layers: ['kept'] });
    const pulls = { whole: 0, broken: 0 };
    const pushes = createPushes(url);
    const pull = async (): Promise<void> => {
      pulls[(await isReadable(url, name, kept.digest)) ? 'whole' : 'broken']++;
    };
    // Its pushes meet the moments in between, and may end in either way.
    await using load = startLoad([pull, pull, pushes.push, pushes.push]);
    const refused: string[] = [];
    const taken: string[] = [];
    for (let round = 0; round < rounds; round++) {
      {
        await using _ = await makeReadOnly(directory.path);
        for (let at = 0; at < pushesPerState; at++) refused.push(await pushes.push());
      }
      for (let at = 0; at < pushesPerState; at++) taken.push(await pushes.push());
    }
    await load.end();

    assert.deepEqual(
      { refused: [...new Set(refused)], taken: [...new Set(taken)], broken: pulls.broken },
      { refused: ['405 UNSUPPORTED'], taken: ['201'], broken: 0 },
    );
    assert.deepEqual([...new Set(pushes.outcomes)].toSorted(), ['201', '405 UNSUPPORTED']);
    assert.deepEqual(await brokenFiles(directory.path), []);
    assert.deepEqual(await unreadableTags(url, name), []);
    const lost: string[] = [];
    for (const tag of pushes.acknowledged) if (!(await isReadable(url, name, tag))) lost.push(tag);
    assert.deepEqual(lost, []);
    t.diagnostic(
      `${rounds} times read-only: ${pulls.whole} of ${pulls.whole + pulls.broken} pulls whole, ${refused.length} of ${refused.length} pushes refused with 405 UNSUPPORTED, then ${taken.length} of ${taken.length} taken; beside it ${pushes.outcomes.length} pushes, 0 acknowledged and lost`,
    );
  },
);

/** Does each act again and again, until it is ended or disposed. */
function startLoad(acts: readonly (() => Promise<unknown>)[]): AsyncDisposable & { end(): Promise<void> } {
  const over = new AbortController();
  const running = Promise.all(
    acts.map(async (act) => {
      while (!over.signal.aborted) await act();
    }),
  );
  const end = async (): Promise<void> => {
    over.abort();
    await running;
  };
  return { end, [Symbol.asyncDispose]: end };
}

/**
 * Lays the directory over itself, read-only, until it is disposed. A file system on which files are open for writing cannot be
 * made read-only by hand, as a failing disk does it; this stops every name that is opened, made or renamed.
 */
async function makeReadOnly(path: string): Promise<AsyncDisposable> {
  await using side = await mkdtempDisposable(join(tmpdir(), 'berth-read-only-side-'));
  // Read-only before it is there: nobody has a file open for writing through it.
  await succeed('mount', ['--bind', path, side.path]);
  try {
    await succeed('mount', ['-o', 'remount,bind,ro', side.path]);
    await succeed('mount', ['--bind', side.path, path]);
  } finally {
    await succeed('umount', [side.path]);
  }
  // Lazily: what is being read is still open.
  return { [Symbol.asyncDispose]: async () => void (await succeed('umount', ['--lazy', path])) };
}

function createPushes(url: string) {
  const outcomes: string[] = [];
  const acknowledged: string[] = [];
  let count = 0;

  /** Pushes an image with a new layer; answers `201`, or status and code of the first refusal. */
  async function push(): Promise<string> {
    const tag = `t${++count}`;
    const outcome = await pushParts(tag);
    outcomes.push(outcome);
    if (outcome === '201') acknowledged.push(tag);
    return outcome;
  }

  async function pushParts(tag: string): Promise<string> {
    const parts = [JSON.stringify({ tag }), `layer of ${tag}`];
    const [config, layer] = parts.map((bytes, at) => ({
      mediaType:
        at === 0 ? 'application/vnd.oci.image.config.v1+json' : 'application/vnd.oci.image.layer.v1.tar',
      digest: digestOf(bytes),
      size: bytes.length,
    }));
    for (const body of parts) {
      const path = `/v2/${name}/blobs/uploads/?digest=${digestOf(body)}`;
      const outcome = await send({ method: 'POST', path, body, type: 'application/octet-stream' });
      if (outcome !== '201') return outcome;
    }
    const body = JSON.stringify({ schemaVersion: 2, mediaType: ociManifest, config, layers: [layer] });
    return await send({ method: 'PUT', path: `/v2/${name}/manifests/${tag}`, body, type: ociManifest });
  }

  async function send({ type, ...rest }: { method: string; path: string; body: string; type: string }) {
    const answer = await request(url, { ...rest, headers: { 'content-type': type } });
    if (answer.status === 201) return '201';
    const { errors } = answer.json() as { errors: readonly [{ code: string }] };
    return `${answer.status} ${errors[0].code}`;
  }

  return { outcomes, acknowledged, push };
}
