/** Small requests, by many clients at once. */
import { randomBytes } from 'node:crypto';
import { faster, interleave, type Row } from './figures.ts';
import { ask, blobOf, pushImage, spread } from './push.ts';
import { type Place, plain, type Server, startAll, withLogin } from './servers.ts';

const requests = Number(process.env['REQUESTS'] ?? 3000);
/** A registry that computes bcrypt for each of them gets fewer. */
const withBcrypt = 64;
const connections = 16;
/** Each registry answers so long before it is measured: Node compiles what it runs over the first ten thousand requests. */
const warmUpMs = 3000;

export async function measureRequests(place: Place): Promise<readonly Row[]> {
  return [
    ...(await measure(place, false)),
    // Whoever remembers a password does so before: the first check of it is no part of this.
    ...(await measure(place, true)),
  ];
}

async function measure(place: Place, hasLogin: boolean): Promise<readonly Row[]> {
  await using all = await startAll(place, hasLogin ? withLogin : plain);
  const [config, ...layers] = Array.from({ length: 8 }, () => blobOf(randomBytes(500)));
  if (config === undefined) return [];
  let manifest = '';
  for (const { target } of all.servers)
    manifest = await pushImage(target, 'bench/image', [config, ...layers]);
  const count = hasLogin ? withBcrypt : requests;
  const works = [
    ['GET', 'manifests/latest', 'manifest GET by tag'],
    ['GET', `manifests/${manifest}`, 'manifest GET by digest'],
    ['HEAD', `blobs/${config.digest}`, 'blob HEAD'],
  ] as const;
  const rows: Row[] = [];
  for (const [method, path, name] of hasLogin ? works.slice(0, 1) : works) {
    const jobs = Array.from({ length: count }, () => `/v2/bench/image/${path}`);
    const act = ({ target }: Server): Promise<number> =>
      spread(target, connections, jobs, (connection, each) => ask(connection, each, method));
    for (const server of all.servers) {
      const until = performance.now() + warmUpMs;
      while (performance.now() < until) await act(server);
    }
    const costs = await interleave(all.servers, act);
    const title = `${count} x ${name}${hasLogin ? ', Basic, bcrypt cost 10' : ''}`;
    rows.push(faster(title, costs, hasLogin ? 50 : 2));
  }
  return rows;
}
