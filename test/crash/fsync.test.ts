import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf, pushImage } from '../compat/content.ts';
import { request } from '../support/http.ts';
import { childEnv } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

/** What one request did: its first line, the status, and the files fsynced and renamed before and after the answer. */
interface Traced {
  readonly request: string;
  readonly status: string;
  readonly syncs: readonly string[];
  readonly late: readonly string[];
}

test(
  'every write is made durable before its answer, and a push costs few fsyncs',
  needs('strace'),
  async (t) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-fsync-'));
    await using registry = await startRegistry({ dataDir: join(directory.path, 'data') });
    const url = registry.plainUrl;
    const push = (layers: readonly string[], tag: string) =>
      pushImage(url, { name: 'team/app', tag, layers });
    const manifest = (tag: string) => `/v2/team/app/manifests/${tag}`;

    const requests = await traceRequests(registry.pid, join(directory.path, 'log'), async () => {
      await push(['first'], 'first');
      await push(['second'], 'second');
      await push(['second'], 'second');
      await request(url, { path: manifest('second') });
      await request(url, { path: `/v2/team/app/blobs/${digestOf('second')}` });
      await request(url, { method: 'DELETE', path: manifest('second') });
    });

    assert.deepEqual(
      requests.flatMap(({ request: line, late }) => (late.length > 0 ? [{ line, late }] : [])),
      [],
      'nothing is written after an answer',
    );
    // What is there already costs nothing: the blobs of the third push.
    const wanted = [...Array.from({ length: 6 }, () => true), false, false, true];
    const writes = requests.filter((each) => each.request.startsWith('PUT')).map(({ syncs }) => syncs.length);
    assert.deepEqual(
      writes.map((count) => count > 0),
      wanted,
    );
    for (const { request: line, syncs } of requests.filter((each) => !each.request.startsWith('PUT'))) {
      assert.equal(syncs.length > 0, line.startsWith('DELETE'), `${line}: ${syncs.join(' ')}`);
    }
    // A new directory costs an fsync of its own and one of its parent; the tree of distribution has one per digest. A
    // line of the journal costs one, a new month one more.
    const pushes = [
      { title: 'first push of a repository', most: 44 },
      { title: 'new image under a new tag', most: 30 },
      { title: 'the same push again', most: 5 },
    ];
    for (const [at, { title, most }] of pushes.entries()) {
      const counts = writes.slice(3 * at, 3 * at + 3);
      const sum = counts.reduce((total, count) => total + count, 0);
      t.diagnostic(`${title}: ${sum} fsyncs (2 blobs and a manifest: ${counts.join(' + ')})`);
      assert.ok(sum <= most, `${title}: ${sum} fsyncs, at most ${most} are expected`);
    }
  },
);

/** Runs `act` while every fsync and every answer of the process is traced, in order. Requests must not overlap. */
async function traceRequests(
  pid: number,
  log: string,
  act: () => Promise<unknown>,
): Promise<readonly Traced[]> {
  const trace = 'trace=fsync,fdatasync,rename,read,write,writev';
  const args = ['-f', '-y', '-s', '200', '-o', log, '-e', trace, '-p', String(pid)];
  const strace = spawn('strace', args, { env: childEnv(), stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(strace, 'close');
  for await (const text of strace.stderr.iterator({ destroyOnReturn: false })) {
    if (String(text).includes('attached')) break;
  }
  strace.stderr.resume();
  try {
    await act();
  } finally {
    strace.kill('SIGINT');
    await ended;
  }
  return parse(await readFile(log, 'utf8'));
}

function parse(log: string): readonly Traced[] {
  const requests: { request: string; status: string; syncs: string[]; late: string[] }[] = [];
  /** Threads that are in the middle of an fsync of the index or the audit. */
  const indexing = new Set<string>();
  for (const line of log.split('\n')) {
    const current = requests.at(-1);
    const [thread = ''] = line.split(' ');
    const [, received] = /\bread\b.*?"((?:GET|HEAD|POST|PUT|PATCH|DELETE) \/v2\/[^ "\\]*)/.exec(line) ?? [];
    const [, status] = /"HTTP\/1\.1 (\d{3})/.exec(line) ?? [];
    const [, synced] = /\bf(?:data)?sync\(\d+<([^>]*)>/.exec(line) ?? [];
    // The index may be lost at any time, and the audit waits for nobody: what is synced for them, and when, says nothing
    // about durability.
    if (synced !== undefined && /\/berth(?:\/index\.sqlite.*|\/audit.*)?$/.test(synced)) {
      if (line.includes('<unfinished')) indexing.add(thread);
      continue;
    }
    if (/<\.\.\. f(data)?sync resumed>/.test(line) && indexing.delete(thread)) continue;
    if (received !== undefined) requests.push({ request: received, status: '', syncs: [], late: [] });
    else if (status !== undefined && current !== undefined) current.status = status;
    else if (synced !== undefined) (current?.status === '' ? current.syncs : current?.late)?.push(synced);
    // The end of an fsync that began before the answer and took longer.
    else if (/<\.\.\. f(data)?sync resumed>/.test(line) && current?.status !== '') current?.late.push(line);
  }
  return requests;
}
