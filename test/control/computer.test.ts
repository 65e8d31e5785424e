/** What the control plane tells of engines, changes and checks: the same as the verbs of the command line. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { type AdminClient, openClient } from '../../registry/cli/client.ts';
import { berthOn } from '../support/berth.ts';
import { type RegistryOptions, startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

async function open(t: TestContext, options: RegistryOptions = {}) {
  const registry = await startRegistry({ listen: 'localhost:0', ...options });
  t.after(() => registry.stop());
  const client: AdminClient = await openClient(registry.dataDir);
  t.after(() => client.close());
  return { registry, client, berth: berthOn(registry.dataDir, { HOME: registry.dataDir }) };
}

suite('the computer, by the control plane', () => {
  test('engines and a change are those of the command line', needs('podman'), async (t) => {
    const { client, berth } = await open(t);
    const engines = await client.call('engines.list', {});
    const before = await client.call('changes.list', {});

    await berth.agree('trust', 'add', 'podman');
    const [change] = await client.call('changes.list', {});
    const listed = (await berth.json('changes', 'ls')) as readonly unknown[];
    const detail = await client.call('changes.get', { id: change?.id ?? '' });
    await berth.run('changes', 'undo', change?.id ?? '');
    const undone = await client.call('changes.list', {});

    const shown = (await berth.json('trust', 'ls')) as readonly { id: string; address: string }[];
    assert.deepEqual(
      engines.map(({ id, address }) => [id, address]),
      shown.map(({ id, address }) => [id, address]),
    );
    assert.deepEqual(before, []);
    assert.deepEqual([change], listed);
    assert.equal(change?.state, 'in place');
    assert.equal(detail.diff, '');
    assert.ok(detail.manual.length > 0);
    assert.deepEqual(
      undone.map(({ id, state }) => [id, state]),
      [[change?.id, 'undone']],
    );
    await assert.rejects(client.call('changes.get', { id: 'c99' }), { code: 'CHANGE_UNKNOWN' });
  });

  test('snippets are those of the command line, or for a reader elsewhere', async (t) => {
    const { client, berth } = await open(t);

    const here = await client.call('snippets.list', { user: 'dev', image: 'team/app:1' });
    const there = await client.call('snippets.list', {
      user: 'dev',
      image: 'team/app:1',
      address: 'registry.lan:5443',
      caFile: 'berth-ca.crt',
    });

    assert.deepEqual(
      here.filter((each) => each.client === 'podman'),
      await berth.json('connect', 'podman'),
    );
    const texts = there.map(({ text }) => text).join('\n');
    assert.ok(texts.includes('docker login --username dev --password-stdin registry.lan:5443'), texts);
    assert.ok(!texts.includes('localhost') && !texts.includes('/berth/tls/'), texts);
    await assert.rejects(client.call('snippets.list', { user: 'dev', image: 'a\nb' }), { code: 'USAGE' });
  });

  test('of checks that run at once none takes the image of another', async (t) => {
    const { client } = await open(t, { auth: 'htpasswd' });

    const runs = await Promise.all(Array.from({ length: 4 }, () => client.call('checks.run', {})));

    const pushed = runs.flatMap((checks) => checks.filter(({ id }) => id === 'server.push'));
    assert.equal(pushed.length, runs.length);
    assert.deepEqual(
      pushed.filter(({ status }) => status !== 'pass'),
      [],
    );
    await assert.rejects(client.call('tags.list', { repository: 'berth/doctor' }), { code: 'NAME_UNKNOWN' });
  });

  test('the checks look at the registry that runs them', async (t) => {
    const { client, registry } = await open(t);

    const checks = await client.call('checks.run', {});

    const running = checks.find(({ id }) => id === 'server.running');
    assert.equal(running?.status, 'pass');
    assert.match(running?.sentence ?? '', new RegExp(`${registry.pid}|${registry.port}`));
    // The window mends what the app can do; that is told by its kind and its engine alone.
    const engines = (await client.call('engines.list', {})).map(({ id }) => id);
    for (const repair of checks.flatMap(({ fix }) => fix?.repair ?? [])) {
      assert.deepEqual(Object.keys(repair).toSorted(), ['engine', 'kind']);
      assert.ok(engines.includes(repair.engine));
    }
  });
});
