import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAppError } from '../spec/errors.ts';
import { loadConfig } from './load.ts';
import type { LoadedConfig, LoadOptions } from './load.ts';

/** Loads the text from a real file and shows `FILE` in messages for its path. */
async function load(text: string, options: Partial<LoadOptions> = {}): Promise<LoadedConfig> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-config-'));
  const file = join(directory.path, 'config.yml');
  await writeFile(file, text);
  try {
    return await loadConfig({ file, env: {}, root: '/data', ...options });
  } catch (error) {
    if (isAppError(error, 'CONFIG_INVALID'))
      throw new Error(error.message.replaceAll(file, 'FILE'), { cause: error });
    throw error;
  } finally {
    assert.equal(await readFile(file, 'utf8'), text, 'the file was changed');
  }
}

/** `key level` of each notice, or the message of the error. */
async function outcome(text: string, options: Partial<LoadOptions> = {}): Promise<string> {
  try {
    const { notices } = await load(text, options);
    return notices.map(({ key, level }) => `${level} ${key}`).join(', ') || 'ok';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

// The file that Debian ships as /etc/docker/registry/config.yml with distribution 2.8.
const sample = `version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/docker-registry
  delete:
    enabled: true
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
auth:
  htpasswd:
    realm: basic-realm
    path: /etc/docker/registry
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
`;

test("a config.yml of distribution is read with distribution's meaning", async () => {
  const { config, notices } = await load(sample);

  assert.deepEqual(
    {
      fields: config.log.fields,
      root: config.storage.filesystem?.rootdirectory,
      delete: config.storage.delete,
      addr: config.http.addr,
      headers: config.http.headers,
      auth: config.auth,
      storagedriver: config.health.storagedriver,
    },
    {
      fields: { service: 'registry' },
      root: '/var/lib/docker-registry',
      delete: { enabled: true },
      addr: ':5000',
      headers: { 'X-Content-Type-Options': ['nosniff'] },
      auth: { none: false, htpasswd: { path: '/etc/docker/registry', realm: 'basic-realm' } },
      storagedriver: { enabled: true, interval: 10_000, threshold: 3 },
    },
  );
  assert.deepEqual(
    notices.map(({ key, level }) => [key, level]),
    [['storage.cache', 'ignored']],
  );
});

test('each key of distribution is supported, ignored with a notice, or refused with a reason', async () => {
  const fine = 'ok';
  const local = 'This version stores on the local file system only.';
  const cases: readonly (readonly [string, string])[] = [
    ['version: 0.1', fine],
    ['version: 0.2', 'FILE:1:10: version must be 0.1'],
    ['log: {level: trace}', fine],
    ['log: {level: WARN}', fine],
    ['log: {level: fatal}', 'FILE:1:14: log.level must be error, warn, info, debug or trace'],
    ['log: {formatter: logstash}', fine],
    ['log: {formatter: json}', fine],
    ['log: {fields: {a: b}}', fine],
    ['log: {accesslog: {disabled: true}}', fine],
    ['log: {hooks: [{type: mail}]}', 'ignored log.hooks'],
    ['log: {hooks: []}', fine],
    ['log: {reportcaller: true}', 'ignored log.reportcaller'],
    ['loglevel: debug', fine],
    ['storage: {filesystem: {rootdirectory: /x}}', fine],
    ['storage: {filesystem: {maxthreads: 100}}', 'ignored storage.filesystem.maxthreads'],
    ['storage: filesystem', fine],
    ['storage: inmemory', fine],
    ['storage: {inmemory: }', fine],
    ['storage: {cache: {blobdescriptor: redis}}', 'ignored storage.cache'],
    ['storage: {tag: {concurrencylimit: 8}}', 'ignored storage.tag'],
    ['storage: {redirect: {disable: true}}', 'ignored storage.redirect'],
    ['redis: {addr: "localhost:6379"}', 'ignored redis'],
    ['storage: {delete: {enabled: yes}}', fine],
    [
      'storage: {maintenance: {uploadpurging: {enabled: true, age: 168h, interval: 24h, dryrun: false}}}',
      fine,
    ],
    ['storage: {maintenance: {readonly: {enabled: true}}}', fine],
    ['storage: {s3: {bucket: b}}', `FILE:1:11: storage.s3 is refused. ${local}`],
    ['storage: s3', `FILE:1:10: storage.s3 is refused. ${local}`],
    ['storage: {gcs: {bucket: b}}', `FILE:1:11: storage.gcs is refused. ${local}`],
    ['storage: {azure: {container: b}}', `FILE:1:11: storage.azure is refused. ${local}`],
    ['storage: {swift: {container: b}}', `FILE:1:11: storage.swift is refused. ${local}`],
    ['storage: {oss: {bucket: b}}', `FILE:1:11: storage.oss is refused. ${local}`],
    ['storage: {ceph: {pool: b}}', 'FILE:1:11: storage.ceph is not known.'],
    [
      'storage: {filesytem: {rootdirectory: /x}}',
      'FILE:1:11: storage.filesytem is not known; the nearest key is storage.filesystem.',
    ],
    [
      'storage: {filesystem: , inmemory: }',
      'FILE:1:10: storage names two drivers, filesystem and inmemory: keep one',
    ],
    [
      'middleware: {registry: [{name: x}]}',
      'FILE:1:1: middleware is refused. Ignoring it would change what is served.',
    ],
    ['auth: {htpasswd: {path: /x, realm: r}}', fine],
    ['auth: none', fine],
    [
      'auth: silly',
      'FILE:1:7: auth.silly is refused. It accepts everybody. Use auth: none if that is meant.',
    ],
    ['auth: {none: }', fine],
    [
      'auth: {token: {realm: r}}',
      'FILE:1:8: auth.token is refused. Ignoring it would change who may read and write.',
    ],
    [
      'auth: {silly: {realm: r}}',
      'FILE:1:8: auth.silly is refused. It accepts everybody. Use auth: none if that is meant.',
    ],
    ['auth: {ldap: {url: r}}', 'FILE:1:8: auth.ldap is not known.'],
    ['auth: {htpasswd: {realm: r}, none: }', 'FILE:1:7: auth names two ways to log in: keep one'],
    ['reporting: {bugsnag: {apikey: k}}', 'ignored reporting'],
    ['http: {addr: "localhost:5000", net: tcp, host: "https://r.example:5000/", prefix: /a/}', fine],
    ['http: {net: unix}', 'FILE:1:13: http.net must be tcp'],
    ['http: {addr: "5000"}', 'FILE:1:14: http.addr must be host:port or :port, such as 127.0.0.1:5443'],
    ['http: {addr: ":70000"}', 'FILE:1:14: http.addr must be host:port or :port, such as 127.0.0.1:5443'],
    ['http: {net: udp}', 'FILE:1:13: http.net must be tcp'],
    [
      'http: {host: r.example}',
      'FILE:1:14: http.host must be an http or https address without a path, such as https://registry.example:5000',
    ],
    ['http: {prefix: /a}', 'FILE:1:16: http.prefix must be a path that begins and ends with /'],
    ['http: {secret: s, relativeurls: false, draintimeout: 60s, headers: {A: [b]}}', fine],
    ['http: {headers: {A: b}}', 'FILE:1:21: http.headers.A must be a list of values, such as [nosniff]'],
    ['http: {headers: {"A B": [b]}}', 'FILE:1:25: http.headers.A B is not a header name'],
    ['http: {headers: {A: ["b\\nc"]}}', 'FILE:1:22: http.headers.A.0 must be one line of text'],
    ['http: {debug: {addr: ":5001", prometheus: {enabled: true, path: /m}}}', fine],
    ['http: {tls: {certificate: /c, key: /k, minimumtls: tls1.3}}', fine],
    ['http: {tls: {certificate: /c}}', 'FILE:1:27: http.tls.certificate needs http.tls.key beside it'],
    ['http: {tls: {key: /k}}', 'FILE:1:19: http.tls.key needs http.tls.certificate beside it'],
    ['http: {tls: {minimumtls: tls1.0}}', 'ignored http.tls.minimumtls'],
    [
      'http: {tls: {ciphersuites: [TLS_AES_128_GCM_SHA256, TLS_RSA_WITH_RC4_128_SHA]}}',
      'ignored http.tls.ciphersuites',
    ],
    [
      'http: {tls: {ciphersuites: [TLS_RSA_WITH_RC4_128_SHA]}}',
      'FILE:1:28: http.tls.ciphersuites leaves no cipher suite that can be used',
    ],
    [
      'http: {tls: {ciphersuites: [ECDHE]}}',
      'FILE:1:29: http.tls.ciphersuites.0 must be the name of a cipher suite as Go writes it',
    ],
    [
      'http: {tls: {clientcas: [/ca.pem]}}',
      'FILE:1:14: http.tls.clientcas is refused. Ignoring it would admit clients without a certificate.',
    ],
    ['http: {tls: {clientcas: []}}', fine],
    [
      'http: {tls: {clientauth: verify-client-cert-if-given}}',
      'FILE:1:14: http.tls.clientauth is refused. Ignoring it would admit clients without a certificate.',
    ],
    [
      'http: {tls: {letsencrypt: {email: a@b.example}}}',
      'FILE:1:14: http.tls.letsencrypt is refused. Set http.tls.certificate and http.tls.key to a certificate that another program renews; the section is then ignored.',
    ],
    [
      'http: {tls: {letsencrypt: {email: a@b.example}, certificate: /c, key: /k}}',
      'ignored http.tls.letsencrypt',
    ],
    ['http: {http2: {disabled: true}}', 'ignored http.http2'],
    ['http: {h2c: {enabled: true}}', 'ignored http.h2c'],
    [
      'notifications: {events: {includereferences: true}, endpoints: [{name: n, disabled: false, url: "https://x/y?z=1", headers: {Authorization: [Bearer x]}, timeout: 500ms, threshold: 5, backoff: 1s, ignoredmediatypes: [application/octet-stream], ignore: {mediatypes: [a/b], actions: [pull]}}]}',
      fine,
    ],
    ['notifications: {endpoints: [{name: n, url: "http://x", timeout: 0, threshold: 0, backoff: 0}]}', fine],
    ['notifications: {endpoints: [{name: n, url: "http://x", secret: s, ca: /c.pem}]}', fine],
    ['notifications: {endpoints: []}', fine],
    [
      'notifications: {endpoints: [{name: n, url: "http://user:pass@x"}]}',
      'FILE:1:44: notifications.endpoints.0.url must be http:// or https:// with a host, and without a login',
    ],
    [
      'notifications: {endpoints: [{name: n, url: "file:///etc/passwd"}]}',
      'FILE:1:44: notifications.endpoints.0.url must be http:// or https:// with a host, and without a login',
    ],
    [
      'notifications: {endpoints: [{name: n, url: "http://x", headers: {Host: [a]}}]}',
      'FILE:1:72: notifications.endpoints.0.headers.Host is not the name of a header that may be set',
    ],
    [
      'notifications: {endpoints: [{name: n, url: "http://x", ignore: {actions: [pul]}}]}',
      'FILE:1:75: notifications.endpoints.0.ignore.actions.0 must be pull, push, mount or delete',
    ],
    [
      'notifications: {endpoints: [{name: n, url: "http://x"}, {name: n, url: "http://y"}]}',
      'FILE:1:64: notifications.endpoints.1.name is the name of another endpoint',
    ],
    [
      'notifications: {endpoints: [{name: n, url: "http://x", treshold: 3}]}',
      'unknown notifications.endpoints.treshold',
    ],
    [
      'berth: {notifications: {privatetargets: [127.0.0.1, 10.0.0.0/8, ci.example], queue: 5, keep: 1h}}',
      fine,
    ],
    [
      'berth: {notifications: {privatetargets: ["http://x"]}}',
      'FILE:1:41: berth.notifications.privatetargets must be host names, addresses or networks, such as [ci.example, 10.0.0.0/8]',
    ],
    ['health: {storagedriver: {enabled: true, interval: 10s, threshold: 3}}', fine],
    ['health: {file: [{file: /x, interval: 10s}]}', fine],
    ['health: {http: [{uri: "http://x"}], tcp: [{addr: "x:1"}]}', 'ignored health.http, ignored health.tcp'],
    [
      'proxy: {remoteurl: "https://x"}',
      'FILE:1:1: proxy is refused. This version is no cache of another registry.',
    ],
    ['proxy: {remoteurl: ""}', fine],
    [
      'compatibility: {schema1: {enabled: true}}',
      'FILE:1:27: compatibility.schema1.enabled is refused. They are not served any more.',
    ],
    [
      'compatibility: {schema1: {enabled: false, signingkeyfile: /k}}',
      'ignored compatibility.schema1.signingkeyfile',
    ],
    [
      'policy: {repository: {classes: [image]}}',
      'FILE:1:23: policy.repository.classes is refused. Ignoring it would admit content that it forbids.',
    ],
    ['validation: {disabled: true}', fine],
    ['validation: {enabled: true}', 'ignored validation.enabled'],
    ['validation: {manifests: {urls: {allow: ["^https?://([^/]+\\\\.)*example\\\\.com/"]}}}', fine],
    [
      'validation: {manifests: {urls: {deny: ["(?i)x"]}}}',
      'FILE:1:40: validation.manifests.urls.deny.0 must be a regular expression that means the same in Go and in JavaScript',
    ],
    [
      'validation: {manifests: {urls: {deny: ["[[:alpha:]]"]}}}',
      'FILE:1:40: validation.manifests.urls.deny.0 must be a regular expression that means the same in Go and in JavaScript',
    ],
    ['validation: {manifests: {indexes: {platforms: List, platformlist: [{architecture: a, os: b}]}}}', fine],
    ['catalog: {maxentries: 100}', fine],
    ['catalog: {maxentries: 0}', fine],
    ['tags: {maxtags: 100}', fine],
    ['berth: {limits: {bodyidle: 30s, manifestbytes: 8MiB}}', fine],
    ['berth: {listen: {plain: off}}', fine],
    ['berth: {auth: {anonymous: off}}', fine],
    ['berth: {auth: {anonymous: [public/**, "*"]}}', fine],
    [
      'berth: {auth: {anonymous: true}}',
      'FILE:1:27: berth.auth.anonymous must be off or a list of repository patterns, such as [public/**]; ** means all',
    ],
    [
      'berth: {http: {trustedproxies: [10.0.0.0/8, proxy]}}',
      'FILE:1:32: berth.http.trustedproxies must be addresses or networks, such as [10.0.0.0/8]',
    ],
    ['berth: {log: {levels: {http: debug}, access: json}}', fine],
    ['berth: {log: {levels: {htp: debug}}}', 'FILE:1:23: berth.log.levels does not know htp'],
    ['berth: {validation: {sparse: on}}', fine],
    ['htp: {addr: x}', 'unknown htp'],
    ['http: {adr: x}', 'unknown http.adr'],
  ];

  const found = await Promise.all(cases.map(async ([text]) => [text, await outcome(text)]));

  assert.deepEqual(found, cases);
});

test('a broken file is refused with its line, and stays as it is', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['http:\n  addr: :5000\n tls: x\n', 'FILE:3:1: the indentation does not fit the lines around it'],
    ['http:\n\taddr: x\n', 'FILE:2:1: a tab is used for indentation; YAML wants spaces'],
    [
      'http:\n  secret: "abc\n',
      'FILE:3:1: a character is missing, such as a closing quote or bracket, or a comma',
    ],
    ['http:\n  addr: a: b\n', 'FILE:2:9: a key is followed by a second colon or by a list on the same line'],
    ['http: {}\nlog: {}\nhttp: {}\n', 'FILE:3:1: the key stands twice in this map'],
    ['http: *missing\n', 'FILE:1:7: the alias names no anchor before it'],
    ['log: !!bomb x\n', 'FILE:1:6: an unknown tag, or a value that its tag does not allow'],
    ['a: 1\n---\nb: 2\n', 'FILE:2:1: holds more than one document'],
    ['a: &a [*a]\n', 'FILE:1:7: holds too many values, or an alias that contains itself'],
    ['- http\n', 'FILE:1:1: the file has to be a map of keys, such as "http:"'],
    ['http: 5000\n', 'FILE:1:7: http has to be a map of keys'],
    [
      '# spaced\n\nhttp:\n  draintimeout: 60\n  tls:\n    minimumtls: tls9\nhealth:\n  file:\n    - interval: 3s\n',
      [
        'FILE:4:17: http.draintimeout must be a duration with its unit, such as 90s or 1h30m',
        'FILE:6:17: http.tls.minimumtls must be tls1.0, tls1.1, tls1.2 or tls1.3',
        'FILE:9:7: health.file.0.file is missing',
      ].join('\n'),
    ],
  ];

  const found = await Promise.all(cases.map(async ([text]) => [text, await outcome(text)]));

  assert.deepEqual(found, cases);
});

test('aliases that unfold without end are stopped', async () => {
  const bomb = Array.from({ length: 9 }, (_, level) => {
    const inside = level === 0 ? 'x' : `*l${String(level - 1)}`;
    return `l${String(level)}: &l${String(level)} [${Array.from({ length: 9 }, () => inside).join(', ')}]`;
  }).join('\n');

  assert.match(await outcome(bomb), /holds too many values/);
});

test('anchors and merge keys mean what they mean in distribution', async () => {
  const { config } = await load('base: &b {addr: ":1", prefix: /a/}\nhttp: {<<: *b, addr: ":2"}\n');

  assert.deepEqual([config.http.addr, config.http.prefix], [':2', '/a/']);
});

test('a text that looks like a number is kept as it was written', async () => {
  const { config } = await load(
    'http: {secret: 0123456789012345678901234567890}\nauth: {htpasswd: {realm: off}}\n',
  );

  assert.deepEqual(
    [config.http.secret, config.auth.htpasswd.realm],
    ['0123456789012345678901234567890', 'off'],
  );
});

test('no message holds a value, which could be a secret', async () => {
  const canary = 'c4nary';
  const texts = [
    `http: {secret: [${canary}]}`,
    `http: {secret: "${canary}`,
    `http:\n  secret: ${canary}: ${canary}`,
    `http: {draintimeout: ${canary}, host: ${canary}, addr: ${canary}, headers: {A: ${canary}}}`,
    `berth: {auth: {anonymous: "${canary}!"}, http: {hosts: ["${canary} x"], trustedproxies: ${canary}}}`,
    `storage: {s3: {secretkey: ${canary}}}`,
    `proxy: {password: ${canary}}`,
    `redis: {password: ${canary}}`,
  ];

  const messages = await Promise.all(texts.map((text) => outcome(text)));
  const fromEnv = await outcome('', {
    env: { REGISTRY_HTTP_SECRET: `[${canary}`, REGISTRY_HTTP_NET: canary },
  });

  assert.deepEqual(
    [...messages, fromEnv].filter((message) => message.includes(canary) || message === 'ok'),
    [],
  );
});

test('default, file, environment and option win over each other in this order, and are remembered', async () => {
  const text = 'log: {level: debug}\nhttp:\n  prefix: /file/\n  addr: :1\ncatalog: {maxentries: 5}\n';

  const { config, sources } = await load(text, {
    env: { REGISTRY_HTTP_PREFIX: '/env/', REGISTRY_HTTP_ADDR: ':2' },
    flags: { 'http.addr': ':3', 'http.net': undefined },
  });

  assert.deepEqual(
    [config.http.net, config.log.level, config.http.prefix, config.http.addr, config.catalog.maxentries],
    ['tcp', 'debug', '/env/', ':3', 5],
  );
  const shown = ['http.net', 'log.level', 'http.prefix', 'http.addr'].map((path) => {
    const { kind, where } = sources.get(path) ?? { kind: 'none', where: '' };
    return [kind, where.replace(/^.*config\.yml/, 'FILE')];
  });
  assert.deepEqual(shown, [
    ['default', ''],
    ['file', 'FILE:1:14'],
    ['env', 'REGISTRY_HTTP_PREFIX'],
    ['flag', 'the option for http.addr'],
  ]);
});

test('the former key loglevel counts only if log.level is not said', async () => {
  const old = await load('loglevel: debug\n');
  const both = await load('loglevel: debug\nlog: {level: warn}\n');

  assert.deepEqual([old.config.log.level, both.config.log.level], ['debug', 'warn']);
  assert.equal(old.sources.get('log.level')?.kind, 'file');
});

test('without a word about login a login is needed', async () => {
  const { config } = await load('');

  assert.deepEqual(config.auth, { none: false, htpasswd: { realm: 'Berth' } });
  assert.deepEqual(config.berth.auth.anonymous, []);
});

test('the file is the one asked for, else that of the variable, else that of the data directory', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-config-'));
  const root = directory.path;
  await mkdir(join(root, 'berth'));
  const write = async (name: string, prefix: string): Promise<string> => {
    await writeFile(join(root, name), `http: {prefix: ${prefix}}\n`);
    return join(root, name);
  };
  const asked = await write('asked.yml', '/asked/');
  const variable = await write('variable.yml', '/variable/');
  const own = await write('berth/config.yml', '/own/');
  const env = { REGISTRY_CONFIGURATION_PATH: variable };

  const loaded = await Promise.all([
    loadConfig({ file: asked, env, root }),
    loadConfig({ env, root }),
    loadConfig({ env: {}, root }),
    loadConfig({ env: { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: root }, root: '/none' }),
    loadConfig({ env: {}, root: join(root, 'empty') }),
  ]);

  assert.deepEqual(
    loaded.map(({ config, file, notices }) => [config.http.prefix, file, notices.length]),
    [
      ['/asked/', asked, 0],
      ['/variable/', variable, 0],
      ['/own/', own, 0],
      ['/own/', own, 0],
      ['/', undefined, 0],
    ],
  );
});

test('a file that was asked for and cannot be read is refused', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-config-'));
  const latin = join(directory.path, 'latin.yml');
  await writeFile(latin, Buffer.from([0x61, 0x3a, 0x20, 0xe9]));
  const cases: readonly (readonly [string, string])[] = [
    [join(directory.path, 'none.yml'), 'there is no such file'],
    [directory.path, 'this is a directory, not a file'],
    [latin, 'the file is not UTF-8 text'],
  ];

  for (const [file, reason] of cases)
    await assert.rejects(loadConfig({ file, env: {}, root: '/data' }), {
      code: 'CONFIG_INVALID',
      message: `${file}: ${reason}`,
    });
});
