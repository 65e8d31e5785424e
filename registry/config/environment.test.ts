import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Config } from '../spec/config.ts';
import { loadConfig } from './load.ts';

interface Case {
  readonly file?: string;
  readonly env: Readonly<Record<string, string>>;
  /** What to look at, or nothing if an error is expected. */
  readonly pick?: (config: Config) => unknown;
  readonly result?: unknown;
  readonly notices?: readonly string[];
  readonly error?: string;
}

// Oracle of the cases without `error`: distribution 2.8 started with the same variables, where it has the setting.
const cases: Readonly<Record<string, Case>> = {
  'the path in upper case names the setting': {
    env: { REGISTRY_HTTP_TLS_CERTIFICATE: '/c', REGISTRY_HTTP_TLS_KEY: '/k' },
    pick: ({ http }) => [http.tls.certificate, http.tls.key],
    result: ['/c', '/k'],
  },
  'the value is YAML': {
    env: { REGISTRY_HTTP_HEADERS: '{X-A: [b, c]}', REGISTRY_HTTP_RELATIVEURLS: 'false # as before' },
    pick: ({ http }) => [http.headers, http.relativeurls],
    result: [{ 'X-A': ['b', 'c'] }, false],
  },
  'a section is replaced as a whole': {
    file: 'http: {addr: ":1", prefix: /a/}',
    env: { REGISTRY_HTTP: '{addr: ":2"}' },
    pick: ({ http }) => [http.addr, http.prefix],
    result: [':2', '/'],
  },
  'an empty value unsets': {
    file: 'http: {debug: {addr: ":1"}}',
    env: { REGISTRY_HTTP_DEBUG_ADDR: '' },
    pick: ({ http }) => http.debug.addr,
    result: undefined,
  },
  'an item of a list is replaced by its index': {
    file: 'http: {tls: {ciphersuites: [TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384]}}',
    env: { REGISTRY_HTTP_TLS_CIPHERSUITES_1: 'TLS_CHACHA20_POLY1305_SHA256' },
    pick: ({ http }) => http.tls.ciphersuites,
    result: ['TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
  },
  'one past the end appends': {
    env: {
      REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_0: '^a$',
      REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_1: '^b$',
    },
    pick: ({ validation }) => validation.manifests.urls.allow,
    result: ['^a$', '^b$'],
  },
  'further than one past the end is an error': {
    env: { REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_1: '^a$' },
    error:
      'REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_1: validation.manifests.urls.allow has 0 items: the next index is that number',
  },
  'an item without an index is an error': {
    env: { REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_FIRST: '^a$' },
    error:
      'REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_FIRST: validation.manifests.urls.allow is a list: name an item by its index',
  },
  'new keys of a map are made in lower case': {
    env: {
      'REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin': "['*']",
      REGISTRY_LOG_FIELDS_ENVIRONMENT: 'staging',
    },
    pick: ({ http, log }) => [http.headers, log.fields],
    result: [{ 'access-control-allow-origin': ['*'] }, { environment: 'staging' }],
  },
  'a key of a map that is there is replaced, not doubled': {
    file: 'http: {headers: {X-Foo: [a]}}',
    env: { 'REGISTRY_HTTP_HEADERS_X-FOO': '[b]' },
    pick: ({ http }) => http.headers,
    result: { 'X-Foo': ['b'] },
  },
  'an item of a list in a map': {
    file: 'http: {headers: {X-Foo: [a]}}',
    env: { 'REGISTRY_HTTP_HEADERS_X-FOO_1': 'b' },
    pick: ({ http }) => http.headers,
    result: { 'X-Foo': ['a', 'b'] },
  },
  'a way to log in is chosen and then filled': {
    file: 'auth: none',
    env: {
      REGISTRY_AUTH_HTPASSWD_REALM: 'r',
      REGISTRY_AUTH_HTPASSWD_PATH: '/p',
      REGISTRY_AUTH: 'htpasswd',
    },
    pick: ({ auth }) => auth,
    result: { none: false, htpasswd: { realm: 'r', path: '/p' } },
  },
  'a way to log in cannot be added to another': {
    file: 'auth: none',
    env: { REGISTRY_AUTH_HTPASSWD_REALM: 'r' },
    error: 'FILE:1:7: auth names two ways to log in: keep one',
  },
  'a driver replaces all that the file says of storage': {
    file: 'storage: {filesystem: {rootdirectory: /x}, delete: {enabled: false}}',
    env: { REGISTRY_STORAGE: 'inmemory' },
    pick: ({ storage }) => [storage.filesystem, storage.inmemory, storage.delete.enabled],
    result: [undefined, {}, true],
  },
  'a second driver is refused': {
    file: 'storage: {filesystem: {rootdirectory: /x}}',
    env: { REGISTRY_STORAGE_INMEMORY: '' },
    error: 'FILE:1:10: storage names two drivers, filesystem and inmemory: keep one',
  },
  'an unknown driver is refused': {
    env: { REGISTRY_STORAGE_S4_BUCKET: 'b' },
    error: 'REGISTRY_STORAGE_S4_BUCKET: storage.s4 is not known; the nearest key is storage.s3.',
  },
  'a refused key is refused here too': {
    env: { REGISTRY_PROXY_REMOTEURL: 'https://x' },
    error: 'REGISTRY_PROXY_REMOTEURL: proxy is refused. This version is no cache of another registry.',
  },
  'a refused key of the file cannot be hidden by a variable': {
    file: 'middleware: {storage: [{name: x}]}',
    env: { REGISTRY_MIDDLEWARE_STORAGE_0_DISABLED: 'false' },
    error:
      'REGISTRY_MIDDLEWARE_STORAGE_0_DISABLED: middleware is refused. Ignoring it would change what is served.',
  },
  'names of Go fields are known where they differ from the key': {
    env: { REGISTRY_HEALTH_FILECHECKERS_0_FILE: '/x' },
    pick: ({ health }) => health.file,
    result: [{ file: '/x', interval: 10_000, threshold: 1 }],
  },
  'an endpoint of webhooks is made item by item': {
    env: {
      REGISTRY_NOTIFICATIONS_ENDPOINTS_0_NAME: 'n',
      REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL: 'http://x',
      REGISTRY_NOTIFICATIONS_ENDPOINTS_0_IGNORE_ACTIONS: '[pull]',
      REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES: 'true',
    },
    pick: ({ notifications: { endpoints, events } }) => [
      endpoints.map(({ name, url, ignore }) => [name, url, ignore.actions]),
      events.includereferences,
    ],
    result: [[['n', 'http://x', ['pull']]], true],
  },
  'BERTH names what is under berth': {
    env: {
      BERTH_LIMITS_CONNECTIONS: '5',
      BERTH_HTTP_HOSTS: 'a.example, b.example',
      BERTH_LOG_LEVELS_HTTP: 'trace',
      BERTH_AUTH_ANONYMOUS: '[public/**]',
      BERTH_STORAGE_RESERVE_BYTES: '2GiB',
    },
    pick: ({ berth }) => [
      berth.limits.connections,
      berth.http.hosts,
      berth.log.levels,
      berth.auth.anonymous,
      berth.storage.reserve,
    ],
    result: [5, ['a.example', 'b.example'], { http: 'trace' }, ['public/**'], { bytes: 2 ** 31, percent: 2 }],
  },
  'a wrong value names the variable': {
    env: { BERTH_LIMITS_CONNECTIONS: '0', REGISTRY_LOG_LEVEL: 'loud' },
    error: [
      'REGISTRY_LOG_LEVEL: log.level must be error, warn, info, debug or trace',
      'BERTH_LIMITS_CONNECTIONS: berth.limits.connections must be a whole number from 1 to 100000',
    ].join('\n'),
  },
  'a value that is no YAML names the variable': {
    env: { REGISTRY_HTTP_HEADERS: '[a' },
    error: 'REGISTRY_HTTP_HEADERS: a character is missing, such as a closing quote or bracket, or a comma',
  },
  'unknown names are listed with the nearest': {
    env: {
      REGISTRY_HTTP_ADR: 'x',
      REGISTRY_SERVICE_HOST: '10.0.0.1',
      REGISTRY_HTTP_ADDR_X: 'y',
      BERTH_LIMIT_CONNECTIONS: '1',
      // A name that every object of JavaScript knows.
      REGISTRY_valueOf: 'x',
    },
    pick: ({ http }) => http.addr,
    result: undefined,
    notices: [
      'BERTH_LIMIT_CONNECTIONS is not known; the nearest is BERTH_LIMITS_CONNECTIONS.',
      'REGISTRY_HTTP_ADDR_X is not known; the nearest is REGISTRY_HTTP_ADDR.',
      'REGISTRY_HTTP_ADR is not known; the nearest is REGISTRY_HTTP_ADDR.',
      'REGISTRY_SERVICE_HOST is not known.',
      'REGISTRY_valueOf is not known.',
    ],
  },
  'the version and OTEL variables have no effect': {
    env: {
      REGISTRY_VERSION: '0.2',
      OTEL_TRACES_EXPORTER: 'none',
      REGISTRY_CONFIGURATION_PATH: '/x',
      HOME: '/',
    },
    pick: ({ version }) => version,
    result: '0.1',
    notices: [
      'OTEL_TRACES_EXPORTER has no effect. Berth sends no traces.',
      'version cannot be set by a variable.',
    ],
  },
};

for (const [name, { file: text = '', env, pick, result, notices = [], error }] of Object.entries(cases)) {
  test(`environment: ${name}`, async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-config-'));
    const file = join(directory.path, 'config.yml');
    await writeFile(file, text);

    const loading = loadConfig({ file, env, root: '/data' });

    if (error !== undefined) {
      await assert.rejects(loading, { code: 'CONFIG_INVALID', message: error.replaceAll('FILE', file) });
      return;
    }
    const loaded = await loading;
    assert.deepEqual(pick?.(loaded.config), result);
    assert.deepEqual(
      loaded.notices.map(({ message }) => message),
      notices,
    );
  });
}
