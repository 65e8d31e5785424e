/** What docker saves and loads, by a real docker in a private engine. */
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type Berth, berthOn } from '../support/berth.ts';
import { isInsideEngine } from '../support/engine.ts';
import { makeImage } from '../support/image.ts';
import { succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

if (await isInsideEngine(import.meta.filename)) {
  suite('bundles and docker', () => {
    const resources = new AsyncDisposableStack();
    let home: string;
    let registry: TestRegistry;
    let berth: Berth;
    before(async () => {
      home = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-docker-'))).path;
      registry = resources.use(await startRegistry());
      berth = berthOn(registry.dataDir);
    });
    after(() => resources.disposeAsync());

    const docker = (...args: readonly string[]): Promise<string> => succeed('docker', args);
    const idOf = async (name: string): Promise<string> =>
      (await docker('image', 'inspect', '--format', '{{.Id}}', name)).trim();
    /** Loads an image of two layers and answers its name in the engine. */
    async function load(name: string, seed: number): Promise<string> {
      const { out } = await makeImage({ out: join(home, `${seed}.tar`), ref: name, layers: 2, seed });
      await docker('load', '--input', out);
      return name;
    }

    test('what docker saves is imported, packed or not, and pulled with the same id', async () => {
      const names = [
        await load(`localhost:${registry.port}/team/app:1`, 1),
        await load(`localhost:${registry.port}/team/app:2`, 2),
      ];
      const ids = await Promise.all(names.map(idOf));
      const [saved, packed] = [join(home, 'saved.tar'), join(home, 'saved.tar.gz')];
      await docker('save', '--output', saved, ...names);
      await succeed('sh', ['-c', 'gzip -c "$0" >"$1"', saved, packed]);

      const row = (await berth.json('import', saved)) as { readonly kind: string; readonly newBlobs: number };
      const again = (await berth.json('import', packed)) as {
        readonly isCompressed: boolean;
        readonly newBlobs: number;
      };
      await docker('rmi', ...names);
      for (const name of names) await docker('pull', name);

      assert.deepEqual([row.kind, again.isCompressed, again.newBlobs], ['docker-archive', true, 0]);
      assert.deepEqual(await Promise.all(names.map(idOf)), ids);
      assert.equal(await docker('run', '--rm', '--network', 'none', names[0] ?? ''), 'hello from berth\n');
    });

    test('docker loads what is exported, with the id that it pulls', async () => {
      const name = await load(`localhost:${registry.port}/team/load:1`, 3);
      await docker('push', name);
      const file = join(home, 'export.tar');

      await berth.run('export', 'team/load:1', '-o', file);
      await docker('rmi', name);
      const loaded = await docker('load', '--input', file);
      await docker('pull', name);

      assert.equal(loaded, 'Loaded image: team/load:1\n');
      assert.equal(await idOf('team/load:1'), await idOf(name));
      assert.equal(await docker('run', '--rm', '--network', 'none', 'team/load:1'), 'hello from berth\n');
    });
  });
}
