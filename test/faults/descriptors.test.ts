/**
 * A registry that may have few descriptors, under load: what it cannot do it refuses, what it acknowledged is there, no tag is
 * harmed, and it serves as before when it may have more. DESCRIPTOR_ROUNDS sets how often.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { pushImage } from '../compat/content.ts';
import { brokenFiles, isReadable, unreadableTags } from '../crash/tree.ts';
import { request } from '../support/http.ts';
import { succeed } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { openDescriptors } from '../support/vitals.ts';

const rounds = Number(process.env['DESCRIPTOR_ROUNDS'] ?? 5);
const fewest = 64;
const enough = 4096;
/** Of the fewest, how many the work may use: the others are connections that say nothing. */
const free = 8;
const name = 'team/app';

test(
  `${rounds} times ${fewest} descriptors under load, and then enough: no tag is harmed, and it goes on`,
  needs('prlimit'),
  async (t) => {
    await using registry = await startRegistry();
    const { plainUrl: url, pid, dataDir } = registry;
    const limit = (count: number) => succeed('prlimit', [`--pid=${pid}`, `--nofile=${count}:${enough}`]);
    const kept = await pushImage(url, { name, tag: 'kept', layers: ['kept'] });
    const acknowledged: string[] = [];
    const count = { pulled: 0, pushed: 0, refused: 0, cut: 0 };
    const other: string[] = [];

    async function pull(): Promise<void> {
      const path = `/v2/${name}/manifests/${kept.digest}`;
      const answer = await request(url, { path }).catch(() => undefined);
      if (answer === undefined) count.cut++;
      else if (answer.status === 503) count.refused++;
      else if (answer.status === 200 && answer.body.equals(kept.bytes)) count.pulled++;
      else other.push(`${answer.status} ${String(answer.body)}`);
    }

    async function push(tag: string): Promise<void> {
      try {
        acknowledged.push((await pushImage(url, { name, tag, layers: [tag] })).digest);
        count.pushed++;
      } catch (error) {
        if (!(error instanceof assert.AssertionError)) count.cut++;
        else if (error.actual === 503) count.refused++;
        else other.push(error.message);
      }
    }

    for (let round = 0; round < rounds; round++) {
      {
        using _ = await holdConnections(url, fewest - free - (await openDescriptors(pid)));
        await limit(fewest);
        await Promise.all([
          ...Array.from({ length: 24 }, pull),
          ...[0, 1, 2, 3, 4, 5, 6, 7].map((at) => push(`t${round}-${at}`)),
        ]);
        await limit(enough);
      }

      acknowledged.push(
        (await pushImage(url, { name, tag: `then${round}`, layers: [`then ${round}`] })).digest,
      );
      assert.ok(await isReadable(url, name, 'kept'));
    }

    assert.deepEqual([...new Set(other)], []);
    assert.deepEqual(await brokenFiles(dataDir), []);
    assert.deepEqual(await unreadableTags(url, name), []);
    const lost: string[] = [];
    for (const digest of acknowledged) if (!(await isReadable(url, name, digest))) lost.push(digest);
    assert.deepEqual(lost, []);
    t.diagnostic(
      `${rounds} times ${fewest} descriptors: ${count.pulled} pulls and ${count.pushed} pushes, ${count.refused} refused with 503, ${count.cut} connections cut; then ${rounds} of ${rounds} went on, 0 tags harmed`,
    );
    assert.ok(count.refused + count.cut > 0, 'the limit was met');
  },
);

/** Connections that say nothing; each takes a descriptor of the registry. */
async function holdConnections(url: string, count: number): Promise<Disposable> {
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: count }, () => connect(Number(port), hostname));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return {
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
