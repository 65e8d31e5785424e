/**
 * What is left of a registry whose power was cut: everything that was acknowledged, and nothing that is half of something.
 * POWER_CUTS_AFTER and POWER_CUTS_BETWEEN: how many, on each of POWER_FILE_SYSTEMS.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Manifest, pushImage, pushManifest } from '../compat/content.ts';
import { brokenFiles, isReadable, isStored, meaningOf, unreadableTags } from '../crash/tree.ts';
import { childEnv } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';
import { batches } from '../support/parallel.ts';
import { isAvailable, needs } from '../support/tools.ts';
import { type Disk, type FileSystem, fileSystems, openDisk } from './disk.ts';

const cutsAfter = Number(process.env['POWER_CUTS_AFTER'] ?? 3);
const cutsBetween = Number(process.env['POWER_CUTS_BETWEEN'] ?? 5);
const chosen = (process.env['POWER_FILE_SYSTEMS'] ?? 'ext4,xfs').split(',');
/** All that was pushed is read after each: on a disk of its own it does not become more and more. */
const cutsPerDisk = 25;
const name = 'team/app';
const dataOf = (disk: Disk): string => join(disk.path, 'data');
/** The disks are small. */
const env = { BERTH_STORAGE_RESERVE_BYTES: '1MiB', BERTH_STORAGE_RESERVE_PERCENT: '0' };

/** btrfs is for those who have its programs: no test of CI needs them. */
const needed = (fileSystem: FileSystem) =>
  fileSystem === 'btrfs' && !isAvailable('mkfs.btrfs')
    ? { skip: 'mkfs.btrfs (Debian package btrfs-progs) is not on this machine' }
    : needs('root', 'strace', 'mkfs.xfs', 'mkfs.ext4');

for (const fileSystem of fileSystems.filter((each) => chosen.includes(each))) {
  suite(`power cuts on ${fileSystem}`, needed(fileSystem), () => {
    test(`${cutsAfter} cuts right after the answer lose no push`, (t) => afterAnswers(t, fileSystem));
    test(`${cutsBetween} cuts in the middle leave each tag old or new`, (t) => inBetween(t, fileSystem));
    test('a registry whose fsync does nothing loses what it acknowledged', (t) => withoutSync(t, fileSystem));
  });
}

async function afterAnswers(t: TestContext, fileSystem: FileSystem): Promise<void> {
  for (const cuts of batches(cutsAfter, cutsPerDisk)) await cutAfterAnswers(fileSystem, cuts);
  t.diagnostic(`${cutsAfter} cuts on ${fileSystem} right after the answer: 0 acknowledged pushes lost`);
}

async function cutAfterAnswers(fileSystem: FileSystem, cuts: number): Promise<void> {
  await using disk = await openDisk(fileSystem);
  await using registry = await startRegistry({ dataDir: dataOf(disk), env });
  const pushed: string[] = [];
  for (let cut = 0; cut < cuts; cut++) {
    const image = await pushImage(registry.plainUrl, { name, tag: `t${cut % 3}`, layers: [`layer ${cut}`] });
    pushed.push(image.digest);

    await using left = await disk.cut();

    await checkLeft(left, { acknowledged: pushed, meanings: new Map([[`t${cut % 3}`, [image.digest]]]) });
  }
}

async function inBetween(t: TestContext, fileSystem: FileSystem): Promise<void> {
  const count = { moves: 0, pushes: 0 };
  for (const cuts of batches(cutsBetween, cutsPerDisk)) {
    const { moves, pushes } = await cutInBetween(fileSystem, cuts);
    count.moves += moves;
    count.pushes += pushes;
  }
  const did = `${count.moves} moves of tags and ${count.pushes} pushes`;
  t.diagnostic(
    `${cutsBetween} cuts on ${fileSystem} in the middle of ${did}: each tag old or new, 0 pushes lost`,
  );
  assert.ok(count.moves + count.pushes > cutsBetween, 'the cuts met writes');
}

async function cutInBetween(fileSystem: FileSystem, cuts: number) {
  await using disk = await openDisk(fileSystem);
  await using registry = await startRegistry({ dataDir: dataOf(disk), env });
  const url = registry.plainUrl;
  const images = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      pushImage(url, { name, tag: `image${at}`, layers: [`layer ${at}`] }),
    ),
  );
  const [taggers, pusher] = [['x', 'y'].map((tag) => createTagger(url, tag, images)), createPusher(url)];
  for (let cut = 0; cut < cuts; cut++) {
    const over = new AbortController();
    const working = [...taggers, pusher].map((each) => each.work(over.signal));
    await delay(5 + Math.random() * 145);
    const acknowledged = [...pusher.acknowledged];
    const since = taggers.map((tagger) => tagger.acknowledged());

    await using left = await disk.cut();

    const meanings = new Map(taggers.map(({ tag, from }, at) => [tag, from(since[at] ?? 0)]));
    over.abort();
    await Promise.all(working);
    await checkLeft(left, { acknowledged, meanings });
  }
  const moves = taggers.reduce((sum, tagger) => sum + tagger.acknowledged(), 0);
  return { moves, pushes: pusher.acknowledged.length };
}

/** The negative control: the same checks find what a missing fsync costs. */
async function withoutSync(t: TestContext, fileSystem: FileSystem): Promise<void> {
  const pushes = 10;
  await using disk = await openDisk(fileSystem);
  await using registry = await startRegistry({ dataDir: dataOf(disk), env });
  await using _ = await ignoreSyncs(registry.pid);
  let lost = 0;
  for (let push = 0; push < pushes; push++) {
    await pushImage(registry.plainUrl, { name, tag: `t${push}`, layers: [`layer ${push}`] });
    await using left = await disk.cut();
    if (!(await isStored(dataOf(left), name, `t${push}`))) lost++;
  }
  t.diagnostic(`without fsync ${lost} of ${pushes} are lost`);
  assert.ok(lost >= pushes - 1, `${lost} of ${pushes} were lost`);
}

async function checkLeft(
  left: Disk,
  expected: {
    readonly acknowledged: readonly string[];
    /** What each tag may mean. */
    readonly meanings: ReadonlyMap<string, readonly string[]>;
  },
): Promise<void> {
  const dataDir = dataOf(left);
  assert.deepEqual(await brokenFiles(dataDir), []);
  await using registry = await startRegistry({ dataDir, env });
  assert.deepEqual(await unreadableTags(registry.plainUrl, name), []);
  for (const [tag, allowed] of expected.meanings) {
    const meant = await meaningOf(dataDir, name, tag);
    assert.ok(allowed.includes(meant ?? 'nothing'), `${tag} means ${meant}, not one of ${allowed.join(' ')}`);
  }
  const lost: string[] = [];
  for (const digest of expected.acknowledged) {
    if (!(await isReadable(registry.plainUrl, name, digest))) lost.push(digest);
  }
  assert.deepEqual(lost, []);
}

/** Moves a tag from image to image. */
function createTagger(url: string, tag: string, images: readonly Manifest[]) {
  const sent: string[] = ['nothing'];
  let acknowledged = 0;
  return {
    tag,
    /** How many moves were acknowledged. */
    acknowledged: () => acknowledged,
    /** What the tag may mean that had so many moves acknowledged at some time. */
    from: (count: number): readonly string[] => sent.slice(count),
    async work(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        const image = images[sent.length % images.length];
        assert.ok(image);
        sent.push(image.digest);
        await pushManifest(url, name, tag, image);
        acknowledged++;
      }
    },
  };
}

function createPusher(url: string) {
  const acknowledged: string[] = [];
  return {
    acknowledged,
    async work(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        const { digest } = await pushImage(url, { name, layers: [`pushed ${acknowledged.length}`] });
        acknowledged.push(digest);
      }
    },
  };
}

/** Makes every fsync of a process succeed without doing anything. */
async function ignoreSyncs(pid: number): Promise<AsyncDisposable> {
  const inject = 'inject=fsync,fdatasync:retval=0';
  const strace = spawn('strace', ['-f', '-o', '/dev/null', '-e', inject, '-p', String(pid)], {
    env: childEnv(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(strace, 'close');
  for await (const text of strace.stderr.iterator({ destroyOnReturn: false })) {
    if (String(text).includes('attached')) break;
  }
  strace.stderr.resume();
  return {
    async [Symbol.asyncDispose]() {
      strace.kill('SIGINT');
      await ended;
    },
  };
}
