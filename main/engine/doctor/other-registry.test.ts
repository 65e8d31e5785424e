import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Host } from '../host.ts';
import type { DoctorInput } from './check.ts';
import { checkOtherRegistry } from './other-registry.ts';

/** A computer on which `docker ps` says that. */
const inputOf = (containers: string) =>
  ({
    host: { run: async () => ({ code: 0, stdout: containers, stderr: '' }) } as unknown as Host,
    registry: { port: 5443 },
    findPortOwner: async () => 'node (pid 7)',
  }) as unknown as DoctorInput;

for (const { name, status, headers, containers = '', expected, command } of [
  {
    name: 'a registry without a login',
    status: 200,
    headers: { 'Docker-Distribution-Api-Version': 'registry/2.0' },
    expected: /^Another registry listens on port \d+: node \(pid 7\)\.$/,
  },
  {
    name: 'a registry with a login, in a container',
    status: 401,
    headers: { 'WWW-Authenticate': 'Basic realm="x"' },
    containers: 'old-registry\n',
    expected: /^Another registry listens on port \d+: old-registry\.$/,
    command: 'docker stop old-registry',
  },
  {
    name: 'a receiver of music',
    status: 403,
    headers: { Server: 'AirTunes/760' },
    expected: /^No other registry listens on port \d+\.$/,
  },
]) {
  test(`${name} on the usual port`, async () => {
    const server = createServer((_, response) =>
      response.writeHead(status, Object.entries(headers).flat()).end(),
    );
    server.listen(0, 'localhost');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;

    const check = await checkOtherRegistry(inputOf(containers), port);
    server.close();

    assert.match(check?.sentence ?? '', expected);
    assert.equal(check?.status, expected.source.startsWith('^No') ? 'pass' : 'warn');
    assert.equal(check?.fix?.command, command);
  });
}

test('nobody on the usual port, and this registry itself there', async () => {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');

  const nobody = await checkOtherRegistry(inputOf(''), port);
  const own = await checkOtherRegistry(inputOf(''), 5443);

  assert.equal(nobody?.status, 'pass');
  assert.equal(own, undefined);
});
