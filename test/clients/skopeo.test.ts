import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { makeImage } from '../support/image.ts';
import { needs } from '../support/tools.ts';
import { makeWorkspace, users, type Workspace } from './workspace.ts';

suite('skopeo over TLS', needs('skopeo', 'busybox', 'openssl'), () => {
  let space: Workspace;
  let remote: string;
  let trust: readonly string[];
  before(async () => {
    space = await makeWorkspace();
    remote = `docker://${space.registry.address}`;
    trust = ['--authfile', space.authFile, '--cert-dir', space.certDir];
    const args = ['login', ...trust, '-u', 'dev', '--password-stdin', space.registry.address];
    await space.succeed('skopeo', args, { input: users.dev.password });
  });
  after(() => space[Symbol.asyncDispose]());

  const copyTrust = (side: 'src' | 'dest'): readonly string[] => [
    '--authfile',
    space.authFile,
    `--${side}-cert-dir`,
    space.certDir,
  ];
  const push = (from: string, to: string, ...more: readonly string[]): Promise<string> =>
    space.succeed('skopeo', ['copy', ...more, ...copyTrust('dest'), `oci:${from}:1`, `${remote}/${to}`]);

  test('without the CA it refuses the certificate', async () => {
    const result = await space.run('skopeo', ['inspect', '--authfile', space.authFile, `${remote}/any:1`]);

    assert.equal(result.code, 1);
    assert.match(result.stderr, /x509: certificate signed by unknown authority/);
  });

  test('a wrong password is refused at login', async () => {
    const authFile = join(space.home, 'wrong.json');
    const args = ['--authfile', authFile, '--cert-dir', space.certDir, '-u', 'dev', '--password-stdin'];

    const result = await space.run('skopeo', ['login', ...args, space.registry.address], { input: 'wrong' });

    assert.equal(result.code, 1);
    assert.match(result.stderr, /invalid username\/password/);
  });

  test('without a login nothing can be read', async () => {
    const args = ['inspect', '--cert-dir', space.certDir, '--no-creds', `${remote}/any:1`];

    const result = await space.run('skopeo', args);

    assert.equal(result.code, 1);
    assert.match(result.stderr, /unauthorized|authentication required/);
  });

  test('an image comes back by tag and by digest with the digest that was pushed', async () => {
    await push(space.image.out, 'skopeo/app:1');

    for (const ref of ['skopeo/app:1', `skopeo/app@${space.image.digest}`]) {
      const target = join(space.home, ref.replaceAll(/\W/g, '-'));
      await space.succeed('skopeo', ['copy', ...copyTrust('src'), `${remote}/${ref}`, `dir:${target}`]);
      const manifest = await space.succeed('skopeo', ['manifest-digest', join(target, 'manifest.json')]);
      assert.equal(manifest.trim(), space.image.digest);
    }
  });

  test('an index keeps its digest and all its platforms', async () => {
    await push(space.index.out, 'skopeo/multi:1', '--all');

    const target = join(space.home, 'multi-back');
    await space.succeed('skopeo', [
      'copy',
      '--all',
      ...copyTrust('src'),
      `${remote}/skopeo/multi@${space.index.digest}`,
      `oci:${target}:1`,
    ]);
    const raw = await space.succeed('skopeo', ['inspect', '--raw', ...trust, `${remote}/skopeo/multi:1`]);

    const { manifests } = JSON.parse(raw) as { manifests: { platform: { architecture: string } }[] };
    assert.deepEqual(
      manifests.map((entry) => entry.platform.architecture),
      ['amd64', 'arm64'],
    );
  });

  test('a copy between two repositories of the registry mounts the layers', async () => {
    await push(space.image.out, 'skopeo/source:1');
    const both = [...copyTrust('src'), '--dest-cert-dir', space.certDir];

    await space.succeed('skopeo', [
      'copy',
      ...both,
      `${remote}/skopeo/source:1`,
      `${remote}/skopeo/target:1`,
    ]);

    const shown = await space.succeed('skopeo', ['inspect', ...trust, `${remote}/skopeo/target:1`]);
    assert.equal((JSON.parse(shown) as { Digest: string }).Digest, space.image.digest);
  });

  test('tags are listed, and a deleted image is gone', async () => {
    for (const tag of ['1', '2', 'a']) await push(space.image.out, `skopeo/tags:${tag}`);
    const other = await makeImage({ out: join(space.home, 'other'), ref: 'other:1', seed: 2 });
    await push(other.out, 'skopeo/tags:other');

    const listTags = async (): Promise<unknown> => {
      const list = await space.succeed('skopeo', ['list-tags', ...trust, `${remote}/skopeo/tags`]);
      return (JSON.parse(list) as { Tags: unknown }).Tags;
    };
    const pushed = await listTags();
    // skopeo deletes the digest behind the tag, hence every tag on it.
    await space.succeed('skopeo', ['delete', ...trust, `${remote}/skopeo/tags:1`]);
    const inspect = await space.run('skopeo', ['inspect', ...trust, `${remote}/skopeo/tags:a`]);

    assert.deepEqual([pushed, await listTags()], [['1', '2', 'a', 'other'], ['other']]);
    assert.notEqual(inspect.code, 0);
    assert.match(inspect.stderr, /manifest unknown/);
  });

  test('a push with the role pull is refused with a sentence', async () => {
    const auth = `reader:${users.reader.password}`;
    const args = ['--dest-cert-dir', space.certDir, '--dest-creds', auth, `oci:${space.image.out}:1`];

    const result = await space.run('skopeo', ['copy', ...args, `${remote}/skopeo/denied:1`]);

    assert.equal(result.code, 1);
    assert.match(result.stderr, /denied: The user reader may not push in skopeo\/denied\. /);
  });
});
