import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Berth, berthOn } from '../support/berth.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { digestOf, imageOf, ociManifest, pushImage, refusal, type Send, sender } from './support.ts';

let registry: TestRegistry;
let send: Send;
let berth: Berth;

before(async () => {
  const rules = '["team/**:v*", "**:stable"]';
  registry = await startRegistry({ env: { BERTH_STORAGE_PROTECTEDTAGS: rules } });
  send = sender(registry);
  berth = berthOn(registry.dataDir);
});
after(() => registry[Symbol.asyncDispose]());

const other = { more: { annotations: { other: 'yes' } } };
const found = async (path: string) => (await send('HEAD', path)).status;

test('a protected tag takes its first meaning, and the same one again', async () => {
  const digest = await pushImage(send, 'team/app', 'v1');

  assert.equal(await pushImage(send, 'team/app', 'v1'), digest);
});

test('another meaning is refused with the rule and the present digest, and nothing of the push is stored', async () => {
  const digest = await pushImage(send, 'team/moved', 'v1');
  const bytes = imageOf([], { annotations: { other: 'yes' } });

  const answer = await send('PUT', '/v2/team/moved/manifests/v1', {
    headers: { 'content-type': ociManifest },
    body: bytes,
  });

  assert.equal(refusal(answer), '403 DENIED');
  const { errors } = answer.json() as { readonly errors: readonly { readonly message: string }[] };
  assert.equal(
    errors[0]?.message,
    `The tag v1 of team/moved is protected by the rule team/**:v* and means ${digest}. Use another tag.`,
  );
  assert.equal(await found(`/v2/team/moved/manifests/${digestOf(bytes)}`), 404);
});

test('one protected tag among several refuses them all', async () => {
  const first = await pushImage(send, 'team/many', 'v1');
  const bytes = imageOf([], { annotations: { other: 'yes' } });
  const path = `/v2/team/many/manifests/${digestOf(bytes)}?tag=latest&tag=v1`;

  const answer = await send('PUT', path, { headers: { 'content-type': ociManifest }, body: bytes });

  assert.equal(refusal(answer), '403 DENIED');
  assert.deepEqual(
    [await found('/v2/team/many/manifests/latest'), await found(`/v2/team/many/manifests/${first}`)],
    [404, 200],
  );
});

test('what no rule names is moved and deleted as ever', async () => {
  for (const [name, tag] of [
    ['team/free', 'latest'],
    ['other/free', 'v1'],
  ] as const) {
    await pushImage(send, name, tag);
    await pushImage(send, name, tag, other);
    assert.equal((await send('DELETE', `/v2/${name}/manifests/${tag}`)).status, 202);
  }
});

test('a delete of the tag, of its manifest, or of the repository is refused, for the command line as well', async () => {
  const digest = await pushImage(send, 'kept', 'stable');
  await pushImage(send, 'kept', 'free', other);

  const answers = [
    refusal(await send('DELETE', '/v2/kept/manifests/stable')),
    refusal(await send('DELETE', `/v2/kept/manifests/${digest}`)),
  ];
  const verbs = [
    await berth.try('rm', 'kept:stable'),
    await berth.try('rm', 'kept', '--yes'),
    await berth.try('tag', 'kept:stable', digest),
  ];

  assert.deepEqual(answers, ['403 DENIED', '403 DENIED']);
  assert.deepEqual(
    verbs.map(({ code }) => code),
    [1, 1, 0],
  );
  assert.match(verbs[1]?.stderr ?? '', /^TAG_PROTECTED: .* rule \*\*:stable /);
  assert.deepEqual(
    [await found('/v2/kept/manifests/stable'), await found('/v2/kept/manifests/free')],
    [200, 200],
  );
});
