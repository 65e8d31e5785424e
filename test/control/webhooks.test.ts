/** Webhooks of a running registry: a real receiver that comes and goes, and a registry that is killed in between. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdir, mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openClient } from '../../registry/cli/client.ts';
import type { WebhookRow } from '../../registry/spec/admin/webhooks.ts';
import { berthOn } from '../support/berth.ts';
import { cli } from '../support/cli.ts';
import { request } from '../support/http.ts';
import { run } from '../support/process.ts';
import { type Received, startReceiver } from '../support/receiver.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { pushImage } from '../support/push.ts';

/** A data directory with a configuration. */
async function makePlace(config: object) {
  const place = await mkdtempDisposable(join(tmpdir(), 'berth-hooks-'));
  await mkdir(join(place.path, 'berth'), { mode: 0o700 });
  // JSON is YAML.
  await writeFile(join(place.path, 'berth', 'config.yml'), JSON.stringify({ version: '0.1', ...config }), {
    mode: 0o600,
  });
  return place;
}

function endpoint(url: string, more: object = {}) {
  return {
    notifications: {
      endpoints: [{ name: 'ci', url, timeout: '2s', threshold: 1000, backoff: '20ms', ...more }],
    },
    berth: { notifications: { privatetargets: ['127.0.0.1'] } },
  };
}

function tagsOf(received: readonly Received[]): readonly unknown[] {
  return received.map(({ event }) => event.target['tag']).filter((tag) => tag !== undefined);
}

function unique(received: readonly Received[]): readonly Received[] {
  const seen = new Set<string>();
  return received.filter(({ event: { id } }) => !seen.has(id) && seen.add(id));
}

async function rowsOf({ dataDir }: TestRegistry): Promise<readonly WebhookRow[]> {
  return (await berthOn(dataDir).json('webhook', 'ls')) as readonly WebhookRow[];
}

test('a receiver that is down gets everything in order, though the registry is killed and started meanwhile', async () => {
  const first = await startReceiver();
  const { port, url } = first;
  await first[Symbol.asyncDispose]();
  await using place = await makePlace(endpoint(url));
  const tags: string[] = [];
  for (const signal of ['SIGKILL', 'SIGKILL', 'SIGTERM'] as const) {
    await using registry = await startRegistry({ dataDir: place.path });
    for (let at = 0; at < 5; at += 1) {
      tags.push(`t${tags.length}`);
      await pushImage(registry, 'team/app', tags.at(-1) ?? '', `layer ${tags.length}`);
    }
    // The last push was acknowledged: from here on it must not be lost.
    await registry.kill(signal);
  }

  await using receiver = await startReceiver({ port });
  await using registry = await startRegistry({ dataDir: place.path });
  await receiver.until((received) => tagsOf(received).includes(tags.at(-1)));
  const [row] = await rowsOf(registry);

  const events = receiver.received.map(({ event }) => event);
  assert.deepEqual(tagsOf(unique(receiver.received)), tags);
  // Two blobs, then the manifest, for each push.
  assert.deepEqual(
    events.map(({ action }) => action),
    Array.from({ length: tags.length * 3 }, () => 'push'),
  );
  assert.deepEqual([row?.state, row?.pending, row?.dropped], ['ok', 0, 0]);
});

test('killed again and again while it delivers, nothing is lost and the order stays', async () => {
  let taken = 0;
  await using receiver = await startReceiver({
    // Some are refused, so that the registry is killed between tries as well.
    instead: (res) => (taken += 1) % 3 === 0 && Boolean(res.writeHead(500).end()),
  });
  await using place = await makePlace(endpoint(receiver.url));
  const tags: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    await using registry = await startRegistry({ dataDir: place.path });
    for (let at = 0; at < 6; at += 1) {
      tags.push(`t${tags.length}`);
      await pushImage(registry, 'team/app', tags.at(-1) ?? '', `layer ${tags.length}`);
    }
    await registry.kill('SIGKILL');
  }

  await using registry = await startRegistry({ dataDir: place.path });
  await receiver.until((received) => tagsOf(received).includes(tags.at(-1)));

  assert.deepEqual(tagsOf(unique(receiver.received)), tags);
  assert.equal(registry.log().includes('webhookGap'), false);
});

test('a slow receiver does not slow a push', async () => {
  const held: (() => void)[] = [];
  await using receiver = await startReceiver({
    instead: (res) => {
      held.push(() => res.end());
      return true;
    },
  });
  await using place = await makePlace(endpoint(receiver.url, { timeout: '60s' }));
  await using registry = await startRegistry({ dataDir: place.path });

  const asked = receiver.nextRequest();
  for (let at = 0; at < 5; at += 1) await pushImage(registry, 'team/app', `t${at}`, `layer ${at}`);
  await asked;
  const [row] = await rowsOf(registry);

  // All pushes are through while the first event is not answered yet.
  assert.equal(row?.pending, 15);
  assert.equal(receiver.requests(), 1);
});

test('a webhook is added, tried, signed, changed and removed while the registry runs', async () => {
  await using receiver = await startReceiver();
  await using place = await makePlace({ berth: { notifications: { privatetargets: ['127.0.0.0/8'] } } });
  await using registry = await startRegistry({ dataDir: place.path });
  const berth = berthOn(place.path);
  const withInput = (input: string, ...args: readonly string[]) =>
    run(process.execPath, [cli, ...args, '--data', place.path], { input });

  const added = await withInput('s3cret\n', 'webhook', 'add', 'ci', receiver.url, '--secret-stdin');
  const headed = await withInput(
    'X-Key: c4nary\n',
    'webhook',
    'add',
    'ci',
    receiver.url,
    '--headers-stdin',
    '--ignore',
    'pull',
    '--json',
  );
  const tried = (await berth.json('webhook', 'test', 'ci')) as { readonly status: number };
  await pushImage(registry, 'team/app', '1', 'layer');
  await request(registry.plainUrl, { path: '/v2/team/app/manifests/1' });
  await receiver.until(({ length }) => length === 4);
  const listed = await berth.run('webhook', 'ls');
  const file = join(place.path, 'berth', 'webhooks.json');
  const { mode } = await stat(file);
  const kept = await readFile(file, 'utf8');
  await berth.run('webhook', 'rm', 'ci');
  const left = await berth.json('webhook', 'ls');

  assert.equal(added.code, 0, added.stderr);
  assert.equal(headed.code, 0, headed.stderr);
  assert.equal(tried.status, 200);
  const [test1, ...pushes] = receiver.received;
  assert.deepEqual(test1?.event.target['mediaType'], 'application/vnd.berth.webhook.test');
  assert.deepEqual(
    pushes.map(({ event }) => event.action),
    ['push', 'push', 'push'],
  );
  for (const { body, headers } of receiver.received) {
    const signature = createHmac('sha256', 's3cret').update(body).digest('hex');
    assert.deepEqual([headers['x-berth-signature-256'], headers['x-key']], [`sha256=${signature}`, 'c4nary']);
  }
  assert.deepEqual([mode & 0o777, kept.includes('c4nary')], [0o600, true]);
  for (const text of [registry.log(), headed.stdout, listed]) assert.doesNotMatch(text, /c4nary|s3cret/);
  assert.deepEqual(left, []);
});

test('a webhook keeps its address where none is said, its secret query included', async () => {
  await using receiver = await startReceiver();
  await using place = await makePlace({ berth: { notifications: { privatetargets: ['127.0.0.0/8'] } } });
  await using registry = await startRegistry({ dataDir: place.path });
  using client = await openClient(registry.dataDir);

  await client.call('webhooks.set', { name: 'ci', url: `${receiver.url}?key=c4nary` });
  const changed = await client.call('webhooks.set', { name: 'ci', disabled: true });
  await client.call('webhooks.set', { name: 'ci', disabled: false });
  const tried = await client.call('webhooks.test', { name: 'ci' });

  assert.deepEqual([changed.url, changed.state, tried.status], [`${receiver.url}?***`, 'disabled', 200]);
  await assert.rejects(client.call('webhooks.set', { name: 'new' }), {
    code: 'USAGE',
    message: /needs a url/,
  });
});

test('what does not work is said', async () => {
  await using receiver = await startReceiver();
  await using place = await makePlace({
    ...endpoint(receiver.url),
    berth: { notifications: { privatetargets: ['localhost'] } },
  });
  await using registry = await startRegistry({ dataDir: place.path });
  const berth = berthOn(place.path);
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['rm', 'cj'], 5, /^WEBHOOK_UNKNOWN: There is no webhook "cj"; did you mean ci\?/],
    [['rm', 'ci'], 1, /^WEBHOOK_LOCKED: The webhook "ci" is part of the configuration\./],
    [['add', 'ci', 'http://localhost/'], 1, /^WEBHOOK_LOCKED: /],
    [['add', 'x', 'http://169.254.169.254/latest'], 1, /^WEBHOOK_REFUSED: 169\.254\.169\.254 is a private/],
    [['add', 'x', 'http://0x7f.1/'], 1, /^WEBHOOK_REFUSED: 127\.0\.0\.1 is a private/],
    [['add', 'x', 'ftp://a.example/'], 2, /^USAGE: .*not http:\/\/ or https:\/\//],
    [['add', 'x', 'http://u:p@a.example/'], 2, /^USAGE: /],
    [['add', 'x', 'http://[zz]:99999/'], 2, /^USAGE: The url has a host or port that cannot be/],
    [['add', 'x', 'http://localhost/', '--ignore', 'pul'], 2, /^USAGE: There is no action "pul"/],
    [['test', 'ci'], 1, /^WEBHOOK_FAILED: 127\.0\.0\.1 is a private address/],
  ];

  for (const [args, code, message] of cases) {
    const result = await berth.try('webhook', ...args);

    assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, message);
  }
  await pushImage(registry, 'team/app', '1', 'layer');
  await berth.run('webhook', 'retry', 'ci');
  const [row] = await rowsOf(registry);
  const purged = (await berth.json('webhook', 'purge', 'ci')) as { readonly dropped: number };

  assert.equal(receiver.requests(), 0);
  assert.equal(row?.pending, 3);
  assert.equal(purged.dropped, 3);
});

test('a push costs about the same with a webhook as without', async (t) => {
  await using receiver = await startReceiver();
  await using without = await makePlace({});
  await using withOne = await makePlace(endpoint(receiver.url));
  await using plain = await startRegistry({ dataDir: without.path });
  await using hooked = await startRegistry({ dataDir: withOne.path });
  const times: { readonly plain: number[]; readonly hooked: number[] } = { plain: [], hooked: [] };
  // In turns, so that both meet the same load of the machine.
  for (let at = 0; at < 40; at += 1) {
    for (const [name, registry] of at % 2 === 0
      ? ([
          ['plain', plain],
          ['hooked', hooked],
        ] as const)
      : ([
          ['hooked', hooked],
          ['plain', plain],
        ] as const)) {
      const startedAt = performance.now();
      await pushImage(registry, 'team/app', `t${at}`, `layer ${at}`);
      times[name].push(performance.now() - startedAt);
    }
  }

  const [plainMs, hookedMs] = [median(times.plain), median(times.hooked)];
  t.diagnostic(
    `a small push takes ${plainMs.toFixed(1)} ms, with a webhook ${hookedMs.toFixed(1)} ms: ratio ${(hookedMs / plainMs).toFixed(2)}`,
  );
  assert.ok(hookedMs < plainMs * 1.5 + 5, `${hookedMs} to ${plainMs} ms`);
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
