import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { basicAuthorization, parseAuthorization } from './basic.ts';

const basic = (text: string | Uint8Array): string => `Basic ${Buffer.from(text).toString('base64')}`;

test('the header is read strictly', () => {
  const none = { kind: 'none' };
  const malformed = { kind: 'malformed' };
  const dev = { kind: 'basic', user: 'dev', password: 'pw' };
  const bearer = { kind: 'bearer', token: 'a.b-c_d~e+f/g==' };
  const table: readonly (readonly [name: string, header: string | undefined, expected: object])[] = [
    ['no header', undefined, none],
    ['user and password', basic('dev:pw'), dev],
    ['scheme in other case, several spaces', basic('dev:pw').replace('Basic ', 'bASIC   '), dev],
    ['colons in the password', basic('dev:a:b:'), { ...dev, password: 'a:b:' }],
    ['empty password', basic('dev:'), { ...dev, password: '' }],
    ['UTF-8', basic('jürgen:pässwörd'), { kind: 'basic', user: 'jürgen', password: 'pässwörd' }],
    ['72 bytes', basic(`dev:${'ä'.repeat(36)}`), { ...dev, password: 'ä'.repeat(36) }],
    ['skopeo without a login', 'Basic Og==', none],
    ['bearer', 'Bearer a.b-c_d~e+f/g==', bearer],
    ['73 bytes', basic(`dev:${'a'.repeat(73)}`), malformed],
    ['74 bytes in 37 characters', basic(`dev:${'ä'.repeat(37)}`), malformed],
    ['empty header', '', malformed],
    ['no value', 'Basic', malformed],
    ['empty value', 'Basic ', malformed],
    ['no colon', basic('devpw'), malformed],
    ['empty user', basic(':pw'), malformed],
    ['NUL in the password', basic('dev:p\0w'), malformed],
    ['NUL in the user', basic('d\0v:pw'), malformed],
    ['line end in the user', basic('d\nv:pw'), malformed],
    ['not UTF-8', basic(Uint8Array.of(0x64, 0x3a, 0xff)), malformed],
    ['bad base64', 'Basic ****', malformed],
    ['base64 without padding', basic('dev:pw1').replace(/=+$/, ''), malformed],
    ['too much padding', `${basic('dev:pw')}=`, malformed],
    ['loose last bits', 'Basic ZGV2OnB3MR==', malformed],
    ['base64url', `Basic ${Buffer.from('dev:???>>>').toString('base64url')}`, malformed],
    ['words after', `${basic('dev:pw')} x`, malformed],
    ['two credentials', `${basic('dev:pw')}, ${basic('dev:pw')}`, malformed],
    ['another scheme', 'Digest username="dev"', malformed],
    ['Negotiate', 'Negotiate abc', malformed],
    ['space before', ` ${basic('dev:pw')}`, malformed],
    ['user of 256 bytes', basic(`${'a'.repeat(256)}:pw`), malformed],
  ];

  const found = table.map(([name, header]) => [name, header, parseAuthorization(header)]);

  assert.deepEqual(found, table);
});

test('any text gets an answer', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `Basic ${text}`),
        fc.base64String().map((t) => `Basic ${t}`),
      ),
      (text) => {
        assert.match(parseAuthorization(text).kind, /^(?:none|basic|bearer|malformed)$/);
      },
    ),
  );
});

test('what is written is read again', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z@. ü]{1,20}$/),
      fc.string({ unit: 'grapheme', maxLength: 10 }),
      (user, password) => {
        fc.pre(user === user.trim() && !password.includes('\0') && Buffer.byteLength(password) <= 72);
        assert.deepEqual(parseAuthorization(basicAuthorization(user, password)), {
          kind: 'basic',
          user,
          password,
        });
      },
    ),
  );
});

test('a long header takes linear time', () => {
  time(30_000);
  assert.ok(time(300_000) < time(30_000) * 40 + 20);
});

function time(length: number): number {
  const inputs = [`Basic ${' '.repeat(length)}*`, `Basic ${'='.repeat(length)}`, `${'a'.repeat(length)} x y`];
  const start = performance.now();
  for (const input of inputs) parseAuthorization(input);
  return performance.now() - start;
}
