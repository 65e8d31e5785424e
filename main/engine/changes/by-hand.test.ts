import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../change.ts';
import { undoByHand } from './by-hand.ts';

const file: Change = {
  title: 'A file',
  engine: 'docker',
  address: 'localhost:1',
  place: { kind: 'file', path: '/etc/docker/certs.d/a b/ca.crt', mode: 0o644 },
  edit: { kind: 'whole' },
  before: undefined,
  after: '',
  needsRoot: false,
  activation: { kind: 'none' },
  proof: { kind: 'none' },
  manual: [],
};
const endpoint = { kind: 'socket', path: '/run/docker.sock' } as const;
const daemon = { kind: 'file', path: '/etc/docker/daemon.json', mode: 0o644 } as const;

const cases: Readonly<Record<string, readonly [change: Partial<Change>, lines: readonly string[]]>> = {
  'a file is removed': [{}, ["rm '/etc/docker/certs.d/a b/ca.crt'"]],
  'what was there before is put back': [
    { before: 'ab', place: daemon },
    ['cp /data/berth/changes/c1.before /etc/docker/daemon.json'],
  ],
  'an administrator removes what one has written, and runs what made it felt': [
    {
      place: { ...daemon, path: '/usr/share/ca/berth.crt' },
      needsRoot: true,
      activation: { kind: 'run', command: ['update-ca'], undo: ['update-ca', '--fresh'] },
    },
    ['sudo rm /usr/share/ca/berth.crt', 'sudo update-ca --fresh'],
  ],
  'an entry of a list is taken out, and the engine reads its file again': [
    {
      place: daemon,
      needsRoot: true,
      edit: { kind: 'json-entry', key: 'insecure-registries', entry: 'a:1' },
      activation: { kind: 'reload', endpoint, command: ['systemctl', 'reload', 'docker'] },
    },
    [
      '# In /etc/docker/daemon.json, take "a:1" out of "insecure-registries".',
      'sudo systemctl reload docker',
    ],
  ],
  'a member of an object is taken out': [
    { place: daemon, edit: { kind: 'json-member', key: 'credHelpers', member: 'a:1', value: 'berth' } },
    ['# In /etc/docker/daemon.json, take "a:1" out of "credHelpers".'],
  ],
  'a store has its own program': [
    {
      place: { kind: 'store', label: 'the keychain', read: [], add: [], remove: ['security', 'delete it'] },
    },
    ["security 'delete it'"],
  ],
  'a file of an engine is on its side': [
    { place: { kind: 'engine-file', endpoint, folder: '/etc/docker', path: 'certs.d/x', mode: 0o644 } },
    ["# On the engine's side:", 'rm /etc/docker/certs.d/x'],
  ],
};

for (const [name, [change, lines]] of Object.entries(cases)) {
  test(`by hand: ${name}`, () => {
    assert.deepEqual(undoByHand({ id: 'c1', change: { ...file, ...change } }, '/data'), lines);
  });
}
