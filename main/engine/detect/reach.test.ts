import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { makeAuthority } from '../../../registry/tls/authority.ts';
import type { RegistryTarget } from '../engine.ts';
import { thisHost } from '../host.ts';
import { type Way, decideNeed, reachRegistry } from './reach.ts';

const authority = makeAuthority({ hostname: hostname(), names: [], now: Date.now() }).certificate;
const target: RegistryTarget = {
  port: 5443,
  listensOn: ['127.0.0.1', '::1'],
  names: [
    'localhost',
    '127.0.0.1',
    '::1',
    'box',
    'box.local',
    'host.docker.internal',
    '172.17.0.1',
    '192.168.5.2',
  ],
  authority,
  authorityFile: '/data/berth/tls/berth.crt',
};
const wide = { ...target, listensOn: ['0.0.0.0'] };
const inLan = { ...wide, names: [...wide.names, '172.31.4.5', '192.168.1.20'] };
const forwarded: Way = { kind: 'forwarded', name: 'host.docker.internal' };
const bridge: Way = { kind: 'bridge', name: 'host.k3d.internal', gateway: '172.18.0.1' };
const lan: Way = { kind: 'lan' };

test('the address follows from how the engine gets here and where the registry listens', () => {
  const cases: readonly {
    name: string;
    target: RegistryTarget;
    way: Way;
    address: string;
    problem?: RegExp;
  }[] = [
    { name: 'loopback', target, way: { kind: 'loopback' }, address: 'localhost:5443' },
    {
      name: 'loopback, bound to one address',
      target: { ...target, listensOn: ['192.168.1.20'] },
      way: { kind: 'loopback' },
      address: '192.168.1.20:5443',
    },
    {
      name: 'loopback, bound to one IPv6 address',
      target: { ...target, listensOn: ['fd00::5'] },
      way: { kind: 'loopback' },
      address: '[fd00::5]:5443',
    },
    { name: 'virtual machine', target, way: forwarded, address: 'host.docker.internal:5443' },
    {
      name: 'virtual machine, bound to one address',
      target: { ...target, listensOn: ['192.168.1.20'] },
      way: forwarded,
      address: '192.168.1.20:5443',
    },
    {
      name: 'bridge, bound to loopback',
      target,
      way: bridge,
      address: 'host.k3d.internal:5443',
      problem: /at 172\.18\.0\.1, .* on 127\.0\.0\.1 and ::1 alone.*--listen 0\.0\.0\.0:5443/,
    },
    { name: 'bridge, bound to all', target: wide, way: bridge, address: 'host.k3d.internal:5443' },
    {
      name: 'bridge, bound to its gateway',
      target: { ...target, listensOn: ['127.0.0.1', '172.18.0.1'] },
      way: bridge,
      address: 'host.k3d.internal:5443',
    },
    {
      name: 'network, bound to loopback',
      target,
      way: lan,
      address: 'localhost:5443',
      problem: /--listen 0\.0\.0\.0:5443/,
    },
    { name: 'network: an address before all', target: inLan, way: lan, address: '192.168.1.20:5443' },
    { name: 'network: a name with a dot', target: wide, way: lan, address: 'box.local:5443' },
    {
      name: 'network: an address that may be a bridge at last',
      target: { ...wide, names: ['localhost', 'box', '172.17.0.1', '172.31.4.5'] },
      way: lan,
      address: '172.31.4.5:5443',
    },
    {
      name: 'network: nothing to write',
      target: { ...wide, names: ['localhost', 'box', '*.box.test'] },
      way: lan,
      address: 'localhost:5443',
      problem: /names no address of this computer in a network.*berth\.tls\.names/,
    },
  ];

  for (const { name, target: to, way, address, problem } of cases) {
    const reach = reachRegistry(to, way);

    assert.equal(reach.address, address, name);
    assert.match(reach.problem ?? '', problem ?? /^$/, name);
  }
});

test('what is needed is judged in order: reach, loopback, list, name, own certificate, trust', async () => {
  const otherwise = { kind: 'certificate', where: 'there' } as const;
  const named = { address: 'host.docker.internal:5443' };
  const unnamed = { address: 'host.lima.internal:5443' };
  const own = { ...target, authority: undefined };
  const cases = [
    { reach: { ...named, problem: 'closed' }, verifies: 'never', to: target, need: /^cannot closed$/ },
    {
      reach: { address: 'localhost:5443' },
      verifies: 'except loopback',
      to: target,
      need: /^nothing .*encrypted, not verified\.$/,
    },
    {
      reach: { address: '127.0.0.1:5443' },
      verifies: 'except loopback',
      to: own,
      need: /^nothing .*not verified\.$/,
    },
    { reach: { address: 'localhost:5443' }, verifies: 'always', to: target, need: /^certificate there$/ },
    { reach: unnamed, verifies: 'never', to: target, need: /^nothing .*insecure-registries/ },
    {
      reach: unnamed,
      verifies: 'always',
      to: target,
      need: /^cannot .*not good for host\.lima\.internal.*berth\.tls\.names/,
    },
    { reach: unnamed, verifies: 'always', to: own, need: /^cannot .*Bring a certificate that names it\.$/ },
    {
      reach: unnamed,
      verifies: 'always',
      to: { ...target, names: ['*.LIMA.internal'] },
      need: /^certificate there$/,
    },
    {
      reach: { address: 'a.b.test:1' },
      verifies: 'always',
      to: { ...target, names: ['*.test'] },
      need: /^cannot /,
    },
    {
      reach: { address: '10.1.2.3:1' },
      verifies: 'always',
      to: { ...target, names: ['*.1.2.3'] },
      need: /^cannot /,
    },
    { reach: named, verifies: 'except loopback', to: own, need: /^nothing The certificate is your own/ },
    { reach: named, verifies: 'except loopback', to: target, need: /^certificate there$/ },
  ] as const;

  for (const { reach, verifies, to, need } of cases) {
    const decided = await decideNeed(thisHost({}), to, {
      reach,
      name: 'Docker',
      verifies,
      folders: [],
      otherwise,
    });

    assert.match(Object.values(decided).join(' '), need);
  }
});
