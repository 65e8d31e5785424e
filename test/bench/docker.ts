/**
 * `docker push` and `docker pull` of a whole image over TLS, in an engine of its own. As a program it runs inside of that
 * engine and prints its rows: node docker.ts CLI TLS
 */
import { spawn } from 'node:child_process';
import { mkdtempDisposableSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { makeImage } from '../support/image.ts';
import { succeed } from '../support/process.ts';
import { needs, searchPath } from '../support/tools.ts';
import { type Costs, interleave, notMore, type Row, runs, time, timed } from './figures.ts';
import { overTls, type Place, type Server, startAll } from './servers.ts';

const layers = 20;
const layerMib = 1;
/** Before pushes are measured again: Node compiles what it runs over the first dozen. */
const warmUps = 12;
const marker = 'rows: ';

export async function measureDocker({ cli, tls }: Place): Promise<readonly Row[]> {
  const { skip } = needs('root', 'dockerd', 'docker', 'containerd', 'runc', 'ip', 'unshare', 'busybox');
  if (skip !== undefined) return [{ name: `docker: ${skip}`, berth: '', others: {} }];
  const engine = join(import.meta.dirname, '../support/private-engine.sh');
  const child = spawn('bash', [engine, process.execPath, import.meta.filename, cli, tls], {
    env: { ...process.env, PATH: searchPath },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = (await text(child.stdout)).split('\n').find((each) => each.startsWith(marker));
  if (line === undefined) throw new Error('the measures of docker ended without a result');
  return JSON.parse(line.slice(marker.length)) as readonly Row[];
}

async function measureInside(place: Place): Promise<readonly Row[]> {
  using root = mkdtempDisposableSync(join(tmpdir(), 'berth-bench-docker-'));
  await using all = await startAll(place, overTls);
  let images = 0;
  const name = ({ target }: Server, image: number): string =>
    `localhost:${target.port}/bench/image${image}:1`;
  /** An image of its own each time: docker knows what it has pushed to whom. */
  async function load(): Promise<number> {
    const image = (images += 1);
    const out = join(root.path, `${image}.tar`);
    await makeImage({ out, ref: `bench:${image}`, layers, layerMib, seed: image });
    await docker('load', '-i', out);
    await rm(out);
    for (const server of all.servers) await docker('tag', `bench:${image}`, name(server, image));
    return image;
  }
  /** Images of as many rounds, in turns. */
  async function push(
    rounds: number,
  ): Promise<{ readonly loaded: readonly number[]; readonly pushes: Costs }> {
    const loaded: number[] = [];
    for (let round = 0; round < rounds; round += 1) loaded.push(await load());
    const pushes = await interleave(
      all.servers,
      (server, round) => timed(() => docker('push', '-q', name(server, loaded[round] ?? 0))),
      rounds,
    );
    for (const image of loaded)
      await docker('rmi', '-f', `bench:${image}`, ...all.servers.map((server) => name(server, image)));
    return { loaded, pushes };
  }

  const { pushes: first } = await push(runs);
  await push(warmUps);
  const { loaded, pushes } = await push(runs);
  const pulls = await interleave(all.servers, async (server, round) => {
    const seconds = await timed(() => docker('pull', '-q', name(server, loaded[round] ?? 0)));
    // Else the next registry would have nothing to give.
    await docker('rmi', '-f', name(server, loaded[round] ?? 0));
    return seconds;
  });
  const limit = { value: ({ seconds }: { readonly seconds: number }) => seconds, format: time, atMost: 1 };
  const what = `${layers} layers of ${layerMib} MiB, TLS`;
  return [
    notMore(`docker push, ${what}, the first ${runs} after a start`, first, limit),
    notMore(`docker push, ${what}, after ${runs + warmUps} others`, pushes, limit),
    notMore(`docker pull, ${what}`, pulls, limit),
  ];
}

async function docker(...args: readonly string[]): Promise<void> {
  const { PATH = '', DOCKER_HOST = '', HOME = '' } = process.env;
  await succeed('docker', args, { env: { PATH, DOCKER_HOST, HOME } });
}

if (import.meta.main) {
  const [cli = '', tls = ''] = process.argv.slice(2);
  process.stdout.write(`${marker}${JSON.stringify(await measureInside({ cli, tls }))}\n`);
}
