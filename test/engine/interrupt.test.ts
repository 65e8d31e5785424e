/**
 * kill -9 at random moments of applying and undoing: daemon.json and certs.d are old or new, never a mix, and undoing
 * what the ledger knows gives back every byte. BERTH_KILLS sets how many kills of each kind.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { undoChange } from '../../main/engine/changes/apply.ts';
import { isOpen, readLedger } from '../../main/engine/changes/ledger.ts';
import { childEnv } from '../support/process.ts';
import { certificate, certificateFile, contextOf, daemonJson, editedDaemonJson } from './interrupt-plan.ts';

const kills = Number(process.env['BERTH_KILLS'] ?? 200);

/** With the key, without it, and with no room around anything: each has another way back. */
const originals = [
  '{\n  "log-driver": "json-file"\n}\n',
  '{\r\n\t"insecure-registries": ["10.0.0.5:5000"],\r\n\t"debug": true\r\n}',
  '{}',
];

const phases = ['apply', 'undo'] as const;
type Phase = (typeof phases)[number];

for (const phase of phases) {
  test(`${kills} kills in the middle of ${phase} leave old or new, and undoing gives back every byte`, async () => {
    const withinMs = 1.5 * (await timePhase(phase));
    // Two at a time: the start of a process takes longer than what it is killed in.
    const results = await Promise.all([
      killRounds(Math.ceil(kills / 2), { phase, withinMs }),
      killRounds(Math.floor(kills / 2), { phase, withinMs }),
    ]);

    const seen = results.flat();
    assert.equal(seen.length, kills);
    // The kills hit before, between and after the writes, or nothing was tried.
    assert.ok(seen.includes('old') && seen.includes('new'), `only ${[...new Set(seen)].join()} was seen`);
  });
}

/** How long this machine takes from the word that the phase begins to that of what follows, in milliseconds. */
async function timePhase(phase: Phase): Promise<number> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-interrupt-'));
  await using child = await startChild(directory.path, Buffer.from(originals[0] ?? ''));
  let beganAt: number | undefined;
  for await (const line of child.lines) {
    if (line === phase) beganAt ??= performance.now();
    else if (beganAt !== undefined) return performance.now() - beganAt;
  }
  throw new Error(`the child ended before it came to ${phase}`);
}

interface Kill {
  readonly phase: Phase;
  /** The kill comes at any time up to so long after the word that the phase begins, in milliseconds. */
  readonly withinMs: number;
}

async function killRounds(count: number, kill: Kill): Promise<readonly string[]> {
  const seen: string[] = [];
  for (let round = 0; round < count; round += 1) {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-interrupt-'));
    const original = Buffer.from(originals[round % originals.length] ?? '');
    seen.push(await killOnce(directory.path, original, kill));
  }
  return seen;
}

/** A process that applies and undoes, and what it says; killed when it is disposed. */
async function startChild(path: string, original: Buffer) {
  const [root, folder] = [join(path, 'data'), join(path, 'etc')];
  await mkdir(join(folder, 'docker'), { recursive: true });
  await writeFile(daemonJson(folder), original);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'interrupt-child.ts'), root, folder], {
    env: childEnv(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  return {
    root,
    folder,
    lines: createInterface({ input: child.stdout }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

async function killOnce(path: string, original: Buffer, { phase, withinMs }: Kill): Promise<string> {
  const child = await startChild(path, original);
  const { root, folder } = child;
  for await (const line of child.lines) if (line === phase) break;
  await delay(Math.random() * withinMs);
  await child[Symbol.asyncDispose]();

  const state = await checkFiles(folder, original);
  await undoAll(root);
  assert.deepEqual(await tree(folder), ['docker', 'docker/daemon.json']);
  assert.deepEqual(await readFile(daemonJson(folder)), original);
  return state;
}

/** Answers whether daemon.json is as before or as planned; anything else is a failure. */
async function checkFiles(folder: string, original: Buffer): Promise<string> {
  const [bytes, pem] = [
    await readFile(daemonJson(folder)),
    await readFile(certificateFile(folder), 'utf8').catch(() => undefined),
  ];
  assert.ok(pem === undefined || pem === certificate, 'the certificate is not whole');
  if (bytes.equals(original)) return 'old';
  if (bytes.equals(editedDaemonJson(original))) return 'new';
  // While it is undone an empty list stands in for a key that was not there.
  const { 'insecure-registries': list, ...rest } = JSON.parse(bytes.toString()) as Record<string, unknown>;
  assert.deepEqual([list, rest], [[], JSON.parse(original.toString())]);
  return 'interim';
}

async function undoAll(root: string): Promise<void> {
  const entries = await readLedger(root);
  for (const { id, state } of entries.toReversed()) {
    if (isOpen(state)) await undoChange(contextOf(root), id);
  }
}

async function tree(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).toSorted();
}
