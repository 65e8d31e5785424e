import assert from 'node:assert/strict';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { detectEngines } from '../../main/engine/detect/detect.ts';
import type { Engine, EngineKind, RegistryTarget } from '../../main/engine/engine.ts';
import { thisHost } from '../../main/engine/host.ts';
import { isInsideEngine } from '../support/engine.ts';
import { run, succeed } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

/** A name that is not loopback for docker, so that it verifies the certificate: see private-engine.sh. */
const engineName = 'registry.berth.test';

if (await isInsideEngine(import.meta.filename)) {
  suite('engines of a computer with Docker', () => {
    test('Docker is found by its API and needs nothing at localhost', async () => {
      await using registry = await startRegistry();
      const serverVersion = await succeed('docker', ['version', '--format', '{{.Server.Version}}']);

      const docker = await find('docker', target(registry));

      const { notes: _, ...facts } = docker;
      assert.deepEqual(facts, {
        id: 'docker',
        kind: 'docker',
        title: `Docker ${serverVersion.trim()}`,
        version: serverVersion.trim(),
        state: 'running',
        endpoint: { kind: 'socket', path: '/var/run/docker.sock' },
        address: registry.address.replace('127.0.0.1', 'localhost'),
        usesContainerdStore: false,
        isLocal: true,
        need: {
          kind: 'nothing',
          why: 'Docker does not check who answers on loopback: the connection is encrypted, not verified.',
        },
        certainty: 'probed',
      });
      // The daemon itself asks without a login, and gets an answer: not one about the certificate.
      const pull = await run('docker', ['pull', `${docker.address}/none:1`]);
      assert.match(pull.stderr, /manifest unknown/);
    });

    test('Docker at a name needs the certificate, and has it once the file is in place', async () => {
      await using registry = await startRegistry({
        listen: '0.0.0.0:0',
        env: { BERTH_TLS_NAMES: `[${engineName}]` },
      });
      const there = { ...target(registry), listensOn: [engineName], names: [engineName] };
      const address = `${engineName}:${registry.port}`;
      const where = `/etc/docker/certs.d/${address}/berth.crt`;

      const before = await find('docker', there);
      const refused = await run('docker', ['pull', `${address}/none:1`]);
      await place(registry.caFile, where);
      const after = await find('docker', there);
      const accepted = await run('docker', ['pull', `${address}/none:1`]);

      assert.deepEqual(before.need, { kind: 'certificate', where });
      assert.match(refused.stderr, /certificate signed by unknown authority/);
      assert.deepEqual(after.need, { kind: 'nothing', why: `Trusted already, in ${where}.` });
      assert.match(accepted.stderr, /manifest unknown/);
    });

    test(
      'Podman needs the certificate, and has it once the file is in place',
      needs('podman', 'skopeo'),
      async () => {
        await using registry = await startRegistry();
        const address = registry.address.replace('127.0.0.1', 'localhost');
        const inspect = () => run('skopeo', ['inspect', `docker://${address}/none:1`]);

        const before = await find('podman', target(registry));
        const refused = await inspect();
        assert.equal(before.need.kind, 'certificate');
        const where = before.need.kind === 'certificate' ? before.need.where : '';
        await place(registry.caFile, where);
        const after = await find('podman', target(registry));
        const accepted = await inspect();
        await rm(where);

        assert.equal(where, `/etc/containers/certs.d/${address}/berth.crt`);
        assert.match(refused.stderr, /certificate signed by unknown authority/);
        assert.deepEqual(after.need, { kind: 'nothing', why: `Trusted already, in ${where}.` });
        assert.match(accepted.stderr, /manifest unknown/);
      },
    );

    test('a user outside of the group docker is told that, and how to get in', async () => {
      // The file of the daemon belongs to root and its group; this process steps aside for a moment.
      process.setegid?.(65_534);
      process.seteuid?.(65_534);
      let engines: readonly Engine[];
      try {
        engines = await detectEngines(
          thisHost(process.env),
          target({ port: 5443, ca: undefined, caFile: '' }),
        );
      } finally {
        process.seteuid?.(0);
        process.setegid?.(0);
      }

      const docker = engines.find(({ kind }) => kind === 'docker');
      assert.equal(docker?.state, 'denied');
      assert.match(docker.notes.join(' '), /usermod -aG docker/);
    });

    test('a stopped Docker is in the list as stopped', async () => {
      await succeed('engine', ['stop']);

      const docker = await find('docker', target({ port: 5443, ca: undefined, caFile: '' }));
      await succeed('engine', ['start'], { env: { ENGINE_WORK: process.env['ENGINE_WORK'] ?? '' } });
      const again = await find('docker', target({ port: 5443, ca: undefined, caFile: '' }));

      assert.deepEqual([docker.state, again.state], ['stopped', 'running']);
    });
  });
} else {
  test('without a running Docker nothing of it is called running, and nothing throws', async () => {
    const env = {
      HOME: '/nonexistent',
      PATH: process.env['PATH'],
      DOCKER_HOST: 'unix:///nonexistent/docker.sock',
    };

    const engines = await detectEngines(thisHost(env), target({ port: 5443, ca: undefined, caFile: '' }));

    const named = engines.find(
      ({ endpoint }) => endpoint?.kind === 'socket' && endpoint.path.startsWith('/nonexistent'),
    );
    assert.equal(named?.state, 'stopped');
  });
}

function target({
  port,
  ca,
  caFile,
}: {
  port: number;
  ca: string | undefined;
  caFile: string;
}): RegistryTarget {
  return {
    port,
    listensOn: ['127.0.0.1'],
    names: ['localhost', '127.0.0.1', hostname()],
    authority: ca,
    authorityFile: caFile,
  };
}

async function find(kind: EngineKind, to: RegistryTarget): Promise<Engine> {
  const engines = await detectEngines(thisHost(process.env), to);
  const found = engines.filter((engine) => engine.kind === kind);
  assert.equal(found.length, 1, JSON.stringify(engines));
  return found[0] as Engine;
}

async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, join(to));
}
