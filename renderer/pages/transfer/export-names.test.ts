import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileNameOf, isPlatform } from './export-names.ts';

const names = [
  { references: ['team/app:1.4'], fileName: 'team-app-1.4.tar' },
  { references: ['team/app'], fileName: 'team-app.tar' },
  { references: [`team/app@sha256:${'ab'.repeat(32)}`], fileName: 'team-app-abababababab.tar' },
  { references: ['a/b:1', 'a/b:2', 'c'], fileName: 'a-b-1-and-2-more.tar' },
  { references: [`${'x/'.repeat(127)}x:1`], fileName: `${'x-'.repeat(60)}.tar` },
];

for (const { references, fileName } of names) {
  test(`${references.length} images are exported as ${fileName.slice(0, 40)}`, () => {
    assert.equal(fileNameOf(references), fileName);
  });
}

test('a platform has a system and an architecture', () => {
  const texts = ['linux/amd64', 'linux/arm/v7', 'linux', 'Linux/amd64', 'linux/', '--since'];

  assert.deepEqual(texts.map(isPlatform), [true, true, false, false, false, false]);
});
