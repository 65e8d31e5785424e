import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import { canSetUp, neededBy } from './engine-steps.ts';

const docker: EngineRow = {
  id: 'docker',
  title: 'Docker 28.2',
  kind: 'docker',
  state: 'running',
  address: 'localhost:5443',
  need: { kind: 'nothing', sentence: 'It does not check localhost.' },
  certainty: 'probed',
  notes: [],
};
const certificate = { kind: 'certificate', sentence: 'The certificate in a file.' } as const;

const rows: readonly { readonly engine: EngineRow; readonly canSetUp: boolean; readonly needs: RegExp }[] = [
  { engine: docker, canSetUp: true, needs: /^Needs a login\./ },
  {
    engine: { ...docker, kind: 'podman', need: certificate },
    canSetUp: true,
    needs: /^Needs to trust .*, then a login\.$/,
  },
  { engine: { ...docker, state: 'stopped' }, canSetUp: false, needs: /^Start it first\.$/ },
  {
    engine: { ...docker, state: 'denied', notes: ['Join the group docker.'] },
    canSetUp: false,
    needs: /^Join the group docker\.$/,
  },
  {
    engine: { ...docker, need: { kind: 'cannot', sentence: 'It is on another computer.' } },
    canSetUp: false,
    needs: /^It is on another computer\.$/,
  },
  { engine: { ...docker, kind: 'kind', need: certificate }, canSetUp: false, needs: /^The certificate in/ },
  { engine: { ...docker, kind: 'containerd' }, canSetUp: false, needs: /^It pulls without more\.$/ },
];

for (const { engine, canSetUp: can, needs } of rows) {
  test(`${engine.kind}, ${engine.state}, with the need ${engine.need.kind}`, () => {
    assert.equal(canSetUp(engine), can);
    assert.match(neededBy(engine), needs);
  });
}
