/**
 * 200 logins a second, half of them wrong, of several users and from many addresses, beside one client that pulls: it must not
 * notice them. LOGIN_SECONDS: for how long. The short form asks it of nine of ten pulls, the long one of 99 of 100. A pull
 * may take as long as one comparison of a password, or where others want the processors as well as ten; without protection it
 * waits for all that are due.
 */
import assert from 'node:assert/strict';
import { compareSync, hashSync } from 'bcryptjs';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, loadavg } from 'node:os';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type BcryptPool, createBcryptPool } from '../../registry/auth/bcrypt-pool.ts';
import { createGuard } from '../../registry/auth/guard.ts';
import { ownCost, parseUsers } from '../../registry/auth/users.ts';
import { createPasswordVerifier } from '../../registry/auth/verify-password.ts';

import { connect, type Connection, expect } from '../bench/client.ts';
import { mediaTypes, pushInto } from '../support/content.ts';
import { request } from '../support/http.ts';
import { clientAddresses } from '../support/parallel.ts';
import { quantile } from '../support/statistics.ts';
import { startWithUsers } from '../wire/support.ts';

const seconds = Number(process.env['LOGIN_SECONDS'] ?? 2);
const perSecond = 200;
/** How long the logins last before they pause. */
const phaseMs = seconds >= 30 ? 5000 : 1000;
const share = seconds >= 30 ? 0.99 : 0.9;
/** How often is pulled; who waits longer than that keeps the next ones waiting, and their time counts from when it was due. */
const pullEachMs = 20;
const name = 'team/app';
const users = Array.from({ length: 10 }, (_, at) => `user${at}`);
const onLinux = process.platform === 'linux' ? {} : { skip: 'asks from many addresses of loopback' };

interface Pulls {
  readonly alone: readonly number[];
  readonly beside: readonly number[];
  readonly statuses: ReadonlyMap<number, number>;
}

/** Pulls without and with logins in turns, so that both meet the same load of the machine; milliseconds. */
async function measure(
  base: string,
  { pull, forSeconds, atOnceMs }: { pull: () => Promise<void>; forSeconds: number; atOnceMs: number },
): Promise<Pulls> {
  const addresses = clientAddresses();
  const statuses = new Map<number, number>();
  const [alone, beside]: [number[], number[]] = [[], []];
  const time = async (taken: number[], until: number): Promise<void> => {
    for (let dueAt = performance.now(); dueAt < until; dueAt += pullEachMs) {
      await delay(Math.max(0, dueAt - performance.now()));
      await pull();
      taken.push(performance.now() - dueAt);
    }
  };
  const logIn = async (until: number): Promise<void> => {
    const startedAt = performance.now();
    const logins: Promise<void>[] = [];
    for (; performance.now() < until; await delay(5)) {
      // As many as are due by now, whatever the timer does.
      while (logins.length < ((performance.now() - startedAt) * perSecond) / 1000) {
        const user = users[logins.length % users.length] ?? '';
        const password = logins.length % 2 === 0 ? user : randomUUID();
        const login = request(base, {
          path: '/v2/',
          user: `${user}:${password}`,
          from: addresses.next().value,
        });
        logins.push(login.then(({ status }) => void statuses.set(status, (statuses.get(status) ?? 0) + 1)));
      }
    }
    await Promise.all(logins);
  };
  for (let left = forSeconds * 1000; left > 0; left -= atOnceMs) {
    await time(alone, performance.now() + atOnceMs);
    const until = performance.now() + atOnceMs;
    await Promise.all([time(beside, until), logIn(until)]);
  }
  return { alone, beside, statuses };
}

/** How many comparisons a pull may wait for. */
const bearable = (loadavg()[0] ?? 0) > availableParallelism() ? 10 : 1;

/** The slow pulls of both kinds, and whether those beside logins were slowed. */
function judge({ alone, beside }: Pulls, compareMs: number) {
  const [before, after] = [quantile(alone, share), quantile(beside, share)];
  return { before, after, isSlowed: after >= Math.max(2 * before, bearable * compareMs) };
}

test(`${perSecond} logins a second, half of them wrong, do not slow down a pull`, onLinux, async (t) => {
  const roles = Object.fromEntries(users.map((user) => [user, { role: 'pull' as const }]));
  await using registry = await startWithUsers({ ...roles, dev: { role: 'admin' } }, { cost: ownCost });
  const pusher = pushInto({ ...registry, user: 'dev:dev' }, name);
  const layer = await pusher.blob(randomBytes(256 * 1024), mediaTypes.layer);
  await pusher.manifest({ config: layer, layers: [layer] }, 'latest');
  const authorization = `Basic ${Buffer.from('dev:dev').toString('base64')}`;
  using connection = await connect({ port: registry.port, ca: undefined, authorization });
  const pull = () => pullOnce(connection, layer.digest);
  for (let at = 0; at < 50; at += 1) await pull();
  // The first login of each user is compared, the next ones are remembered.
  const compareMs: number[] = [];
  for (const user of users) {
    const startedAt = performance.now();
    const { status } = await request(registry.plainUrl, { path: '/v2/', user: `${user}:${user}` });
    compareMs.push(performance.now() - startedAt);
    assert.equal(status, 200);
  }

  const pulls = await measure(registry.plainUrl, { pull, forSeconds: seconds, atOnceMs: phaseMs });

  const { before, after, isSlowed } = judge(pulls, quantile(compareMs, 0.5));
  const logins = pulls.statuses.values().reduce((sum, count) => sum + count, 0);
  t.diagnostic(
    `${pulls.beside.length} pulls beside ${logins} logins at cost ${ownCost}, ${[...pulls.statuses].map(([status, count]) => `${count} x ${status}`).join(', ')}: p${share * 100} ${after.toFixed(1)} ms, ${before.toFixed(1)} ms without; a comparison takes ${quantile(compareMs, 0.5).toFixed(0)} ms`,
  );
  assert.ok(logins >= (perSecond * seconds) / 2, `${logins} logins`);
  const known = new Set([200, 401, 429]);
  assert.deepEqual(
    [...pulls.statuses.keys()].filter((status) => !known.has(status)),
    [],
  );
  for (const status of [200, 401]) assert.ok(pulls.statuses.has(status), `none was answered with ${status}`);
  assert.ok(!isSlowed, `p${share * 100} ${after} ms, ${before} ms without`);
});

test('the measure sees a server that compares passwords where it answers', onLinux, async (t) => {
  await using pool = createBcryptPool();
  const onLoop: BcryptPool = {
    ...pool,
    count: 0,
    compare: (password, hash) => Promise.resolve(compareSync(password, hash)),
  };
  const verify = createPasswordVerifier({ pool: onLoop, guard: createGuard() });
  const lines = users.map((user) => `${user}:${hashSync(user, ownCost)}\n`);
  const startedAt = performance.now();
  compareSync('wrong', lines[0]?.trim().split(':')[1] ?? '');
  const compareMs = performance.now() - startedAt;
  const known = parseUsers(Buffer.from(lines.join('')), 'users');
  const server = createServer((req, res) => {
    const [user = '', password = ''] = Buffer.from(req.headers.authorization?.slice(6) ?? '', 'base64')
      .toString()
      .split(':');
    if (user === '') {
      res.end('pulled');
      return;
    }
    const address = req.socket.remoteAddress ?? '';
    void verify({ users: known, user, password, address, isDisabled: false }).then(
      (isRight) => res.writeHead(isRight ? 200 : 401).end(),
      () => res.writeHead(429).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  using connection = await connect({ port, ca: undefined, authorization: undefined });
  const pull = async () => void (await expect(connection, { method: 'GET', path: '/' }, 200));

  const pulls = await measure(`http://127.0.0.1:${port}`, { pull, forSeconds: 0.4, atOnceMs: 400 });

  connection[Symbol.dispose]();
  server.closeAllConnections();
  server.close();
  const { before, after, isSlowed } = judge(pulls, compareMs);
  t.diagnostic(
    `compared on the thread of the requests: p${share * 100} ${after.toFixed(1)} ms, ${before.toFixed(1)} ms without`,
  );
  assert.ok(isSlowed, `${after} ms, ${before} ms without`);
});

/** Manifest and layer. */
async function pullOnce(connection: Connection, digest: string): Promise<void> {
  await expect(connection, { method: 'GET', path: `/v2/${name}/manifests/latest` }, 200);
  await expect(connection, { method: 'GET', path: `/v2/${name}/blobs/${digest}` }, 200);
}
