/**
 * Many clients pull one image at once: memory stays bounded, nobody is refused. PULL_CLIENTS and PULL_MIB set how many clients,
 * and how large the image is.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { connect, type Connection, expect } from '../bench/client.ts';
import { type Descriptor, mediaTypes, pushInto } from '../support/content.ts';
import { startRegistry } from '../support/registry.ts';
import { asStarted, linuxOnly, mostResidentMiB, residentMiB } from '../support/vitals.ts';

const clients = Number(process.env['PULL_CLIENTS'] ?? 60);
const imageMib = Number(process.env['PULL_MIB'] ?? 12);
const layersPerImage = 3;
const boundMib = 100;

test(`${clients} clients pull one image of ${imageMib} MiB at once`, linuxOnly, async (t) => {
  await using registry = await startRegistry({ env: asStarted });
  const layerBytes = Math.floor((imageMib * 1024 * 1024) / layersPerImage);
  const pusher = pushInto(registry, 'team/app');
  const config = await pusher.blob('{}', mediaTypes.config);
  const layers: Descriptor[] = [];
  for (let at = 0; at < layersPerImage; at++)
    layers.push(await pusher.blob(randomBytes(layerBytes), mediaTypes.layer));
  await pusher.manifest({ config, layers }, 'latest');
  const target = { port: registry.port, ca: undefined, authorization: undefined };
  await using stack = new AsyncDisposableStack();
  const open = async (): Promise<Connection> => stack.use(await connect(target));
  const pull = async (connection: Connection): Promise<number> => {
    await expect(connection, { method: 'GET', path: '/v2/team/app/manifests/latest' }, 200);
    let bytes = 0;
    for (const { digest } of [config, ...layers])
      bytes += (await expect(connection, { method: 'GET', path: `/v2/team/app/blobs/${digest}` }, 200))
        .length;
    return bytes;
  };
  // Once before, so that what every process comes to need does not count.
  await pull(await open());
  const before = await residentMiB(registry.pid);

  const startedAt = performance.now();
  let pulled: readonly number[] = [];
  const most = await mostResidentMiB(registry.pid, async () => {
    const connections = await Promise.all(Array.from({ length: clients }, open));
    pulled = await Promise.all(connections.map(pull));
  });
  const seconds = (performance.now() - startedAt) / 1000;

  assert.deepEqual([...new Set(pulled)], [layersPerImage * layerBytes + 2]);
  t.diagnostic(
    `${clients} of ${clients} clients pulled ${imageMib} MiB in ${Math.round(seconds)} s; ${before} MiB resident before, ${most} MiB at most`,
  );
  assert.ok(most - before < boundMib, `${before} MiB before, ${most} MiB at most`);
});
