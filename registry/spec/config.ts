/**
 * Every setting, once. From this schema come the type `Config`, the names of environment variables, the reference
 * page, the JSON Schema and the settings form. Keys, meaning and letter case are those of distribution's
 * config.yml; what is Berth's own is under `berth`. Durations are milliseconds, sizes are bytes.
 *
 * A field's `level` says what its presence means: `supported`, `ignored` (a notice, because leaving it out cannot
 * loosen security, lose data or change what is served) or `refused` (the start is).
 */

import { z } from 'zod';
import {
  bytes,
  choice,
  complain,
  duration,
  durationExpected,
  field,
  flag,
  globs,
  ignored,
  native,
  oneOf,
  optionalText,
  parseFlag,
  parseHost,
  parseLimit,
  parseNetwork,
  parseOrigin,
  parseTarget,
  parseWhole,
  patterns,
  read,
  refused,
  scalar,
  several,
  tagRules,
  text,
  whole,
  words,
} from './config-fields.ts';
import { parseDuration } from './duration.ts';
import { levels, subsystems } from './log-record.ts';
import { isHeaderName, isHeaderValue, parseWebhookName, parseWebhookUrl, webhookActions } from './webhook.ts';

/**
 * The cipher suites that can be configured: Go's names, as distribution has them, and OpenSSL's. `undefined` are
 * those that OpenSSL 3 no longer offers.
 */
export const cipherSuites: Readonly<Record<string, string | undefined>> = {
  TLS_RSA_WITH_RC4_128_SHA: undefined,
  TLS_RSA_WITH_3DES_EDE_CBC_SHA: undefined,
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_RC4_128_SHA: undefined,
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_RC4_128_SHA: undefined,
  TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA: undefined,
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
};

const defaultCipherSuites = [
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_256_GCM_SHA384',
];

const endpointSchema = z.strictObject({
  name: read(parseWebhookName, 'one line of text with up to 128 characters'),
  url: read(parseWebhookUrl, 'http:// or https:// with a host, and without a login'),
  disabled: read(parseFlag, 'true or false').prefault(false),
  headers: z
    .record(
      z.string().refine(isHeaderName, 'is not the name of a header that may be set'),
      z.array(
        read((value) => (isHeaderValue(value) ? value : undefined), 'one line of text'),
        { error: 'must be a list of values, such as [Bearer x]' },
      ),
    )
    .prefault({}),
  timeout: atLeastOne('5s'),
  // Go counts what is 0 or less as not set.
  threshold: read(parseLimit, 'a whole number')
    .transform((count) => count ?? 10)
    .prefault(10),
  backoff: atLeastOne('1s'),
  ignoredmediatypes: z.array(text(), { error: 'must be a list of media types' }).prefault([]),
  ignore: z
    .strictObject({
      mediatypes: z.array(text(), { error: 'must be a list of media types' }).prefault([]),
      actions: z
        .array(choice(webhookActions), { error: `must be a list of ${words(webhookActions)}` })
        .prefault([]),
    })
    .prefault({}),
  secret: text().optional(),
  ca: text().optional(),
});

/** A duration where 0 means as if not set, as in distribution. */
function atLeastOne(fallback: string) {
  return read((value) => {
    const milliseconds = parseDuration(value) ?? Number.POSITIVE_INFINITY;
    if (milliseconds > 24 * 60 * 60 * 1000) return undefined;
    return milliseconds === 0 ? parseDuration(fallback) : milliseconds;
  }, `${durationExpected()}, up to 24h`).prefault(fallback);
}

// --- the schema ----------------------------------------------------------------------------------------------

const settings = z.strictObject({
  version: oneOf(['0.1'], '0.1', { title: 'Version', help: 'The version of the file format.' }),
  log: z
    .strictObject({
      level: oneOf(levels, 'info', {
        title: 'Log level',
        help: 'How much the service log says. Each level includes those before it. trace is an addition of Berth.',
        restart: 'none',
      }),
      formatter: choice(['text', 'json', 'logstash'])
        .transform((name) => (name === 'text' ? 'text' : 'json'))
        .prefault('text')
        .meta(
          field('text, json or logstash', 'text', {
            values: ['text', 'json', 'logstash'],
            title: 'Log format',
            help: 'text writes logfmt lines, json one object a line. logstash is written as json.',
          }),
        ),
      fields: z
        .record(z.string(), scalar().transform(native))
        .prefault({})
        .meta(
          field('map of name to value', '{}', {
            title: 'Extra log fields',
            help: 'Added to every line of the service log.',
          }),
        ),
      accesslog: z
        .strictObject({
          disabled: flag(false, {
            title: 'Access log off',
            help: 'true writes no access log.',
            restart: 'none',
          }),
        })
        .prefault({}),
      hooks: ignored('Log hooks', 'Berth sends no mail.'),
      reportcaller: ignored(
        'Report caller',
        'Lines name the subsystem and the event instead of the source line.',
      ),
    })
    .prefault({}),
  loglevel: choice(levels)
    .optional()
    .meta(
      field(words(levels), 'unset', {
        values: levels,
        title: 'Log level, old name',
        help: 'The former name of log.level, which wins over it.',
        restart: 'none',
      }),
    ),
  storage: z
    .strictObject({
      filesystem: z
        .strictObject({
          rootdirectory: text().meta(
            field('path', 'the data directory (--data)', {
              title: 'Data directory',
              help: "Where everything is stored: distribution's tree under docker/, Berth's own files under berth/.",
            }),
          ),
          maxthreads: ignored('Threads of the file system driver', 'Node has its own pool.'),
        })
        .optional(),
      inmemory: z
        .strictObject({})
        .optional()
        .meta(
          field('empty map', 'unset', {
            title: 'Keep everything in memory',
            help: 'For trials: the content is gone when the process ends. REGISTRY_STORAGE=inmemory replaces the driver of the file.',
          }),
        ),
      delete: z
        .strictObject({
          enabled: flag(true, {
            title: 'Allow deleting',
            help: 'false answers 405 to every DELETE of a tag, manifest or blob. Deleting also needs the permission to.',
            restart: 'none',
          }),
        })
        .prefault({}),
      maintenance: z
        .strictObject({
          uploadpurging: z
            .strictObject({
              enabled: flag(true, {
                title: 'Remove abandoned uploads',
                help: 'false keeps the bytes of uploads that were never finished.',
                restart: 'none',
              }),
              age: duration('24h', {
                title: 'Age of an abandoned upload',
                help: 'How long after its last byte an upload is removed.',
                restart: 'none',
              }),
              interval: duration('24h', {
                title: 'Time between removals',
                help: 'How often abandoned uploads are looked for.',
                restart: 'none',
              }),
              dryrun: flag(false, {
                title: 'Only report abandoned uploads',
                help: 'true logs what would be removed and removes nothing.',
                restart: 'none',
              }),
            })
            .prefault({}),
          readonly: z
            .strictObject({
              enabled: flag(false, {
                title: 'Read-only',
                help: 'true answers 405 to every request that would change something.',
                restart: 'none',
              }),
            })
            .prefault({}),
        })
        .prefault({}),
      cache: ignored('Blob descriptor cache', 'Berth keeps an index of its own.'),
      redirect: ignored('Redirect to the storage', 'Berth serves every byte itself.'),
      tag: ignored('Parallel tag look-ups', 'Lists come from the index.'),
      s3: refused('S3 storage', 'This version stores on the local file system only.'),
      gcs: refused('Google Cloud storage', 'This version stores on the local file system only.'),
      azure: refused('Azure storage', 'This version stores on the local file system only.'),
      swift: refused('Swift storage', 'This version stores on the local file system only.'),
      oss: refused('Aliyun storage', 'This version stores on the local file system only.'),
    })
    .check((context) => {
      const { filesystem, inmemory } = context.value;
      if (filesystem && inmemory)
        complain(context, [], 'names two drivers, filesystem and inmemory: keep one');
      if (!filesystem && !inmemory) complain(context, [], 'names no driver: set filesystem or inmemory');
    }),
  auth: z
    .strictObject({
      none: flag(false, {
        title: 'No login',
        help: 'auth: none lets everyone read, write and delete. It has to be said: without an auth section a login is needed.',
      }),
      htpasswd: z
        .strictObject({
          path: optionalText('path', "Berth's own user file, berth/users", {
            title: 'User file',
            help: 'An htpasswd file with bcrypt entries, read again when it changes. A missing file refuses the start.',
          }),
          realm: text()
            .prefault('Berth')
            .meta(
              field('text', 'Berth', {
                title: 'Realm',
                help: 'The name that clients show when they ask for a password.',
                restart: 'none',
              }),
            ),
        })
        .prefault({}),
      token: refused('Login by a token server', 'Ignoring it would change who may read and write.'),
      silly: refused('Login for tests', 'It accepts everybody. Use auth: none if that is meant.'),
    })
    .prefault({}),
  middleware: refused('Middleware', 'Ignoring it would change what is served.'),
  reporting: ignored('Bugsnag and New Relic', 'Nothing leaves the machine.'),
  http: z
    .strictObject({
      addr: optionalText('host:port or :port', '127.0.0.1:5443 and [::1]:5443', {
        title: 'Address',
        help: 'Where to listen. Without it the next free port is taken if 5443 is busy, and kept from then on.',
        restart: 'listener',
      }),
      net: oneOf(['tcp'], 'tcp', {
        title: 'Kind of address',
        help: 'Only tcp. Container engines cannot use a socket file, so unix is refused.',
        restart: 'listener',
      }),
      host: read(
        parseOrigin,
        'an http or https address without a path, such as https://registry.example:5000',
      )
        .optional()
        .meta(
          field('URL', 'unset', {
            title: 'Public address',
            help: 'The address that clients use. It is allowed as Host, and Location headers then begin with it.',
            restart: 'none',
          }),
        ),
      prefix: read(
        (value) => (/^\/(?:.*\/)?$/.test(value) ? value : undefined),
        'a path that begins and ends with /',
      )
        .prefault('/')
        .meta(
          field('path', '/', {
            title: 'Path prefix',
            help: 'What stands before /v2/ in every path.',
            restart: 'listener',
          }),
        ),
      secret: optionalText('text', 'made once and kept in berth/secret', {
        title: 'Secret',
        help: 'Signs the state of uploads. Several registries behind one address need the same.',
        secret: true,
      }),
      relativeurls: flag(true, {
        title: 'Relative Location headers',
        help: 'false writes them with scheme and host, as distribution does.',
        restart: 'none',
      }),
      draintimeout: duration('10s', {
        title: 'Time to finish requests at a stop',
        help: 'How long running requests may take after a stop was asked for. A chunk of an upload gets a second: what arrived of it is kept.',
        restart: 'none',
      }),
      headers: z
        .record(
          z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is not a header name'),
          z.array(
            read(
              (value) => (/^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? value : undefined),
              'one line of text',
            ),
            {
              error: 'must be a list of values, such as [nosniff]',
            },
          ),
        )
        .prefault({})
        .meta(
          field('map of name to list of values', '{}', {
            title: 'Response headers',
            help: 'Added to every answer. A matching Access-Control-Allow-Origin also admits writes from that origin.',
            restart: 'none',
          }),
        ),
      tls: z
        .strictObject({
          certificate: optionalText('path', 'a leaf of the own authority', {
            title: 'Certificate',
            help: 'A PEM file with the certificate and its chain, read again when it changes.',
          }),
          key: optionalText('path', 'the key of the own leaf', {
            title: 'Private key',
            help: 'The PEM file of the key that belongs to the certificate.',
          }),
          minimumtls: choice(['tls1.0', 'tls1.1', 'tls1.2', 'tls1.3'])
            .transform((version) => (version === 'tls1.3' ? 'tls1.3' : 'tls1.2'))
            .prefault('tls1.2')
            .meta(
              field('tls1.2 or tls1.3', 'tls1.2', {
                values: ['tls1.2', 'tls1.3'],
                title: 'Lowest TLS version',
                help: 'tls1.0 and tls1.1 are read as tls1.2, with a notice.',
                restart: 'listener',
              }),
            ),
          ciphersuites: z
            .array(
              read(
                (name) => (name in cipherSuites ? name : undefined),
                'the name of a cipher suite as Go writes it',
              ),
              { error: 'must be a list of cipher suites' },
            )
            .prefault(defaultCipherSuites)
            .transform((names) => names.filter((name) => cipherSuites[name] !== undefined))
            .refine((names) => names.length > 0, 'leaves no cipher suite that can be used')
            .meta(
              field('list of names', "distribution's nine", {
                title: 'Cipher suites',
                help: `Those allowed: ${Object.entries(cipherSuites)
                  .filter(([, known]) => known !== undefined)
                  .map(([name]) => name)
                  .join(', ')}. Suites with RC4 and 3DES are left out with a notice.`,
                restart: 'listener',
              }),
            ),
          clientcas: refused('Client certificates', 'Ignoring it would admit clients without a certificate.'),
          clientauth: refused(
            'Client certificates',
            'Ignoring it would admit clients without a certificate.',
          ),
          letsencrypt: refused(
            "Let's Encrypt",
            'Set http.tls.certificate and http.tls.key to a certificate that another program renews; the section is then ignored.',
          ),
        })
        .check((context) => {
          const { certificate, key } = context.value;
          if (certificate !== undefined && key === undefined)
            complain(context, ['certificate'], 'needs http.tls.key beside it');
          if (key !== undefined && certificate === undefined)
            complain(context, ['key'], 'needs http.tls.certificate beside it');
        })
        .prefault({}),
      debug: z
        .strictObject({
          addr: optionalText('host:port', 'unset', {
            title: 'Address of the debug server',
            help: 'Where /metrics and /debug/health are served, without login. Keep it on loopback.',
            restart: 'listener',
          }),
          prometheus: z
            .strictObject({
              enabled: flag(false, {
                title: 'Metrics',
                help: 'true serves metrics for Prometheus on the debug server.',
                restart: 'listener',
              }),
              path: read((value) => (value.startsWith('/') ? value : undefined), 'a path that begins with /')
                .prefault('/metrics')
                .meta(
                  field('path', '/metrics', {
                    title: 'Path of the metrics',
                    help: 'Where on the debug server the metrics are.',
                    restart: 'listener',
                  }),
                ),
            })
            .prefault({}),
        })
        .prefault({}),
      http2: ignored('HTTP/2', 'HTTP/1.1 is spoken, which every client can.'),
      h2c: ignored('HTTP/2 without TLS', 'HTTP/1.1 is spoken, which every client can.'),
    })
    .check((context) => {
      const { addr, debug } = context.value;
      if (addr !== undefined && !isAddress(addr)) complain(context, ['addr'], addressExpected);
      if (debug.addr !== undefined && !isAddress(debug.addr))
        complain(context, ['debug', 'addr'], addressExpected);
    })
    .prefault({}),
  notifications: z
    .strictObject({
      events: z
        .strictObject({
          includereferences: flag(false, {
            title: 'References in events',
            help: 'true names config and layers, or the manifests of an index, in events about a manifest.',
            restart: 'none',
            env: 'REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES',
          }),
        })
        .prefault({}),
      endpoints: z
        .array(endpointSchema, { error: 'must be a list of maps with the keys name and url' })
        .prefault([])
        .meta(
          field('list of {name, url, ...}', '[]', {
            title: 'Webhooks',
            help: 'Receivers that are told of pushes, pulls, mounts and deletes. Further keys: disabled, headers, timeout (5s), threshold (10), backoff (1s), ignoredmediatypes, ignore.mediatypes, ignore.actions; and of Berth secret (signs the events) and ca (a file of certificates).',
          }),
        ),
    })
    .check((context) => {
      const names = context.value.endpoints.map(({ name }) => name);
      for (const [at, name] of names.entries()) {
        if (names.indexOf(name) !== at)
          complain(context, ['endpoints', String(at), 'name'], 'is the name of another endpoint');
      }
    })
    .prefault({}),
  redis: ignored('Redis', 'Berth keeps an index of its own.'),
  health: z
    .strictObject({
      storagedriver: z
        .strictObject({
          enabled: flag(true, {
            title: 'Check the storage',
            help: 'false never marks the registry as not ready because of its storage.',
          }),
          interval: duration('10s', {
            title: 'Time between storage checks',
            help: 'How often the storage is tried.',
          }),
          threshold: whole(1, 1000, 1, {
            title: 'Failures until not ready',
            help: 'How many checks have to fail one after the other.',
          }),
        })
        .prefault({}),
      file: z
        .array(
          z.strictObject({
            file: text(),
            interval: read(parseDuration, durationExpected()).prefault('10s'),
            threshold: read(parseWhole(1, 1000), 'a whole number from 1 to 1000').prefault(1),
          }),
          { error: 'must be a list of maps with the key file' },
        )
        .prefault([])
        .meta(
          field('list of {file, interval, threshold}', '[]', {
            title: 'Files that mean not ready',
            help: 'While one of them exists the registry says that it is not ready. interval is 10s and threshold 1 if not said.',
            env: 'REGISTRY_HEALTH_FILECHECKERS',
          }),
        ),
      http: ignored('HTTP health checks', 'Let the monitoring look at other services.'),
      tcp: ignored('TCP health checks', 'Let the monitoring look at other services.'),
    })
    .prefault({}),
  proxy: refused('Pull-through cache', 'This version is no cache of another registry.'),
  compatibility: z
    .strictObject({
      schema1: z
        .strictObject({
          enabled: refused('Schema 1 manifests', 'They are not served any more.'),
          signingkeyfile: ignored('Key for schema 1 manifests', 'They are not served any more.'),
        })
        .optional(),
    })
    .optional(),
  policy: z
    .strictObject({
      repository: z
        .strictObject({
          classes: refused('Repository classes', 'Ignoring it would admit content that it forbids.'),
        })
        .optional(),
    })
    .optional(),
  validation: z
    .strictObject({
      disabled: flag(false, {
        title: 'No validation of manifests',
        help: 'true switches validation.manifests off.',
        restart: 'none',
      }),
      enabled: ignored('Validation, old name', 'validation.disabled took its place.'),
      manifests: z
        .strictObject({
          urls: z
            .strictObject({
              allow: patterns({
                title: 'Allowed layer addresses',
                help: 'If set, each URL in a pushed manifest has to match one of these regular expressions.',
              }),
              deny: patterns({
                title: 'Forbidden layer addresses',
                help: 'No URL in a pushed manifest may match one of these regular expressions.',
              }),
            })
            .prefault({}),
          indexes: z
            .strictObject({
              platforms: oneOf(['all', 'none', 'list'], 'all', {
                title: 'Children that an index needs',
                help: 'Which manifests of an index must be in the repository when it is pushed: all, none, or those of platformlist.',
                restart: 'none',
              }),
              platformlist: z
                .array(z.strictObject({ architecture: text(), os: text() }), {
                  error: 'must be a list of maps with the keys architecture and os',
                })
                .prefault([])
                .meta(
                  field('list of {architecture, os}', '[]', {
                    title: 'Platforms that an index needs',
                    help: 'Read if platforms is list.',
                    restart: 'none',
                  }),
                ),
            })
            .prefault({}),
        })
        .prefault({}),
    })
    .prefault({}),
  catalog: z
    .strictObject({
      maxentries: read(parseLimit, 'a whole number')
        .transform((count) => count ?? 1000)
        .prefault(1000)
        .meta(
          field('whole number', '1000', {
            title: 'Repositories in one answer',
            help: 'The most that one page of the catalog holds; 0 and less mean 1000.',
            restart: 'none',
          }),
        ),
    })
    .prefault({}),
  tags: z
    .strictObject({
      maxtags: read(parseLimit, 'a whole number')
        .transform((count) => count ?? 1000)
        .prefault(1000)
        .meta(
          field('whole number', '1000', {
            title: 'Tags in one answer',
            help: 'The most that one page of tags holds; 0 and less mean 1000. Who asks for no page gets all tags.',
            restart: 'none',
          }),
        ),
    })
    .prefault({}),
  berth: z
    .strictObject({
      listen: z
        .strictObject({
          plain: oneOf(['loopback', 'proxies', 'any', 'off'], 'loopback', {
            title: 'Plain HTTP',
            help: 'Who is served without TLS: programs on this machine, trusted proxies too, anybody (passwords can then be read on the way), or nobody.',
            restart: 'none',
          }),
        })
        .prefault({}),
      http: z
        .strictObject({
          hosts: several(parseHost, 'host names, such as [registry.example], or *', {
            title: 'Further host names',
            help: 'Names that clients may use besides loopback, the names of the certificate and http.host. * admits any name for /v2/ only.',
          }),
          trustedproxies: several(parseNetwork, 'addresses or networks, such as [10.0.0.0/8]', {
            title: 'Trusted proxies',
            help: 'Whose Forwarded and X-Forwarded headers count.',
          }),
        })
        .prefault({}),
      limits: z
        .strictObject({
          manifestbytes: bytes('4MiB', 1024, 64 * 2 ** 20, {
            title: 'Largest manifest',
            help: 'A larger one is refused with 413.',
          }),
          connections: whole(1, 100_000, 2000, {
            title: 'Connections',
            help: 'How many may be open at a time.',
            restart: 'listener',
          }),
          uploadsperuser: whole(1, 100_000, 100, {
            title: 'Open uploads of one user',
            help: 'More are refused with 429.',
            restart: 'none',
          }),
          bodyidle: duration('60s', {
            title: 'Pause in a request body',
            help: 'A body without a byte for so long is cut; the bytes before it stay.',
            restart: 'none',
          }),
          drainidle: duration('300s', {
            title: 'Pause in an answer',
            help: 'A client that reads no byte for so long is cut.',
            restart: 'none',
          }),
          headers: duration('10s', {
            title: 'Time for the request headers',
            help: 'A connection whose headers take longer is closed.',
            restart: 'listener',
          }),
          keepalive: duration('120s', {
            title: 'Idle connections',
            help: 'How long a connection without a request stays open.',
            restart: 'listener',
          }),
        })
        .prefault({}),
      storage: z
        .strictObject({
          reserve: z
            .strictObject({
              bytes: bytes('1GiB', 0, Number.MAX_SAFE_INTEGER, {
                title: 'Free bytes to keep',
                help: 'An upload that would leave less is refused before its bytes flow. The larger of bytes and percent counts.',
              }),
              percent: whole(0, 90, 2, {
                title: 'Free share to keep',
                help: 'The same in percent of the file system.',
                restart: 'none',
              }),
            })
            .prefault({}),
          collect: z
            .strictObject({
              enabled: flag(true, {
                title: 'Collect garbage',
                help: 'false frees nothing by itself; berth gc still does. Read-only mode frees nothing either.',
                restart: 'none',
              }),
              interval: duration('6h', {
                title: 'Time between collections',
                help: 'How often what nothing needs is looked for. The first time is 20 minutes after the start, or earlier where the time is shorter.',
                restart: 'none',
              }),
              grace: duration('1h', {
                title: 'Grace of unused content',
                help: 'How long content stays at least after it was uploaded, mounted or asked for.',
                restart: 'none',
              }),
              untagged: flag(false, {
                title: 'Collect untagged manifests',
                help: 'true removes manifests that no tag, index, referrer or trash entry needs.',
                restart: 'none',
              }),
            })
            .prefault({}),
          warn: z
            .strictObject({
              bytes: bytes('5GiB', 0, Number.MAX_SAFE_INTEGER, {
                title: 'Free bytes to warn at',
                help: 'Below it the log, berth status and clients say that the disk is getting full. The larger of bytes and percent counts.',
              }),
              percent: whole(0, 90, 5, {
                title: 'Free share to warn at',
                help: 'The same in percent of the file system.',
                restart: 'none',
              }),
            })
            .prefault({}),
          scrub: z
            .strictObject({
              enabled: flag(true, {
                title: 'Check stored content',
                help: 'false checks nothing by itself; berth verify still does. Read-only mode checks nothing either.',
              }),
              interval: duration('168h', {
                title: 'Time between checks',
                help: 'How long after a check of everything the next begins. One that was interrupted goes on where it was.',
              }),
              rate: bytes('50MiB', 64 * 1024, Number.MAX_SAFE_INTEGER, {
                title: 'Bytes a second to check',
                help: 'How fast content is read for it at most. While clients transfer it is far less.',
              }),
            })
            .prefault({}),
          protectedtags: tagRules({
            title: 'Protected tags',
            help: 'Tags that keep their meaning once they have one: they can be neither moved nor deleted. team/**:v* protects all tags below team that begin with v.',
          }),
          shortestlife: duration('1m', {
            title: 'Shortest life of a tag',
            help: 'A tag that expires sooner by its name, its label or a rule lives so long. Without a rule no tag expires.',
          }),
          trash: duration('168h', {
            title: 'Time in the trash',
            help: 'How long deleted tags and repositories can be restored. 0s keeps none longer than to the next collection.',
            restart: 'none',
          }),
        })
        .prefault({}),
      notifications: z
        .strictObject({
          privatetargets: several(
            (value) => parseNetwork(value) ?? parseTarget(value),
            'host names, addresses or networks, such as [ci.example, 10.0.0.0/8]',
            {
              title: 'Private targets of webhooks',
              help: 'Hosts and networks that webhooks may reach although they are on this machine or in a private network.',
              restart: 'none',
            },
          ),
          queue: whole(1, 10_000_000, 100_000, {
            title: 'Events that wait for a webhook',
            help: 'More are not kept: the oldest are given up, with a line in the log.',
            restart: 'none',
          }),
          keep: duration('168h', {
            title: 'Age of events that wait',
            help: 'Older ones are given up, with a line in the log.',
            restart: 'none',
          }),
        })
        .prefault({}),
      auth: z
        .strictObject({
          anonymous: globs({
            title: 'Pull without login',
            help: 'Repositories that everybody may read. ** means all, * one part of a name.',
          }),
        })
        .prefault({}),
      web: z
        .strictObject({
          enabled: flag(false, {
            title: 'Administration by a browser',
            help: 'true serves the control plane below /api, over HTTPS, to administrators who log in. Needs a login: it cannot go with auth: none.',
            restart: 'listener',
          }),
          session: duration('12h', {
            title: 'Idle time of a browser session',
            help: 'A session that is not used for so long ends. After 7 days every session ends.',
            restart: 'none',
          }),
        })
        .prefault({}),
      tls: z
        .strictObject({
          names: several(parseHost, 'host names or addresses, such as [registry.example, 192.168.1.5]', {
            title: 'Further names of the own certificate',
            help: 'Added to localhost, the host name and http.host.',
          }),
          renewbefore: whole(1, 180, 30, {
            title: 'Renewal of the own certificate',
            help: 'How many days before its end it is made again.',
            restart: 'none',
          }),
        })
        .prefault({}),
      log: z
        .strictObject({
          levels: z
            .partialRecord(z.enum(subsystems), choice(levels), {
              error: `must be a map with the keys ${words(subsystems)}`,
            })
            .prefault({})
            .meta(
              field('map of subsystem to level', '{}', {
                title: 'Log level of one subsystem',
                help: `Where it differs from log.level. Subsystems: ${subsystems.join(', ')}.`,
                restart: 'none',
              }),
            ),
          access: oneOf(['combined', 'json'], 'combined', {
            title: 'Access log format',
            help: 'combined is the format of Apache, json has the field names of the service log.',
            restart: 'none',
          }),
        })
        .prefault({}),
      audit: z
        .strictObject({
          keep: duration('8760h', {
            title: 'Time in the audit',
            help: 'How long is kept who changed what. Months go as a whole, once all of the month is older.',
            restart: 'none',
          }),
        })
        .prefault({}),
      validation: z
        .strictObject({
          sparse: flag(false, {
            title: 'Accept incomplete images',
            help: 'true stores image manifests whose config or layers are not in the repository.',
            restart: 'none',
          }),
        })
        .prefault({}),
    })
    .prefault({}),
});

/** The settings, and what must hold between them. */
export const configSchema = settings.check((context) => {
  const { auth, berth } = context.value;
  if (!auth.none || !berth.web.enabled) return;
  const message = 'cannot be true with auth: none, since everybody could administer the registry';
  complain(context, ['berth', 'web', 'enabled'], message);
});

/** The checked configuration: defaults filled in, durations in milliseconds, sizes in bytes. */
export type Config = z.infer<typeof configSchema>;

/** `host:port`, `[v6]:port` or `:port`. */
function isAddress(value: string): boolean {
  const [, port] = /^(?:\[[0-9a-fA-F:.]+\]|[^:[\]\s/]*):(\d{1,5})$/.exec(value) ?? [];
  return port !== undefined && Number(port) <= 65_535;
}

const addressExpected = 'must be host:port or :port, such as 127.0.0.1:5443';
