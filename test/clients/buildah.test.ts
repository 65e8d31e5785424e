import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { RunOptions } from '../support/process.ts';
import { needs } from '../support/tools.ts';
import { makeWorkspace, users, type Workspace } from './workspace.ts';

suite('buildah over TLS', needs('root', 'buildah', 'busybox', 'openssl'), () => {
  let space: Workspace;
  let trust: readonly string[];
  before(async () => {
    space = await makeWorkspace();
    trust = ['--authfile', space.authFile, '--cert-dir', space.certDir];
  });
  after(() => space[Symbol.asyncDispose]());

  const own = (): readonly string[] => {
    const folders = ['root', 'runroot'].map((name) => `--${name}=${join(space.home, `buildah-${name}`)}`);
    return [...folders, '--storage-driver=vfs'];
  };
  const buildah = async (args: readonly string[], options?: RunOptions): Promise<string> =>
    (await space.succeed('buildah', [...own(), ...args], options)).trim();

  test('a wrong password is refused at login, the right one is taken', async () => {
    const args = ['login', ...trust, '-u', 'builder', '--password-stdin', space.registry.address];

    const wrong = await space.run('buildah', [...own(), ...args], { input: 'wrong' });
    const right = await buildah(args, { input: users.builder.password });

    assert.notEqual(wrong.code, 0);
    assert.match(wrong.stderr, /invalid username\/password/);
    assert.match(right, /Login Succeeded/);
  });

  test('an image built from scratch is pushed, pulled by tag and digest, and holds the file', async () => {
    const name = `${space.registry.address}/buildah/app`;
    const creds = ['--cert-dir', space.certDir, '--creds', `builder:${users.builder.password}`];
    const file = join(space.home, 'hello.txt');
    const digestFile = join(space.home, 'digest');
    await writeFile(file, 'hello from buildah');
    const container = await buildah(['from', 'scratch']);
    await buildah(['copy', container, file, '/hello.txt']);
    await buildah(['config', '--cmd', '/hello.txt', container]);
    await buildah(['commit', container, `${name}:1`]);
    await buildah(['push', ...creds, '--digestfile', digestFile, `${name}:1`, `docker://${name}:1`]);
    await buildah(['rm', '--all']);
    await buildah(['rmi', '--all', '--force']);

    const digest = await readFile(digestFile, 'utf8');
    await buildah(['pull', ...creds, `${name}:1`]);
    await buildah(['rmi', '--all', '--force']);
    await buildah(['pull', ...creds, `${name}@${digest}`]);

    const copy = await buildah(['from', `${name}@${digest}`]);
    const mounted = await buildah(['mount', copy]);
    assert.equal(await readFile(join(mounted, 'hello.txt'), 'utf8'), 'hello from buildah');
  });

  test('a push with the role pull is refused with a sentence', async () => {
    const name = `${space.registry.address}/buildah/denied:1`;
    const container = await buildah(['from', 'scratch']);
    await buildah(['commit', container, name]);
    const args = ['--cert-dir', space.certDir, '--creds', `reader:${users.reader.password}`];

    const result = await space.run('buildah', [...own(), 'push', ...args, name, `docker://${name}`]);

    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /denied: The user reader may not push in buildah\/denied\. /);
  });
});
