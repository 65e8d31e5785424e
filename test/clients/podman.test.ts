import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { makeImage } from '../support/image.ts';
import type { RunOptions, RunResult } from '../support/process.ts';
import { needs } from '../support/tools.ts';
import { makeWorkspace, users, type Workspace } from './workspace.ts';

suite('podman over TLS', needs('root', 'podman', 'busybox', 'openssl'), () => {
  let space: Workspace;
  let trust: readonly string[];
  before(async () => {
    space = await makeWorkspace();
    trust = ['--authfile', space.authFile, '--cert-dir', space.certDir];
    await podman(['login', ...trust, '-u', 'dev', '--password-stdin', space.registry.address], {
      input: users.dev.password,
    });
  });
  after(() => space[Symbol.asyncDispose]());

  /** Storage, locks and events in the workspace, none of the machine's. */
  const own = (): readonly string[] => {
    const folders = ['root', 'runroot', 'tmpdir'].map(
      (name) => `--${name}=${join(space.home, `podman-${name}`)}`,
    );
    return [...folders, '--storage-driver=vfs', '--cgroup-manager=cgroupfs', '--events-backend=file'];
  };
  const podman = (args: readonly string[], options?: RunOptions): Promise<string> =>
    space.succeed('podman', [...own(), ...args], options);
  const tryPodman = (args: readonly string[], options?: RunOptions): Promise<RunResult> =>
    space.run('podman', [...own(), ...args], options);
  const makeTar = async (name: string): Promise<string> =>
    (await makeImage({ out: join(space.home, `${name}.tar`), ref: `localhost/${name}:1` })).out;
  const digestOf = async (ref: string): Promise<string> =>
    (await podman(['image', 'inspect', '--format', '{{.Digest}}', ref])).trim();

  test('without the CA it refuses the certificate', async () => {
    const result = await tryPodman(['pull', '--authfile', space.authFile, `${space.registry.address}/any:1`]);

    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /x509: certificate signed by unknown authority/);
  });

  test('a wrong password is refused at login', async () => {
    const args = ['--authfile', join(space.home, 'wrong.json'), '--cert-dir', space.certDir];

    const result = await tryPodman(
      ['login', ...args, '-u', 'dev', '--password-stdin', space.registry.address],
      { input: 'wrong' },
    );

    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /invalid username\/password/);
  });

  test('an image is pushed, and pulled by tag and by digest with the same digest', async () => {
    const name = `${space.registry.address}/podman/app`;
    const digestFile = join(space.home, 'digest');
    await podman(['load', '--input', await makeTar('first')]);
    await podman(['tag', 'localhost/first:1', `${name}:1`]);
    await podman(['push', ...trust, '--digestfile', digestFile, `${name}:1`]);
    await podman(['rmi', '--all', '--force']);

    await podman(['pull', ...trust, `${name}:1`]);
    const digest = await digestOf(`${name}:1`);
    await podman(['rmi', '--all', '--force']);
    await podman(['pull', ...trust, `${name}@${digest}`]);

    assert.equal(await digestOf(`${name}@${digest}`), digest);
    assert.equal((await space.succeed('cat', [digestFile])).trim(), digest);
  });

  test('an index is pushed whole, and each platform is pulled from it', async () => {
    const name = `${space.registry.address}/podman/multi:1`;
    await podman(['manifest', 'create', '--all', 'berth-multi', `oci:${space.index.out}:1`]);
    await podman(['manifest', 'push', '--all', ...trust, 'berth-multi', `docker://${name}`]);

    for (const arch of ['amd64', 'arm64']) {
      await podman(['pull', ...trust, '--arch', arch, name]);
      assert.equal((await podman(['image', 'inspect', '--format', '{{.Architecture}}', name])).trim(), arch);
    }
  });

  test('a push with the role pull is refused with a sentence', async () => {
    const name = `${space.registry.address}/podman/denied:1`;
    await podman(['load', '--input', await makeTar('second')]);
    const creds = `reader:${users.reader.password}`;

    const result = await tryPodman([
      'push',
      '--cert-dir',
      space.certDir,
      '--creds',
      creds,
      'localhost/second:1',
      name,
    ]);

    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /denied: The user reader may not push in podman\/denied\. /);
  });
});
