/** One repository that takes no writes, while all others do. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openClient } from '../../registry/cli/client.ts';
import { openRepositoryNotes } from '../../registry/rules/repository-notes.ts';
import { berthOn } from '../support/berth.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { imageOf, ociManifest, pushImage, refusal, type Send, sender } from './support.ts';

const name = 'team/frozen';
let registry: TestRegistry;
let send: Send;
let digest: string;

before(async () => {
  registry = await startRegistry();
  send = sender(registry);
  digest = await pushImage(send, name, '1');
  await pushImage(send, name, '2');
  await berthOn(registry.dataDir).json(
    'repository',
    name,
    '--read-only',
    'on',
    '--description',
    'Kept as it is',
  );
});
after(() => registry[Symbol.asyncDispose]());

test('what writes is refused with the name and the reason, and pulls go on', async () => {
  const put = await send('PUT', `/v2/${name}/manifests/3`, {
    headers: { 'content-type': ociManifest },
    body: imageOf([], { annotations: { other: 'yes' } }),
  });
  const others = [
    await send('POST', `/v2/${name}/blobs/uploads/`),
    await send('DELETE', `/v2/${name}/manifests/${digest}`),
  ];

  assert.deepEqual(
    [put, ...others].map((answer) => refusal(answer)),
    Array.from({ length: 3 }, () => '405 UNSUPPORTED'),
  );
  const { errors } = put.json() as { readonly errors: readonly { readonly message: string }[] };
  assert.equal(
    errors[0]?.message,
    `The repository ${name} is read-only: nothing in it is pushed, moved or deleted. An administrator of this registry can end that.`,
  );
  assert.equal((await send('GET', `/v2/${name}/manifests/1`)).status, 200);
  await pushImage(send, 'team/free', '1');
});

test('the control plane refuses as well, whatever the way into it', async () => {
  using client = await openClient(registry.dataDir);
  const plan = await client.call('tags.plan', { repository: name, tags: ['1'] });
  const writes = [
    () => client.call('tags.set', { repository: name, tag: '9', digest }),
    () => client.call('tags.delete', { repository: name, tag: '1' }),
    () => client.call('tags.deleteMany', { repository: name, tags: ['1'], plan: plan.plan }),
    () => client.call('repositories.delete', { repository: name }),
    () =>
      client.call('images.copy', {
        from: { repository: 'team/free', reference: '1' },
        to: { repository: name, tag: '9' },
      }),
  ];
  await pushImage(send, 'team/free', '1');

  for (const write of writes) await assert.rejects(write, { code: 'STORAGE_READ_ONLY' });
  const tags = await client.call('tags.list', { repository: name });
  assert.deepEqual(tags.rows.map(({ tag }) => tag).toSorted(), ['1', '2']);
});

test('rules leave its tags alone', async () => {
  using client = await openClient(registry.dataDir);
  const rules = { retention: [{ id: 'few', repositories: ['team/*'], keep: { newest: 1 } }] };
  const { outcome } = await client.call('rules.simulate', { rules });
  await client.call('rules.set', { rules, plan: outcome.plan });

  await client.call('rules.run', {});

  assert.equal((await client.call('tags.list', { repository: name })).total, 2);
});

test('lists and the audit tell it, the file is private, and another start knows it', async () => {
  using client = await openClient(registry.dataDir);

  const { rows } = await client.call('repositories.list', { q: name });
  const audit = await client.call('audit.list', { kind: 'settingChanged' });
  const read = await openRepositoryNotes(registry.dataDir);

  assert.deepEqual(
    rows.map(({ description, isReadOnly }) => ({ description, isReadOnly })),
    [{ description: 'Kept as it is', isReadOnly: true }],
  );
  assert.ok(
    audit.rows.some(({ repository, detail }) => repository === name && detail === 'description, read-only'),
  );
  assert.deepEqual(read.of(name), { description: 'Kept as it is', isReadOnly: true });
});

test('it is ended, and nothing of it is left', async () => {
  const berth = berthOn(registry.dataDir);

  await berth.json('repository', name, '--read-only', 'off', '--description', '');

  await pushImage(send, name, '1');
  const file = join(registry.dataDir, 'berth', 'repositories.json');
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { version: 1, repositories: {} });
  await writeFile(file, '{ "version": 1, "repositories": [] }');
  await assert.rejects(openRepositoryNotes(registry.dataDir), { code: 'DATA_UNUSABLE' });
});
