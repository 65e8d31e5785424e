import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { configJsonSchema, printConfig, renderConfigPage } from './describe.ts';
import { fields } from './fields.ts';
import { loadConfig } from './load.ts';
import type { LoadedConfig, LoadOptions } from './load.ts';

async function load(text: string, options: Partial<LoadOptions> = {}): Promise<LoadedConfig> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-config-'));
  const file = join(directory.path, 'config.yml');
  await writeFile(file, text);
  return await loadConfig({ file, env: {}, root: '/data', ...options });
}

const everything = `
log: {level: debug, fields: {a: b, n: 3}}
storage: {filesystem: {rootdirectory: /x}, maintenance: {uploadpurging: {age: 36h}}}
auth: {htpasswd: {path: /users, realm: r}}
http: {secret: c4nary, headers: {X-A: [b]}, tls: {certificate: /c, key: /k}, draintimeout: 1m30s}
health: {file: [{file: /f, interval: 90s}]}
validation: {manifests: {urls: {allow: ["^a$"]}, indexes: {platformlist: [{os: a, architecture: b}]}}}
tags: {maxtags: 7}
berth: {limits: {manifestbytes: 8MiB}, auth: {anonymous: [a/**]}, log: {levels: {http: trace}}}
`;

test('what is printed loads as the same configuration, with the secret masked', async () => {
  const loaded = await load(everything);

  const again = await load(printConfig(loaded));

  const { http, ...rest } = loaded.config;
  assert.deepEqual(again.config, { ...rest, http: { ...http, secret: '***' } });
  assert.deepEqual(again.notices, []);
  assert.ok(!printConfig(loaded).includes('c4nary'));
});

test('an endpoint of webhooks is printed without what it sends to prove itself', async () => {
  const loaded = await load(
    'notifications: {endpoints: [{name: n, url: "https://x/y?key=c4nary", secret: c4nary, timeout: 90s, headers: {Authorization: [c4nary]}}]}',
  );

  const printed = printConfig(loaded);
  const again = await load(printed);

  const [endpoint] = again.config.notifications.endpoints;
  assert.ok(!printed.includes('c4nary'));
  assert.deepEqual(again.config.notifications.endpoints, [
    {
      ...loaded.config.notifications.endpoints[0],
      url: 'https://x/y?***',
      secret: '***',
      headers: { Authorization: ['***'] },
    },
  ]);
  assert.equal(endpoint?.timeout, 90_000);
});

test('no login is printed as such', async () => {
  const { config } = await load(printConfig(await load('auth: none\nstorage: inmemory\n')));

  assert.deepEqual([config.auth.none, config.storage.inmemory], [true, {}]);
});

test('each value is printed with its source', async () => {
  const loaded = await load('http: {prefix: /a/}\n', {
    env: { REGISTRY_HTTP_NET: 'tcp', BERTH_HTTP_HOSTS: 'a.example' },
    flags: { 'http.addr': ':1' },
  });

  const lines = printConfig(loaded)
    .replaceAll(loaded.file ?? '', 'FILE')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^(?:addr|net|prefix|hosts|relativeurls):/.test(line));

  assert.deepEqual(lines, [
    'addr: :1 # flag the option for http.addr',
    'net: tcp # env REGISTRY_HTTP_NET',
    'prefix: /a/ # file FILE:1:16',
    'relativeurls: true # default',
    'hosts: [ a.example ] # env BERTH_HTTP_HOSTS',
  ]);
});

test('the default that is documented is the default that applies', async () => {
  const inWords = new Set([
    'unset',
    'no limit',
    'the data directory (--data)',
    "Berth's own user file, berth/users",
    '127.0.0.1:5443 and [::1]:5443',
    'made once and kept in berth/secret',
    'a leaf of the own authority',
    'the key of the own leaf',
    "distribution's nine",
  ]);
  const written = fields.filter((field) => field.level === 'supported' && !inWords.has(field.default));
  const plain = await load('');
  // Only one way to log in may be named.
  const named = written.filter(({ path }) => path !== 'auth.none' && path !== 'version');

  const said = await load('', { env: Object.fromEntries(named.map((field) => [field.env, field.default])) });

  assert.deepEqual(said.config, plain.config);
  assert.deepEqual(said.notices, []);
  assert.ok(named.every(({ path }) => said.sources.get(path)?.kind === 'env'));
});

test('every setting has a name, a help text and an environment variable of its own', () => {
  const incomplete = fields.filter(
    ({ title, help, env, path }) => title === '' || !help.endsWith('.') || (env === '' && path !== 'version'),
  );
  const names = fields.map(({ env }) => env);

  assert.deepEqual(incomplete, []);
  assert.equal(new Set(names).size, names.length);
});

test('the reference page has every setting', () => {
  const page = renderConfigPage();

  assert.deepEqual(
    fields.filter(({ path, env }) => !page.includes(`\`${path}\``) || !page.includes(env)),
    [],
  );
});

test('the JSON Schema says kinds, choices and the short forms', () => {
  const schema = configJsonSchema() as {
    properties: Record<string, { anyOf?: unknown[]; properties?: Record<string, Record<string, unknown>> }>;
  };
  const { http, log, auth, storage } = schema.properties;

  assert.deepEqual(
    [
      http?.properties?.['relativeurls']?.['type'],
      log?.properties?.['formatter']?.['enum'],
      http?.properties?.['draintimeout']?.['type'],
      http?.properties?.['secret']?.['secret'],
      log?.properties?.['level']?.['description'],
      auth?.anyOf?.[0],
      storage?.anyOf?.[0],
    ],
    [
      'boolean',
      ['text', 'json', 'logstash'],
      'string',
      true,
      fields.find(({ path }) => path === 'log.level')?.help,
      { enum: ['none', 'htpasswd'] },
      { enum: ['inmemory', 'filesystem'] },
    ],
  );
});
