/**
 * Every parser of what strangers send: it answers any text, reads what is written, agrees with the expression of its
 * specification where there is one, and takes a time that is linear. FUZZ_RUNS: how many texts each; fast-check prints
 * the seed of a failure. The first tests of a parser are beside it.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'node:test';
import { basicAuthorization, parseAuthorization } from '../../registry/auth/basic.ts';
import { createBearer, generateTokenKey } from '../../registry/auth/bearer.ts';
import { formatScope, parseScope } from '../../registry/auth/scopes.ts';
import { parseUsers } from '../../registry/auth/users.ts';
import { applyEnvironment } from '../../registry/config/environment.ts';
import { emptyGroup } from '../../registry/config/tree.ts';
import { checkHost, hostName } from '../../registry/http/hosts.ts';
import { nextLink, pageSize } from '../../registry/http/pages.ts';
import { proxyTest, reachOf } from '../../registry/http/proxies.ts';
import { decodeName, matchRoute } from '../../registry/http/route.ts';
import { openUploadState, sealUploadState } from '../../registry/http/upload-state.ts';
import { redactText } from '../../registry/log/redact.ts';
import { parseDigest } from '../../registry/spec/digest.ts';
import { isAppError, type ErrorCode } from '../../registry/spec/errors.ts';
import { parseManifest } from '../../registry/spec/manifest.ts';
import { bareMediaType, parseManifestMediaType } from '../../registry/spec/media-types.ts';
import { parseRepoName, parseTag, parseUploadId } from '../../registry/spec/names.ts';
import { decideRange, parseContentRange } from '../../registry/spec/ranges.ts';
import { readJsonObject } from '../../main/engine/files/json-edit.ts';
import { quantile } from '../support/statistics.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 2000);

/** Answers what the parser answers; a refusal of that code is an answer, too. */
function orRefusal<T>(code: ErrorCode, act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (isAppError(error, code)) return undefined;
    throw error;
  }
}

const bearer = createBearer({ key: generateTokenKey() });
const secret = Buffer.alloc(32, 7);
const isProxy = proxyTest(['127.0.0.1']);
const hostRules = { certificateNames: () => ['*.example.test'], configured: () => ['registry.example'] };

interface Parser {
  /** Characters that it has rules about. */
  readonly alphabet: string;
  /** Calls the parser, which must not throw. */
  readonly parse: (text: string) => unknown;
  /** Texts that are nearly right for long. */
  readonly long: readonly ((length: number) => string)[];
  /** What the specification says of the text. */
  readonly spec?: (text: string) => boolean;
}

const repeat =
  (unit: string, end = '') =>
  (length: number): string =>
    unit.repeat(length / unit.length) + end;

const parsers: Readonly<Record<string, Parser>> = {
  name: {
    alphabet: 'ab0._-/A%',
    parse: parseRepoName,
    long: [repeat('a'), repeat('a/'), repeat('-', 'a'), repeat('a-', '!')],
    spec: (text) =>
      text.length <= 255 &&
      /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/.test(text),
  },
  tag: {
    alphabet: 'aZ0._-:/',
    parse: parseTag,
    long: [repeat('a'), repeat('.'), repeat('a', '\n')],
    spec: (text) => /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(text) && !text.endsWith('\n'),
  },
  digest: {
    alphabet: 'sha256:512af0F',
    parse: parseDigest,
    long: [repeat('a'), (length) => `sha256:${'a'.repeat(length)}`, repeat('sha256:')],
    spec: (text) => /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/.test(text),
  },
  'upload id': {
    alphabet: '0af-',
    parse: parseUploadId,
    long: [repeat('0'), repeat('0-')],
    spec: (text) => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text),
  },
  'range of a chunk': {
    alphabet: 'bytes 0123456789-/*',
    parse: parseContentRange,
    long: [repeat('9'), repeat(' '), (length) => `bytes${' '.repeat(length)}x`, repeat('1-')],
  },
  'ranges of a download': {
    alphabet: 'bytes=0123456789-, ',
    parse: (text) => decideRange(text, 100),
    long: [
      repeat(' ', 'x'),
      (length) => `bytes=${'0-0,'.repeat(length / 4)}`,
      (length) => `bytes${' '.repeat(length)}x`,
    ],
  },
  'media type': {
    alphabet: 'application/vnd.oci;+= ',
    parse: (text) => [bareMediaType(text), parseManifestMediaType(text)],
    long: [repeat(' '), repeat(';'), repeat('a/')],
  },
  login: {
    alphabet: 'Basic er=+/-_.~ :',
    parse: parseAuthorization,
    long: [
      (length) => `Basic ${' '.repeat(length)}*`,
      (length) => `Basic ${'='.repeat(length)}`,
      (length) => `Basic ${'A'.repeat(length)}`,
      repeat('a', ' x y'),
    ],
  },
  'Bearer token': {
    alphabet: 'eyJ._-A0=',
    parse: (text) => bearer.verify(text, 'berth'),
    long: [
      repeat('.'),
      repeat('a'),
      (length) => `${tokenOf().split('.', 1)[0] ?? ''}.${'a'.repeat(length)}.x`,
    ],
  },
  scope: {
    alphabet: 'repositygcal:*,/ ()',
    parse: parseScope,
    long: [
      repeat(':'),
      (length) => `repository:${'a/'.repeat(length / 2)}:pull`,
      (length) => `repository:a:${'pull,'.repeat(length / 5)}`,
    ],
  },
  'page size': {
    alphabet: '0123456789-+.e ',
    parse: (text) => orRefusal('PAGE_INVALID', () => pageSize(new URLSearchParams({ n: text }), 1000)),
    long: [repeat('9'), repeat('0')],
    spec: (text) => /^[0-9]{1,30}$/.test(text),
  },
  path: {
    alphabet: '/v2_catlogblobsuploadsmanifests%.tagslist',
    parse: (text) => matchRoute(`/v2/${text}`),
    long: [repeat('/'), repeat('a/'), repeat('%61')],
  },
  'name in a path': {
    alphabet: '%2Ff0a/é',
    parse: (text) => orRefusal('NAME_INVALID', () => decodeName(text)),
    long: [repeat('%61'), repeat('%'), repeat('%c3')],
  },
  host: {
    alphabet: 'localhost:0[]./@127',
    parse: (text) => [hostName(text), orRefusal('HOST_DENIED', () => checkHost(text, '/v2/', hostRules))],
    long: [repeat('a'), repeat('a.'), repeat('['), repeat(':'), repeat('/'), repeat('1.')],
  },
  'what a proxy says': {
    alphabet: 'for=by;host,proto"[]:127.0',
    parse: (text) => reachOf(requestOf(text), false, isProxy),
    long: [repeat(','), repeat('for=1.1.1.1,'), repeat(';'), repeat('"'), repeat('for="[', ']"')],
  },
  'user file': {
    alphabet: 'dev:$2y1./\n#\r \ufeff',
    parse: (text) => orRefusal('USERS_INVALID', () => parseUsers(Buffer.from(text), 'users')),
    long: [
      repeat('\n'),
      repeat('#x\n'),
      repeat(' '),
      repeat('a:b\n'),
      (length) => Array.from({ length: length / 10 }, (_, at) => `u${at}:x\n`).join(''),
    ],
  },
  'state of an upload': {
    alphabet: 'AQab-_=+/',
    parse: (text) => openUploadState(secret, text),
    long: [repeat('A'), repeat('_')],
  },
  'daemon.json': {
    alphabet: '{}[]":,\\ u0ae1-\n',
    parse: (text) => orRefusal('CHANGE_REFUSED', () => readJsonObject(Buffer.from(text), 'daemon.json')),
    long: [
      repeat(' '),
      (length) => `{"a":[${'1,'.repeat(length / 2)}1]}`,
      (length) => `{"a":"${'\\"'.repeat(length / 2)}"}`,
      repeat('['),
      (length) => `{${Array.from({ length: length / 12 }, (_, at) => `"k${at}":1`).join(',')}}`,
    ],
  },
  'variable of the environment': {
    alphabet: 'REGISTYHTP_ADL0:{}[],&*!|>-"\n #',
    parse: (text) =>
      orRefusal('CONFIG_INVALID', () =>
        applyEnvironment(
          emptyGroup({ kind: 'env', where: 'test' }),
          { [`REGISTRY_${text.slice(0, 40)}`]: text, REGISTRY_HTTP_ADDR: text },
          [],
        ),
      ),
    long: [repeat('a'), repeat('_'), repeat(' ')],
  },
  manifest: {
    alphabet: '{}[]":,\\ schemaVrion2',
    parse: (text) => orRefusal('MANIFEST_INVALID', () => parseManifest(text, undefined)),
    long: [
      repeat('['),
      repeat('"'),
      repeat('\\"'),
      (length) => `{"a":"${'\\\\'.repeat(length / 2)}"}`,
      (length) => `{${Array.from({ length: length / 12 }, (_, at) => `"k${at}":1`).join(',')}}`,
      repeat(' '),
    ],
  },
  'line of the log': {
    alphabet: 'Basic Bearer eyJ.=?&;token@:/password ',
    parse: redactText,
    long: [
      repeat('Basic '),
      repeat('://'),
      repeat('token='),
      repeat('cookie:'),
      repeat('?a'),
      repeat('eyJ'),
      repeat('a', '@'),
      repeat('/token?'),
      repeat('password'),
    ],
  },
};

function requestOf(text: string): Parameters<typeof reachOf>[0] {
  const headers = {
    forwarded: text,
    'x-forwarded-for': text,
    'x-forwarded-host': text,
    'x-forwarded-prefix': text,
    host: 'localhost',
  };
  return { socket: { remoteAddress: '127.0.0.1' }, headers } as unknown as Parameters<typeof reachOf>[0];
}

function tokenOf(): string {
  return bearer.issue({ user: 'dev', via: 'none', audience: 'berth', access: [] }).token;
}

/** That it answers any text, and what its specification says. */
function propertyOf({ alphabet, parse, long, spec }: Parser): fc.IPropertyWithHooks<[string]> {
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom(...alphabet.split('')), maxLength: 60 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
    { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...alphabet.split('')), maxLength: 400 }) },
    // Of one kind, so that it is right up to a limit.
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...long), fc.nat(400)).map(([make, length]) => make(length)),
    },
  );
  return fc.property(text, (given) => {
    const answer = parse(given);
    // Oracle: the expression as the specification prints it.
    if (spec !== undefined) assert.equal(answer !== undefined, spec(given));
  });
}

for (const [name, parser] of Object.entries(parsers)) {
  const { spec } = parser;
  test(`${name}: any text gets an answer${spec === undefined ? '' : ', that of the specification'}`, () => {
    fc.assert(propertyOf(parser), { numRuns });
  });
}

test('a parser that throws, or takes one character more than the specification, is found', () => {
  const { name, tag, scope } = parsers;
  assert.ok(name && tag && scope);
  const wrong: readonly Parser[] = [
    { ...tag, parse: (text) => (/^[\w.][\w.-]{0,127}$/.test(text) ? text : undefined) },
    { ...tag, parse: (text) => parseTag(text.slice(0, 128)) },
    { ...name, parse: (text) => parseRepoName(text.toLowerCase()) },
    { ...scope, parse: (text) => assert.ok(!text.includes('*:')) },
  ];

  const failed = wrong.map((parser) => fc.check(propertyOf(parser), { numRuns: 20_000 }).failed);

  assert.deepEqual(failed, [true, true, true, true]);
});

test('each takes a time that grows with the text, and no faster', (t) => {
  const slow: string[] = [];
  for (const [name, { parse, long }] of Object.entries(parsers)) {
    for (const [at, make] of long.entries()) {
      if (isSlow(parse, make, 30_000)) slow.push(`${name} ${at}`);
    }
  }
  assert.deepEqual(slow, []);
  t.diagnostic(
    `${Object.keys(parsers).length} parsers, ${numRuns} texts each; ten times the text takes less than 15 times as long, or eight times of that less than 25 times`,
  );
});

test('the measure of time sees one that is not linear', () => {
  const square = (text: string): boolean => /^a*a*b$/.test(text);

  assert.ok(isSlow(square, repeat('a'), 800));
});

/** Whether more text takes more than its share. What leaves the caches of the processor on the way to ten times does so once. */
function isSlow(parse: Parser['parse'], make: (length: number) => string, length: number): boolean {
  const [short, tenfold, more] = [1, 10, 80].map((times) => make(times * length)) as [string, string, string];
  const most = timeOf(() => parse(tenfold));
  // In less than 20 ms nothing is done 300,000 times for each of 300,000 characters.
  if (most < 15 * timeOf(() => parse(short)) || most < 20) return false;
  return timeOf(() => parse(more)) >= 25 * timeOf(() => parse(tenfold));
}

/**
 * Processor time of this thread in milliseconds, the median of several. What many small objects take is mostly the collector's, which
 * comes into some of them: their least would be that of the texts that it left alone.
 */
function timeOf(act: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.threadCpuUsage();
    act();
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1000;
  });
  return quantile(times, 0.5);
}

test('what is written is read again', () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,12}$/);
  const unit = fc.string({ unit: 'grapheme', maxLength: 20 });
  fc.assert(
    fc.property(word, unit, word, (user, text, repository) => {
      if (!text.includes('\0') && Buffer.byteLength(text) <= 72)
        assert.deepEqual(parseAuthorization(basicAuthorization(user, text)), {
          kind: 'basic',
          user,
          password: text,
        });
      const state = { repository, id: user, user: text, algorithm: 'sha256', startedAt: 5 } as const;
      assert.deepEqual(openUploadState(secret, sealUploadState(secret, state)), state);
      const scope = parseScope(`repository:${repository}:pull,push`);
      assert.ok(scope !== undefined);
      assert.deepEqual(parseScope(formatScope(scope)), scope);
      // The link leads to a page that asks for the same, from where this one ended.
      const query = new URLSearchParams({ artifactType: text });
      const link = nextLink({ prefix: '', query }, '/v2/_catalog', { last: text, n: 7 });
      const [, target = ''] = /^<([^<>]*)>; rel="next"$/.exec(link) ?? [];
      const asked = new URL(target, 'http://localhost').searchParams;
      const kept = text.toWellFormed();
      assert.deepEqual([asked.get('last'), asked.get('n'), asked.get('artifactType')], [kept, '7', kept]);
    }),
    { numRuns },
  );
});

test('no Bearer token but ours is read, whatever is changed', () => {
  const right = tokenOf();
  assert.ok('claims' in bearer.verify(right, 'berth'));
  fc.assert(
    fc.property(fc.nat(right.length - 1), fc.constantFrom(...'ABab01_-.'.split('')), (at, letter) => {
      fc.pre(right[at] !== letter);
      assert.deepEqual(bearer.verify(right.slice(0, at) + letter + right.slice(at + 1), 'berth'), {
        failed: 'invalid',
      });
    }),
    { numRuns },
  );
});
