import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

test('what the threat model names is there: code that hinders, and a test for each row', async () => {
  const text = await readFile(join(root, 'docs/design/threat-model.md'), 'utf8');
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2);

  assert.ok(rows.length >= 20, String(rows.length));
  for (const row of rows) {
    const [, , , control = '', proof = ''] = row.split('|');
    const [controls, proofs] = [control, proof].map((cell) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    );
    assert.ok((controls ?? []).length > 0 && (proofs ?? []).length > 0, row);
    assert.deepEqual(
      [...(controls ?? []), ...(proofs ?? [])].filter((name) => !existsSync(join(root, name))),
      [],
      row,
    );
    assert.deepEqual(
      (proofs ?? []).filter((name) => !name.endsWith('.test.ts')),
      [],
      row,
    );
  }
});
