/** berth open as a person types it, with a program in the place of the system's opener that notes what it is given. */
import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, suite, test } from 'node:test';
import { type Berth, berthOn } from '../support/berth.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { pushImage, sender, startWithUsers } from '../wire/support.ts';

const isLinux = process.platform === 'linux' ? {} : { skip: 'xdg-open is the opener of Linux' };

suite('berth open', isLinux, () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let digest: string;
  let bin: string;
  let berth: Berth;
  before(async () => {
    bin = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-open-'))).path;
    registry = resources.use(
      await startWithUsers({ dev: { role: 'admin' } }, { env: { BERTH_WEB_ENABLED: 'true' } }),
    );
    const send = sender(registry, 'dev:dev');
    digest = await pushImage(send, 'team/api', '1.4');
    await pushImage(send, 'logs', 'latest');
    await setOpener('#!/bin/sh\nprintf "%s\\n" "$#" "$@" > "${0%/*}/opened"\n');
    berth = berthOn(registry.dataDir, { PATH: `${bin}:/usr/bin:/bin` });
  });
  after(() => resources.disposeAsync());
  beforeEach(() => rm(join(bin, 'opened'), { force: true }));

  async function setOpener(script: string, name = 'xdg-open'): Promise<void> {
    await writeFile(join(bin, name), script);
    await chmod(join(bin, name), 0o755);
  }

  const opened = (): Promise<string> => readFile(join(bin, 'opened'), 'utf8').catch(() => 'nothing');
  const ui = (): string => `https://localhost:${registry.port}/ui/`;

  const places: readonly (readonly [words: readonly string[], place: string])[] = [
    [[], '#/'],
    [['home'], '#/'],
    ...['repositories', 'activity', 'storage', 'logs', 'access', 'doctor', 'changes', 'settings'].map(
      (screen) => [[screen], `#/${screen}`] as const,
    ),
    [['team/api'], '#/repositories/team/api'],
    [['team/api:1.4'], '#/repositories/team/api/_/image/1.4'],
    [['team/api@DIGEST'], '#/repositories/team/api/_/image/DIGEST'],
    [['logs:latest'], '#/repositories/logs/_/image/latest'],
  ];
  for (const [words, place] of places) {
    test(`berth open ${words.join(' ')} leads to ${place}`, async () => {
      const withDigest = words.map((word) => word.replace('DIGEST', digest));

      const printed = await berth.run('open', ...withDigest);

      const url = ui() + place.replace('DIGEST', digest);
      assert.deepEqual([printed, await opened()], [`${url}\n`, `1\n${url}\n`]);
    });
  }

  test('the address is one argument that no shell reads', async () => {
    const env = { BERTH_WEB_ENABLED: 'true', REGISTRY_HTTP_PREFIX: '/a;b & $(id)/' };
    await using other = await startWithUsers({ dev: { role: 'admin' } }, { env });

    const printed = await berthOn(other.dataDir, { PATH: `${bin}:/usr/bin:/bin` }).run('open', 'logs');

    assert.equal(printed, `https://localhost:${other.port}/a;b%20&%20$(id)/ui/#/logs\n`);
    assert.equal(await opened(), `1\n${printed}`);
  });

  test('--print opens nothing, in JSON as well', async () => {
    const text = await berth.run('open', 'doctor', '--print');
    const json = await berth.json('open', 'doctor', '--print');

    assert.deepEqual([text, json], [`${ui()}#/doctor\n`, { url: `${ui()}#/doctor` }]);
    assert.equal(await opened(), 'nothing');
  });

  const refusals: readonly (readonly [word: string, code: number, says: RegExp])[] = [
    ['team/apl', 5, /^NAME_UNKNOWN: .*team\/apl[^]*team\/api/],
    ['log', 5, /^NAME_UNKNOWN: [^]*logs/],
    ['team/api:2', 5, /^MANIFEST_UNKNOWN: /],
    ['Team/API', 2, /^USAGE: "Team\/API" is neither/],
    ['../logs', 2, /^USAGE: /],
    ['$(id):1', 2, /^USAGE: /],
    ['team/api:-x', 2, /^USAGE: /],
    ['https://evil.example/', 2, /^USAGE: /],
  ];
  for (const [word, code, says] of refusals) {
    test(`berth open ${word} ends with ${code} and opens nothing`, async () => {
      const result = await berth.try('open', word);

      assert.match(result.stderr, says);
      assert.deepEqual([result.code, result.stdout, await opened()], [code, '', 'nothing']);
    });
  }

  test('without a browser the address is printed all the same', async () => {
    const bare = berthOn(registry.dataDir, { PATH: join(bin, 'none') });
    await using other = await mkdtempDisposable(join(tmpdir(), 'berth-open-'));
    await writeFile(join(other.path, 'xdg-open'), '#!/bin/sh\nexit 3\n');
    await chmod(join(other.path, 'xdg-open'), 0o755);
    const failing = berthOn(registry.dataDir, { PATH: `${other.path}:/usr/bin:/bin` });

    for (const each of [bare, failing]) {
      const result = await each.try('open');

      assert.deepEqual([result.code, result.stdout], [1, `${ui()}#/\n`]);
      assert.match(result.stderr, /^BROWSER_FAILED: xdg-open .*\n.*--print/);
    }
  });

  test('the status and up say where the window is', async () => {
    const status = await berth.run('status');
    const up = await berth.json('up');

    assert.match(status, new RegExp(`^window: +${ui()}$`, 'm'));
    assert.equal((up as { readonly ui?: string }).ui, ui());
  });
});

test('while the window is switched off, berth open says how to switch it on', async () => {
  await using registry = await startRegistry();
  const berth = berthOn(registry.dataDir);

  const result = await berth.try('open');
  const status = await berth.run('status');

  assert.deepEqual([result.code, result.stdout], [2, '']);
  assert.match(result.stderr, /^UI_OFF: .*\n.*berth config set berth\.web\.enabled true/);
  assert.match(status, /^window: +switched off$/m);
});

test('without a registry, berth open ends with 3', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-open-'));

  const { code, stdout, stderr } = await berthOn(directory.path).try('open');

  assert.deepEqual([code, stdout], [3, '']);
  assert.match(stderr, /^NOT_RUNNING: /);
});
