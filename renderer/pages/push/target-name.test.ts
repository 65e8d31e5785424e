import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTarget, suggestName } from './target-name.ts';

const names = [
  ['alpine:latest', 'alpine:latest'],
  ['docker.io/library/alpine:3', 'alpine:3'],
  ['docker.io/grafana/grafana:11', 'grafana/grafana:11'],
  ['localhost/app:1', 'app:1'],
  ['localhost:5443/team/api:1.4', 'team/api:1.4'],
  ['ghcr.io/library/app:2', 'library/app:2'],
  ['registry.lan/app', 'app:latest'],
  ['<none>:<none>', ''],
] as const;

for (const [name, suggested] of names) {
  test(`${name} is called ${suggested === '' ? 'nothing' : suggested} here`, () => {
    assert.equal(suggestName(name), suggested);
  });
}

const targets = [
  ['team/api:1.4', { repository: 'team/api', tag: '1.4' }],
  ['  app ', { repository: 'app', tag: 'latest' }],
  ['App:1', undefined],
  ['app:a b', undefined],
  ['localhost:5443/app:1', undefined],
  [`app@sha256:${'a'.repeat(64)}`, undefined],
  ['', undefined],
] as const;

for (const [text, target] of targets) {
  test(`"${text.slice(0, 30)}" ${target === undefined ? 'is no name' : 'is a name'}`, () => {
    assert.deepEqual(parseTarget(text), target);
  });
}
