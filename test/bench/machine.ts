/** What the machine can do at most, in the same run: nobody is faster than its parts. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposableSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { cpus, release } from 'node:os';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from './client.ts';
import { median, plainNumber, timed } from './figures.ts';
import { findProgram } from './others.ts';
import { ask, spread } from './push.ts';
import { freePort } from './servers.ts';

const MiB = 1024 * 1024;
const mib = 256;
const rounds = 5;

export interface Limit {
  readonly name: string;
  readonly value: string;
}

export function describeMachine(): string {
  const processors = cpus();
  return `Linux ${release()}, ${processors.length} x ${processors[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}`;
}

export async function measureMachine(): Promise<readonly Limit[]> {
  using root = mkdtempDisposableSync(join(tmpdir(), 'berth-bench-machine-'));
  const bytes = randomBytes(mib * MiB);
  const file = join(root.path, 'file');
  const hash = await rate(() => Promise.resolve(createHash('sha256').update(bytes).digest()));
  const copy = await rate(async () => {
    await using handle = await open(file, 'w');
    await handle.writeFile(bytes);
    await handle.datasync();
  });
  await writeFile(join(root.path, 'small'), 'x'.repeat(4096));
  const syncs = median(await Array.fromAsync({ length: 50 }, () => timed(() => syncSmall(root.path))));
  await using server = await serveFiles(root.path);
  const target = { port: server.port, ca: undefined, authorization: undefined };
  const loopback = await rate(() => spread(target, 1, ['/file'], ask));
  const paths = Array.from({ length: 3000 }, () => '/small');
  const requests: number[] = [];
  for (let round = 0; round < rounds; round += 1)
    requests.push(paths.length / (await spread(target, 16, paths, ask)));
  return [
    { name: 'SHA-256, one thread', value: hash },
    { name: `write of ${mib} MiB with fsync`, value: copy },
    { name: 'write of 4 KiB with fsync', value: `${plainNumber(syncs * 1000)} ms` },
    { name: `loopback, a file of ${mib} MiB by ${server.name}`, value: loopback },
    {
      name: `loopback, files of 4 KiB by ${server.name}, 16 clients`,
      value: `${plainNumber(median(requests))} a second`,
    },
  ];
}

async function rate(work: () => Promise<unknown>): Promise<string> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) seconds.push(await timed(work));
  return `${plainNumber(mib / median(seconds))} MiB/s`;
}

async function syncSmall(folder: string): Promise<void> {
  await using handle = await open(join(folder, 'synced'), 'w');
  await handle.writeFile(Buffer.alloc(4096));
  await handle.datasync();
}

/** nginx where it is, else Node. */
async function serveFiles(
  folder: string,
): Promise<AsyncDisposable & { readonly name: string; readonly port: number }> {
  const program = findProgram('nginx');
  const port = await freePort();
  if (program === undefined) {
    const server = createServer((req, res) => createReadStream(join(folder, req.url ?? '')).pipe(res));
    // The client knows bodies by their length alone.
    server.on('request', (req, res) =>
      res.setHeader('Content-Length', req.url === '/file' ? mib * MiB : 4096),
    );
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return { name: 'Node', port, [Symbol.asyncDispose]: async () => void server.close() };
  }
  const config = join(folder, 'nginx.conf');
  await writeFile(
    config,
    `daemon off; worker_processes 1; user root; pid ${folder}/pid; error_log ${folder}/error;
     events {}
     http { access_log ${folder}/access; sendfile on; tcp_nopush on; keepalive_requests 100000;
       client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
       uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
       server { listen 127.0.0.1:${port}; root ${folder}; } }`,
  );
  const child = spawn(program, ['-c', config, '-e', join(folder, 'error')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (child.exitCode === null) {
    const connection = await connect({ port, ca: undefined, authorization: undefined }).catch(
      () => undefined,
    );
    connection?.[Symbol.dispose]();
    if (connection !== undefined) break;
    await delay(10);
  }
  return {
    name: 'nginx',
    port,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
