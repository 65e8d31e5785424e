import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile, mkdtempDisposable, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

interface Result {
  readonly code: number;
  readonly stderr: string;
}

async function docs(...options: readonly string[]): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  const script = join(import.meta.dirname, 'docs.ts');
  execFile(process.execPath, [script, ...options], (error, _, stderr) => {
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr });
  });
  return await promise;
}

test('the pages of the repository are those that the tables make', async () => {
  assert.deepEqual(await docs('--check'), { code: 0, stderr: '' });
});

test('a page that differs or is missing is named', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-docs-'));
  const out = directory.path;
  assert.deepEqual(await docs('--out', out), { code: 0, stderr: '' });
  const before = await docs('--check', '--out', out);

  await appendFile(join(out, 'docs/reference/config.md'), 'by hand\n');
  await rm(join(out, 'docs/reference/errors.md'));
  const after = await docs('--check', '--out', out);

  assert.deepEqual([before.code, after.code], [0, 1]);
  assert.deepEqual(after.stderr.match(/docs\/reference\/\w+\.md/g), [
    'docs/reference/config.md',
    'docs/reference/errors.md',
  ]);
});
