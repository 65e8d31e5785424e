/** An image that docker has built, told from its blobs: what the engine that made it says of it is the oracle. */
import assert from 'node:assert/strict';
import { cp, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type AdminClient, openClient } from '../../registry/cli/client.ts';
import { isInsideEngine } from '../support/engine.ts';
import { succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

const dockerfile = `FROM scratch
ADD busybox /bin/busybox
SHELL ["/bin/busybox", "sh", "-c"]
RUN /bin/busybox mkdir -p /srv && echo first > /srv/a && echo second > /srv/b
ENV GREETING="hello you" API_TOKEN=abc
LABEL b=2 org.opencontainers.image.title=built
RUN rm /srv/a && echo changed > /srv/b && echo new > /srv/c || /bin/busybox rm /srv/a
WORKDIR /srv
EXPOSE 80/tcp
VOLUME /data
HEALTHCHECK --interval=5s --retries=2 CMD ["/bin/busybox", "true"]
STOPSIGNAL SIGINT
USER 1000:1000
ENTRYPOINT ["/bin/busybox", "echo"]
CMD ["a b", "c"]
`;

interface DockerInspect {
  readonly Os: string;
  readonly Architecture: string;
  readonly Config: {
    readonly Env: readonly string[];
    readonly Cmd: readonly string[];
    readonly Entrypoint: readonly string[];
    readonly User: string;
    readonly WorkingDir: string;
    readonly StopSignal: string;
    readonly Labels: Readonly<Record<string, string>>;
    readonly ExposedPorts: object;
    readonly Volumes: object;
    readonly Healthcheck: {
      readonly Test: readonly string[];
      readonly Interval: number;
      readonly Retries: number;
    };
  };
}

if (await isInsideEngine(import.meta.filename)) {
  suite('an image that docker has built', () => {
    const resources = new AsyncDisposableStack();
    let registry: TestRegistry;
    let client: AdminClient;
    let name: string;
    before(async () => {
      const { path } = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-built-')));
      registry = resources.use(await startRegistry({ dataDir: join(path, 'data') }));
      client = resources.use(await openClient(registry.dataDir));
      name = `localhost:${registry.port}/built/app:1`;
      await cp('/bin/busybox', join(path, 'busybox'));
      await writeFile(join(path, 'Dockerfile'), dockerfile);
      await writeFile(join(path, '.dockerignore'), '*\n!busybox\n');
      await docker('build', '--network', 'none', '--tag', name, path);
      await docker('push', name);
    });
    after(() => resources.disposeAsync());

    test('its config is the one that docker tells', async () => {
      const { config, notes } = await client.call('images.get', { repository: 'built/app', reference: '1' });

      const [said] = JSON.parse(await docker('image', 'inspect', name)) as readonly DockerInspect[];
      assert.ok(said !== undefined);
      const { Config } = said;
      assert.deepEqual(
        {
          ...config,
          env: config?.env.map((each) => `${each.name}=${each.value}`),
          labels: Object.fromEntries(config?.labels.map((each) => [each.name, each.value]) ?? []),
        },
        {
          os: said.Os,
          architecture: said.Architecture,
          created: config?.created,
          env: Config.Env,
          cmd: Config.Cmd,
          entrypoint: Config.Entrypoint,
          user: Config.User,
          workingDir: Config.WorkingDir,
          stopSignal: Config.StopSignal,
          labels: Config.Labels,
          ports: Object.keys(Config.ExposedPorts),
          volumes: Object.keys(Config.Volumes),
          healthcheck: {
            test: Config.Healthcheck.Test,
            intervalMs: Config.Healthcheck.Interval / 1e6,
            retries: Config.Healthcheck.Retries,
          },
        },
      );
      assert.deepEqual(notes, []);
      assert.deepEqual(
        config?.env.filter(({ isSecretLooking }) => isSecretLooking).map((each) => each.name),
        ['API_TOKEN'],
      );
    });

    test('its history is the Dockerfile, each layer with the step that made it', async () => {
      const { dockerfile: rebuilt, layers } = await client.call('images.get', {
        repository: 'built/app',
        reference: '1',
      });

      const asked = dockerfile.split('\n').map((line) => line.split(' ')[0] ?? '');
      const told = rebuilt.split('\n').filter((line) => !line.startsWith('#'));
      assert.deepEqual(new Set(told.map((line) => line.split(' ')[0])), new Set(asked));
      assert.ok(told.includes('CMD ["a b", "c"]') || told.includes('CMD ["a b" "c"]'), rebuilt);
      assert.match(layers[0]?.command ?? '', /^ADD .*\/bin\/busybox$/);
      assert.match(layers[1]?.command ?? '', /mkdir -p \/srv && echo first/);
      assert.match(layers[2]?.command ?? '', /rm \/srv\/a/);
    });

    test('its layers show what each step added, changed and removed', async () => {
      const { layers, manifest } = await client.call('images.get', {
        repository: 'built/app',
        reference: '1',
      });
      const digest = layers[2]?.digest ?? '';

      const { rows } = await client.call('layers.files', {
        repository: 'built/app',
        digest,
        image: manifest?.digest,
      });

      const inSrv = rows.filter(({ path }) => path.startsWith('srv/'));
      assert.deepEqual(
        inSrv.map(({ path, change, wastedBytes }) => [path, change, wastedBytes]),
        [
          ['srv/a', 'removed', 6],
          ['srv/b', 'modified', 7],
          ['srv/c', 'added', undefined],
        ],
      );
      const { text } = await client.call('layers.file', { repository: 'built/app', digest, path: 'srv/b' });
      assert.equal(text, 'changed\n');
    });
  });
}

async function docker(...args: readonly string[]): Promise<string> {
  return await succeed('docker', args);
}
