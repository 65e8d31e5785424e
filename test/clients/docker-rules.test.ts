/** What a person reads in docker when a rule of the registry refuses a push. */
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openClient } from '../../registry/cli/client.ts';
import { isInsideEngine } from '../support/engine.ts';
import { makeImage } from '../support/image.ts';
import { run, succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

if (await isInsideEngine(import.meta.filename)) {
  suite('docker and the rules of a registry', () => {
    const resources = new AsyncDisposableStack();
    let registry: TestRegistry;
    let loaded: string;
    before(async () => {
      const folder = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-docker-'))).path;
      registry = resources.use(await startRegistry({ dataDir: join(folder, 'data') }));
      for (const [at, name] of ['one', 'two'].entries()) {
        const tar = join(folder, `${name}.tar`);
        await makeImage({
          out: tar,
          ref: `${name}:1`,
          layers: 1,
          layerMib: 2,
          compression: 'none',
          seed: at,
        });
        await succeed('docker', ['load', '--input', tar]);
      }
      loaded = `localhost:${registry.port}`;
    });
    after(() => resources.disposeAsync());

    const push = async (image: string, name: string) => {
      await succeed('docker', ['tag', `${image}:1`, `${loaded}/${name}`]);
      return await run('docker', ['push', `${loaded}/${name}`]);
    };

    test('the rule of a protected tag', async () => {
      using client = await openClient(registry.dataDir);
      await client.call('protect.add', { rule: 'team/**:v*' });

      const first = await push('one', 'team/app:v1');
      const second = await push('two', 'team/app:v1');

      assert.equal(first.code, 0, first.stderr);
      assert.notEqual(second.code, 0);
      assert.match(
        second.stderr,
        /^denied: The tag v1 of team\/app is protected by the rule team\/\*\*:v\* and means sha256:[0-9a-f]{64}\. Use another tag\.$/m,
      );
    });

    test('the quota, at the manifest and then before any byte flows', async () => {
      using client = await openClient(registry.dataDir);
      const limit = async (bytes: number): Promise<void> => {
        const rules = { quotas: [{ id: 'ci', repositories: 'ci/*', bytes }] };
        const { outcome } = await client.call('rules.simulate', { rules });
        await client.call('rules.set', { rules, plan: outcome.plan });
      };
      await limit(5_000_000);

      const first = await push('one', 'ci/app:1');
      await limit(4_000_000);
      const beyond = await push('two', 'ci/app:2');
      await limit(1_000_000);
      const early = await push('two', 'ci/web:1');

      assert.equal(first.code, 0, first.stderr);
      assert.notEqual(beyond.code, 0);
      assert.match(
        beyond.stderr,
        /^denied: The quota ci is used up: ci\/\* may take 4MB and takes [\d.]+MB; this push needs [\d.]+MB more\. Make room with berth rm; berth du shows what takes it\.$/m,
      );
      assert.match(
        early.stderr,
        /^denied: The quota ci is used up: ci\/\* may take 1MB and takes [\d.]+MB\. /m,
      );
    });
  });
}
