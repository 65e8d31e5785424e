/**
 * The clock of the computer is set while the registry runs: far ahead, far back, and an hour on; and it is restarted with such
 * a clock. What was acknowledged stays, uploads go on, tokens end when their time comes and not before. CLOCK_ROUNDS and
 * CLOCK_RESTARTS set how often; with CLOCK_TLS=1 it waits until the certificate has followed, which takes a minute. Files keep
 * the times of the kernel, so that ahead all of them look old.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { glob, mkdir, mkdtempDisposable, rename, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { digestOf } from '../compat/content.ts';
import { type Answer, request, type RequestOptions } from '../support/http.ts';
import { pushImage } from '../support/push.ts';
import { batches } from '../support/parallel.ts';
import { berth, startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

const rounds = Number(process.env['CLOCK_ROUNDS'] ?? 1);
const restarts = Number(process.env['CLOCK_RESTARTS'] ?? 1);
const waitsForTls = process.env['CLOCK_TLS'] === '1';
const name = 'team/app';
const dayMs = 24 * 60 * 60 * 1000;
type Ask = (options: RequestOptions) => Promise<Answer>;

const jumps = [
  { to: '+400d', next: '+401d', ms: 400 * dayMs, month: 401 },
  { to: '-400d', next: '-399d', ms: -400 * dayMs, month: 200 },
  { to: '+1h', next: '+25h', ms: dayMs / 24, month: 200 },
] as const;

/** Most of the time a minute is waited for: some do it at once. */
const roundsPerDirectory = 5;
const restartsPerDirectory = 15;

test(`the clock jumps ${rounds * jumps.length} times while it runs`, needs('faketime'), async (t) => {
  const resumed = sum(await Promise.all(batches(rounds, roundsPerDirectory).map(jumpAgain)));
  t.diagnostic(
    `${rounds * jumps.length} jumps (${jumps.map(({ to }) => to).join(', ')}): ${2 * rounds * jumps.length} collections took no live blob, ${resumed} of ${rounds * jumps.length} uploads went on`,
  );
  assert.equal(resumed, rounds * jumps.length);
});

/** Answers how many uploads went on. */
async function jumpAgain(times: number): Promise<number> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-clock-'));
  const clock = join(directory.path, 'clock');
  await setClock(clock, '+0d');
  const user = 'dev:a-long-password';
  await using registry = await startRegistry({
    auth: 'htpasswd',
    dataDir: join(directory.path, 'data'),
    users: { dev: { role: 'admin', password: 'a-long-password' } },
    env: {
      ...(await fakeTime(clock)),
      REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_INTERVAL: '1s',
    },
  });
  const { plainUrl: url, dataDir } = registry;
  const ask = (options: RequestOptions, as = user) => request(url, { user: as, ...options });
  const created = async (expires: string): Promise<string> => {
    const made = await berth(dataDir, 'token', 'create', '--user', 'dev', '--expires', expires, '--json');
    return `dev:${(JSON.parse(made) as { token: string }).token}`;
  };
  const [month, never] = [await created('30d'), await created('never')];
  let resumed = 0;

  for (let round = 0; round < times; round++) {
    for (const jump of jumps) {
      await setClock(clock, '+0d');
      await clockIs(registry, 0);
      const tag = `t${round}${jump.to.slice(1)}`;
      await pushImage({ plainUrl: url, user }, name, tag, tag);
      // Acknowledged, and its manifest is still to come.
      const leased = `leased ${tag}`;
      const path = `/v2/${name}/blobs/uploads/?digest=${digestOf(leased)}`;
      assert.equal((await ask({ method: 'POST', path, body: leased })).status, 201);
      const upload = await startUpload(ask, 'first half, ');
      const abandoned = await leaveUpload(dataDir);

      await setClock(clock, jump.to);
      await clockIs(registry, jump.ms);
      const purges = countPurges(registry) + 2;
      while (countPurges(registry) < purges) await delay(50);
      await berth(dataDir, 'gc');

      const isPurged = await stat(abandoned).then(
        () => false,
        () => true,
      );
      // What a collection has seen unneeded, the next one may take a grace time later.
      await setClock(clock, jump.next);
      await clockIs(registry, jump.ms + dayMs);
      await berth(dataDir, 'gc');
      const ended = await endUpload(ask, upload);
      if (ended.status === 201) resumed++;
      const statuses = async (as: string) => (await ask({ path: '/v2/' }, as)).status;
      assert.deepEqual(
        {
          isPurged,
          ended: ended.status,
          leased: (await ask({ method: 'HEAD', path: `/v2/${name}/blobs/${digestOf(leased)}` })).status,
          password: await statuses(user),
          month: await statuses(month),
          never: await statuses(never),
          ready: (await ask({ path: '/readyz' })).status,
        },
        {
          // Its client may come back within an hour of the start.
          isPurged: false,
          ended: 201,
          leased: 200,
          password: 200,
          month: jump.month,
          never: 200,
          ready: 200,
        },
        `${jump.to}: ${registry.log().slice(-2000)}`,
      );
      await certificateFollows(registry, jump.ms + dayMs);
      await pushImage({ plainUrl: url, user }, name, `${tag}-then`, `${tag} then`);
      for (const each of [tag, `${tag}-then`]) assert.ok(await isPulled(ask, each), each);
    }
  }
  await registry.stop();
  return resumed;
}

test(`it is restarted ${restarts} times with another clock`, needs('faketime'), async (t) => {
  const resumed = sum(await Promise.all(batches(restarts, restartsPerDirectory).map(restartAgain)));
  t.diagnostic(
    `${restarts} restarts with another clock: ${resumed} of ${restarts} uploads went on, no live blob was collected`,
  );
  assert.equal(resumed, restarts);
});

/** Answers how many uploads went on. */
async function restartAgain(times: number): Promise<number> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-clock-'));
  const clock = join(directory.path, 'clock');
  await setClock(clock, '+0d');
  await using stack = new AsyncDisposableStack();
  const start = async () =>
    stack.use(
      await startRegistry({
        dataDir: join(directory.path, 'data'),
        env: {
          ...(await fakeTime(clock)),
          REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_INTERVAL: '1s',
        },
      }),
    );
  let registry = await start();
  const ask: Ask = (options) => request(registry.plainUrl, options);
  let resumed = 0;

  for (let round = 0; round < times; round++) {
    const jump = jumps[round % jumps.length] ?? jumps[0];
    const tag = `t${round}`;
    await pushImage(registry, name, tag, tag);
    const leased = `leased ${tag}`;
    const path = `/v2/${name}/blobs/uploads/?digest=${digestOf(leased)}`;
    assert.equal((await ask({ method: 'POST', path, body: leased })).status, 201);
    const upload = await startUpload(ask, 'first half, ');

    // While it runs, or while it does not.
    if (round % 2 === 0) await setClock(clock, jump.to);
    await registry.stop();
    await setClock(clock, jump.to);
    registry = await start();
    await clockIs(registry, jump.ms);
    const purges = countPurges(registry) + 2;
    while (countPurges(registry) < purges) await delay(50);
    await berth(registry.dataDir, 'gc');
    const ended = await endUpload(ask, upload);
    if (ended.status === 201) resumed++;
    assert.deepEqual(
      {
        ended: ended.status,
        leased: (await ask({ method: 'HEAD', path: `/v2/${name}/blobs/${digestOf(leased)}` })).status,
        isPulled: await isPulled(ask, tag),
      },
      { ended: 201, leased: 200, isPulled: true },
      `${jump.to}: ${registry.log().slice(-2000)}`,
    );
    await setClock(clock, '+0d');
    await clockIs(registry, 0);
  }
  return resumed;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** What makes the clock of a process say what a file says. */
async function fakeTime(file: string): Promise<Record<string, string>> {
  const [library] = await Array.fromAsync(glob('/usr/lib/*/faketime/libfaketimeMT.so.1'));
  assert.ok(library !== undefined, 'the library of faketime is not where Debian has it');
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
}

/** Sets it at once: half a line would be another time. */
async function setClock(file: string, offset: string): Promise<void> {
  await writeFile(`${file}.new`, `${offset}\n`);
  await rename(`${file}.new`, file);
}

/** Waits until the process has seen that its clock is so far from ours. */
async function clockIs({ plainUrl }: TestRegistry, offsetMs: number): Promise<void> {
  for (;;) {
    const { headers } = await request(plainUrl, { path: '/readyz' });
    if (Math.abs(Date.parse(String(headers.date)) - Date.now() - offsetMs) < 10 * 60_000) return;
    await delay(50);
  }
}

async function startUpload(ask: Ask, half: string): Promise<string> {
  const started = await ask({ method: 'POST', path: `/v2/${name}/blobs/uploads/` });
  const path = String(started.headers.location).replace(/^https?:\/\/[^/]+/, '');
  const answer = await ask({ method: 'PATCH', path, body: half });
  assert.equal(answer.status, 202, String(answer.body));
  return String(answer.headers.location).replace(/^https?:\/\/[^/]+/, '');
}

/** Sends the rest, and answers how that ended: the first answer that is no success, or the last. */
async function endUpload(ask: Ask, upload: string): Promise<Answer> {
  const rest = await ask({ method: 'PATCH', path: upload, body: 'second half' });
  if (rest.status !== 202) return rest;
  const { pathname, search } = new URL(String(rest.headers.location), 'http://localhost');
  const digest = digestOf('first half, second half');
  const path = `${pathname}${search}${search === '' ? '?' : '&'}digest=${digest}`;
  return await ask({ method: 'PUT', path });
}

/** An upload of a former process, which nobody continues; answers where it lies. */
async function leaveUpload(dataDir: string): Promise<string> {
  const path = join(dataDir, `docker/registry/v2/repositories/${name}/_uploads/${randomUUID()}`);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'data'), 'half');
  return path;
}

function countPurges(registry: TestRegistry): number {
  return registry.log().match(/event=purgeFinished/g)?.length ?? 0;
}

/** The parts of the image are pulled with the password, so that it is the whole way of a client. */
async function isPulled(ask: Ask, reference: string): Promise<boolean> {
  const { status, body } = await ask({ path: `/v2/${name}/manifests/${reference}` });
  if (status !== 200) return false;
  const { config, layers } = JSON.parse(String(body)) as {
    config: { digest: string };
    layers: readonly { digest: string }[];
  };
  const found = await Promise.all(
    [config, ...layers].map(async ({ digest }) => {
      const blob = await ask({ path: `/v2/${name}/blobs/${digest}` });
      return blob.status === 200 && digestOf(blob.body) === digest;
    }),
  );
  return found.every(Boolean);
}

/**
 * TLS is served at any time. Ahead the certificate is replaced within a minute by one that is valid then; before the
 * authority began no certificate can be, and the one that clients with a right clock trust stays.
 */
async function certificateFollows({ host, port, ca = '' }: TestRegistry, offsetMs: number): Promise<void> {
  for (;;) {
    const socket = connect({ host, port, ca, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerX509Certificate();
    socket.destroy();
    assert.ok(certificate);
    const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
    assert.ok(
      from < to,
      `the certificate ends before it begins: ${certificate.validFrom}, ${certificate.validTo}`,
    );
    const isIn = (time: number): boolean => from <= time && time < to;
    if (!waitsForTls || offsetMs < -dayMs) return;
    if (isIn(Date.now() + offsetMs)) return;
    await delay(500);
  }
}
