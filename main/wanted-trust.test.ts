import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineRow } from '../registry/spec/admin/computer.ts';
import { findWantedTrust } from './wanted-trust.ts';

const podman: EngineRow = {
  id: 'podman',
  title: 'Podman 5.4',
  kind: 'podman',
  state: 'running',
  address: 'localhost:5443',
  need: { kind: 'certificate', sentence: 'It does not know the certificate.' },
  certainty: 'probed',
  notes: [],
};
const need = (kind: EngineRow['need']['kind']): EngineRow => ({ ...podman, need: { kind, sentence: '' } });

const rows: readonly {
  readonly name: string;
  readonly engines: readonly EngineRow[];
  readonly muted?: readonly string[];
  readonly title: string | undefined;
}[] = [
  { name: 'no engine', engines: [], title: undefined },
  { name: 'one that does not know the certificate', engines: [podman], title: 'Podman 5.4' },
  { name: 'one whose keychain does not', engines: [need('keychain')], title: 'Podman 5.4' },
  { name: 'one that needs nothing', engines: [need('nothing')], title: undefined },
  { name: 'one that cannot reach the registry', engines: [need('cannot')], title: undefined },
  { name: 'one that is stopped', engines: [{ ...podman, state: 'stopped' }], title: undefined },
  { name: 'one that is muted', engines: [podman], muted: ['podman'], title: undefined },
  {
    name: 'one, while another can push',
    engines: [podman, { ...need('nothing'), id: 'docker', kind: 'docker' }],
    title: undefined,
  },
  {
    name: 'one, while another could push that is stopped',
    engines: [podman, { ...need('nothing'), id: 'docker', kind: 'docker', state: 'stopped' }],
    title: 'Podman 5.4',
  },
  { name: 'a cluster', engines: [{ ...podman, kind: 'kind' }], title: undefined },
  {
    name: 'the second of two',
    engines: [need('cannot'), { ...podman, id: 'docker', title: 'Docker 28.5', kind: 'docker' }],
    title: 'Docker 28.5',
  },
];

for (const { name, engines, muted = [], title } of rows)
  test(`${name}: ${title ?? 'nothing'}`, () => assert.equal(findWantedTrust(engines, muted), title));
