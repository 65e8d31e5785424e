import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../../test/support/process.ts';
import { bytesAfter, type Change, sha256 } from '../change.ts';
import { type Host, thisHost } from '../host.ts';
import { findHelper, type HelperReach } from './helper-shim.ts';

const helper = fileURLToPath(new URL('docker-credential-berth.ts', import.meta.url));
const helperCommand = [process.execPath, helper];
const request = { address: 'localhost:5000', helperCommand };
const posix = { skip: process.platform === 'win32' ? 'Windows has no scripts of a shell' : false };

/** An empty home whose .local/bin is on the PATH, with the programs that a shell needs. */
async function makeHome(uid = process.getuid?.()) {
  const home = await mkdtempDisposable(join(tmpdir(), "berth-it's-"));
  const bin = join(home.path, '.local/bin');
  const env = { HOME: home.path, PATH: `${bin}/:/usr/bin:/bin` };
  const host: Host = { ...thisHost(env), uid };
  return {
    host,
    bin,
    path: join(bin, 'docker-credential-berth'),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

/** The script of the plan, which has to lie there: the tests that follow it write it. */
function shimAt(path: string, reach: HelperReach): Change {
  assert.ok(reach.kind === 'reachable' && reach.shim !== undefined, JSON.stringify(reach));
  assert.deepEqual(reach.shim.place, { kind: 'file', path, mode: 0o755 });
  return reach.shim;
}

async function write(path: string, shim: Change): Promise<void> {
  await writeFile(path, bytesAfter(shim), { mode: 0o755 });
}

test('a script in a folder of the user on the PATH makes the helper found and run', posix, async () => {
  await using home = await makeHome();
  await mkdir(home.bin, { recursive: true });

  const shim = shimAt(home.path, await findHelper(home.host, request));
  await write(home.path, shim);
  const answer = await run(home.path, ['list'], { env: { HOME: home.host.home } });
  const again = await findHelper(home.host, request);

  assert.equal(shim.before, undefined);
  assert.deepEqual([answer.code, answer.stdout, answer.stderr], [0, '{}\n', '']);
  assert.deepEqual(again, { kind: 'reachable', shim: undefined });
});

test('without a program that stays where it is no script is planned', posix, async () => {
  await using home = await makeHome();
  await mkdir(home.bin, { recursive: true });

  const reach = await findHelper(home.host, { ...request, helperCommand: undefined });

  assert.deepEqual(reach, { kind: 'unreachable', why: 'docker-credential-berth is not on the PATH' });
});

test('the commands for doing it by hand make the same script', posix, async () => {
  await using home = await makeHome();
  const shim = shimAt(home.path, await findHelper(home.host, request));

  const { code, stderr } = await run('sh', ['-ec', shim.manual.join('\n')]);

  assert.deepEqual([code, stderr], [0, '']);
  assert.equal((await stat(home.path)).mode & 0o777, 0o755);
  assert.deepEqual(await findHelper(home.host, request), { kind: 'reachable', shim: undefined });
});

test('a script of ours whose target is gone is written anew', posix, async () => {
  await using home = await makeHome();
  await mkdir(home.bin, { recursive: true });
  const stale = shimAt(
    home.path,
    await findHelper(home.host, { ...request, helperCommand: ['/gone/node', '/gone/helper'] }),
  );
  await write(home.path, stale);

  const shim = shimAt(home.path, await findHelper(home.host, request));

  assert.equal(shim.before, sha256(bytesAfter(stale)));
  await write(home.path, shim);
  assert.deepEqual(await findHelper(home.host, request), { kind: 'reachable', shim: undefined });
});

for (const { name, make, why } of [
  {
    name: 'a broken program of somebody else is in the way',
    make: async (path: string) => {
      await writeFile(path, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    },
    why: /docker-credential-berth does not work$/,
  },
  {
    name: 'a file that is no program at all is in the way',
    make: async (path: string) => {
      await writeFile(path, '#!/gone/interpreter\n', { mode: 0o755 });
    },
    why: /docker-credential-berth does not work$/,
  },
  {
    name: 'a file that cannot be run is in the way',
    make: async (path: string) => {
      await writeFile(path, 'notes', { mode: 0o644 });
    },
    why: /^neither is it on the PATH nor a folder of yours/,
  },
  {
    name: 'everybody may write into the folder',
    make: async (path: string) => {
      await chmod(join(path, '..'), 0o777);
    },
    why: /^neither is it on the PATH nor a folder of yours/,
  },
]) {
  test(`the helper cannot be reached: ${name}`, posix, async () => {
    await using home = await makeHome();
    await mkdir(home.bin, { recursive: true });
    await make(home.path);

    const reach = await findHelper(home.host, request);

    assert.equal(reach.kind, 'unreachable');
    assert.match(reach.kind === 'unreachable' ? reach.why : '', why);
  });
}

test('a folder of somebody else, or none on the PATH, is not used', posix, async () => {
  await using home = await makeHome();
  await using foreign = await makeHome((process.getuid?.() ?? 0) + 1);
  await mkdir(foreign.bin, { recursive: true });
  const withoutPath = { ...home.host, env: { ...home.host.env, PATH: '/usr/bin:/bin' } };

  const kinds = [await findHelper(foreign.host, request), await findHelper(withoutPath, request)];

  assert.deepEqual(
    kinds.map(({ kind }) => kind),
    ['unreachable', 'unreachable'],
  );
});

test('for root the script goes to /usr/local/bin, where all users find it', posix, async () => {
  await using home = await makeHome();
  await using system = await mkdtempDisposable(join(tmpdir(), 'berth-system-'));
  const host: Host = {
    ...home.host,
    uid: 0,
    env: { ...home.host.env, PATH: `/usr/local/bin:${home.bin}` },
    find: async () => undefined,
    systemPath: (path) => join(system.path, path),
  };

  const reach = await findHelper(host, request);

  shimAt('/usr/local/bin/docker-credential-berth', reach);
});

test('on Windows a program on the PATH counts, and nothing is placed', async () => {
  await using home = await makeHome();
  await mkdir(home.bin, { recursive: true });
  const windows: Host = { ...home.host, platform: 'win32' };
  const without = await findHelper(windows, request);
  await writeFile(home.path, '', { mode: 0o755 });

  const found = await findHelper(windows, request);

  assert.deepEqual(
    [without, found],
    [
      { kind: 'unreachable', why: 'docker-credential-berth is not on the PATH' },
      { kind: 'reachable', shim: undefined },
    ],
  );
});
