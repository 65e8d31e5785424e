import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { cancelUploads, commands, prepare } from './commands.ts';
import { createContents, createModel } from './oracle.ts';
import { batches, forEachOf } from '../support/parallel.ts';
import { openReal } from './registry-view.ts';

const numRuns = Number(process.env['MODEL_RUNS'] ?? 20);
const size = Number(process.env['MODEL_COMMANDS'] ?? 40);
/** In one data directory: the more runs it holds, the longer each collection and each look at a list of them takes. */
const mostInOne = 50;
const seed = Number(process.env['MODEL_SEED'] ?? Date.now() % 2 ** 31);

test(`a registry looks like the model after each of ${numRuns} x up to ${size} commands, kill -9 included`, async (t) => {
  // Oracle: the maps of oracle.ts.
  t.diagnostic(`MODEL_SEED=${seed}`);
  let links = 0;
  await forEachOf(batches(numRuns, mostInOne).entries(), 2, async ([at, count]) => {
    const collected = await runModel(count, seed + at);
    links += collected;
  });
  t.diagnostic(
    `${numRuns} runs of up to ${size} commands: 0 differences; ${links} links of blobs were collected`,
  );
  assert.ok(links > 0);
});

/** Runs on one data directory, one after the other; answers how many links of blobs were collected. */
async function runModel(count: number, from: number): Promise<number> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-model-'));
  await using real = await openReal(directory.path);
  let runs = 0;

  await fc.assert(
    fc.asyncProperty(fc.constantFrom(true, true, true, false), commands(size), async (isPrepared, list) => {
      const model = createModel(createContents(`run${runs++}`));
      try {
        if (isPrepared) await prepare(model, real);
        await fc.asyncModelRun(() => ({ model, real }), list);
      } finally {
        await cancelUploads(model, real);
      }
    }),
    { numRuns: count, seed: from },
  );
  return real.collected;
}
