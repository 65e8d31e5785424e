/**
 * What the time of a refused login tells, what bcrypt leaves out of a password, and what a flood of wrong passwords does
 * to others. LOGIN_TIMES: logins of each kind; LOGIN_COST: of the hashes; LOGIN_FLOOD_SECONDS.
 *
 * Where nothing is told, the separation of two kinds is 0.5 give or take the noise of the sample, and stays within four
 * standard deviations of it in all but one of 16,000 runs: those are admitted. With 1,000 of each that is the 0.55
 * that is aimed at. A machine that is busy slows all kinds alike, since they take turns; medians may then be apart by their own
 * noise, which is told beside them.
 */
import assert from 'node:assert/strict';
import { hashSync } from 'bcryptjs';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type BcryptPool, createBcryptPool } from '../../registry/auth/bcrypt-pool.ts';
import { createGuard } from '../../registry/auth/guard.ts';
import { parseUsers } from '../../registry/auth/users.ts';
import { createPasswordVerifier } from '../../registry/auth/verify-password.ts';
import { request } from '../support/http.ts';
import { clientAddresses } from '../support/parallel.ts';
import type { TestRegistry } from '../support/registry.ts';
import { medianNoise, quantile, separation, separationNoise } from '../support/statistics.ts';
import { pushImage, sender, startWithUsers } from '../wire/support.ts';

const times = Number(process.env['LOGIN_TIMES'] ?? 60);
const cost = Number(process.env['LOGIN_COST'] ?? 6);
const floodSeconds = Number(process.env['LOGIN_FLOOD_SECONDS'] ?? 4);
/** How long the flood lasts before it pauses. */
const phaseMs = 500;
const onLinux = process.platform === 'linux' ? {} : { skip: 'asks from many addresses of loopback' };
const addresses = clientAddresses();

const kinds = ['known', 'unknown', 'disabled'] as const;
type Times = Readonly<Record<(typeof kinds)[number], number[]>>;

/** Times logins of each kind in turns, each kind first as often as last. */
async function measure(login: (user: string) => Promise<void>): Promise<Times> {
  const taken: Times = { known: [], unknown: [], disabled: [] };
  for (let at = -5; at < times; at += 1) {
    const turn = at % 2 === 0 ? kinds : kinds.toReversed();
    for (const kind of turn) {
      const startedAt = performance.now();
      await login(`${kind}${Math.abs(at)}`);
      // The first ones start threads and compile.
      if (at >= 0) taken[kind].push(performance.now() - startedAt);
    }
  }
  return taken;
}

/** How far a kind is from the known users: medians in milliseconds, and the separation from 0.5. */
function leakOf({ known, ...others }: Times, kind: 'unknown' | 'disabled') {
  const apartMs = Math.abs(quantile(others[kind], 0.5) - quantile(known, 0.5));
  const auc = separation(known, others[kind]);
  const noise = separationNoise(times, times);
  const noiseMs = Math.hypot(medianNoise(known), medianNoise(others[kind]));
  const isTold = apartMs >= Math.max(2, 4 * noiseMs) || Math.abs(auc - 0.5) >= Math.max(0.05, 4 * noise);
  return { apartMs, noiseMs, auc, isTold };
}

async function refuse({ plainUrl }: TestRegistry, user: string): Promise<void> {
  const options = { path: '/v2/', user: `${user}:wrong`, from: addresses.next().value };
  assert.equal((await request(plainUrl, options)).status, 401);
}

test('a refused login does not tell by its time whether the user is there', onLinux, async (t) => {
  const names = Array.from({ length: times }, (_, at) => at);
  await using registry = await startWithUsers(
    {
      ...Object.fromEntries(names.map((at) => [`known${at}`, { role: 'pull' }])),
      ...Object.fromEntries(names.map((at) => [`disabled${at}`, { role: 'pull', disabled: true }])),
    },
    { cost, startTimeoutMs: 60_000 },
  );

  const taken = await measure((user) => refuse(registry, user));

  for (const kind of ['unknown', 'disabled'] as const) {
    const { apartMs, noiseMs, auc, isTold } = leakOf(taken, kind);
    t.diagnostic(
      `${times} known and ${times} ${kind} users at cost ${cost}: medians ${apartMs.toFixed(2)} ms apart of ${quantile(taken.known, 0.5).toFixed(1)} ms, give or take ${noiseMs.toFixed(2)} ms, AUC ${auc.toFixed(3)}`,
    );
    assert.ok(!isTold, `${kind}: medians ${apartMs} ms apart, AUC ${auc}`);
  }
});

test('the measure sees a registry that does no work for unknown users', async (t) => {
  const hash = hashSync('right', cost);
  const lines = Array.from({ length: times }, (_, at) => `known${at}:${hash}\ndisabled${at}:${hash}\n`);
  const users = parseUsers(Buffer.from(lines.join('')), 'users');
  await using pool = createBcryptPool();
  const lazy: BcryptPool = {
    ...pool,
    count: 0,
    compare: async (password, against, options) =>
      against === hash && (await pool.compare(password, against, options)),
  };
  const judge = async (by: BcryptPool): Promise<Times> => {
    const verify = createPasswordVerifier({ pool: by, guard: createGuard() });
    return await measure(async (user) => {
      const isDisabled = user.startsWith('disabled');
      const asked = { users, user, password: 'wrong', address: addresses.next().value, isDisabled };
      assert.equal(await verify(asked), false);
    });
  };

  const { auc, isTold } = leakOf(await judge(lazy), 'unknown');

  assert.ok(isTold);
  t.diagnostic(`without a comparison for unknown users: AUC ${auc.toFixed(3)}`);
});

test('a password of 72 bytes counts to its last byte, and none is longer', onLinux, async (t) => {
  const [ascii, wide] = ['0123456789abcdefghijkl'.repeat(4).slice(0, 72), 'ä'.repeat(36)];
  await using registry = await startWithUsers({ [ascii]: { role: 'pull' }, [wide]: { role: 'pull' } });
  const ask = async (name: string, password: string | Uint8Array): Promise<number> => {
    const bytes = Buffer.concat([Buffer.from(`${name}:`), Buffer.from(password)]);
    const headers = { authorization: `Basic ${bytes.toString('base64')}` };
    const from = addresses.next().value;
    return (await request(registry.plainUrl, { path: '/v2/', headers, from })).status;
  };
  const variants = [ascii, wide].flatMap((name) => {
    const bytes = Buffer.from(name);
    return [
      ...Array.from({ length: 72 }, (_, length) => bytes.subarray(0, length)),
      ...[73, 80, 100, 144, 1000].map((length) =>
        Buffer.concat([bytes, bytes, Buffer.alloc(1000, 'x')]).subarray(0, length),
      ),
      ...['\0', ' ', '\n', 'x'].map((more) => Buffer.from(`${name}${more}`)),
      ...[0, 35, 70, 71].map((at) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))),
      Buffer.concat([bytes.subarray(0, 71), Buffer.of(0)]),
    ].map((password) => ({ name, password }));
  });

  const admitted: string[] = [];
  for (const { name, password } of variants) {
    if ((await ask(name, password)) !== 401) admitted.push(String(Buffer.from(password)));
  }

  assert.deepEqual(admitted, []);
  assert.deepEqual([await ask(ascii, ascii), await ask(wide, wide)], [200, 200]);
  assert.ok(variants.length >= 100);
  t.diagnostic(`${variants.length} shortened, lengthened and changed passwords of 72 bytes: 0 admitted`);
});

test('1,000 wrong passwords a minute do not slow down who is logged in', onLinux, async (t) => {
  await using registry = await startWithUsers({ dev: { role: 'admin' } }, { cost: 10 });
  await pushImage(sender(registry, 'dev:dev'), 'team/app', 'v');
  const honest = async (taken: number[]): Promise<void> => {
    for (const until = performance.now() + phaseMs; performance.now() < until; await delay(5)) {
      const startedAt = performance.now();
      const { status } = await sender(registry, 'dev:dev')('GET', '/v2/team/app/manifests/v');
      taken.push(performance.now() - startedAt);
      assert.equal(status, 200);
    }
  };
  const statuses = new Map<number, number>();
  const flood = async (): Promise<void> => {
    const guesses: Promise<void>[] = [];
    for (const until = performance.now() + phaseMs; performance.now() < until; await delay(60)) {
      // Every other one from the same place, as one guesser does; the rest from everywhere.
      const from = guesses.length % 2 === 0 ? '127.0.0.2' : addresses.next().value;
      const guess = request(registry.plainUrl, { path: '/v2/', user: `dev:${randomUUID()}`, from });
      guesses.push(guess.then(({ status }) => void statuses.set(status, (statuses.get(status) ?? 0) + 1)));
    }
    await Promise.all(guesses);
  };

  const [alone, beside]: [number[], number[]] = [[], []];
  // In turns, so that both meet the same load of the machine.
  for (let left = floodSeconds * 1000; left > 0; left -= phaseMs) {
    await honest(alone);
    await Promise.all([honest(beside), flood()]);
  }

  const share = floodSeconds >= 30 ? 0.99 : 0.9;
  const [before, after] = [quantile(alone, share), quantile(beside, share)];
  t.diagnostic(
    `${beside.length} requests beside ${[...statuses].map(([status, count]) => `${count} x ${status}`).join(' and ')}: p${share * 100} ${after.toFixed(1)} ms, ${before.toFixed(1)} ms without`,
  );
  assert.deepEqual(
    [...statuses.keys()].toSorted((a, b) => a - b),
    [401, 429],
  );
  // A few milliseconds of either are the noise of the machine.
  assert.ok(after < Math.max(2 * before, 50), `${after} ms, ${before} ms without`);
});
