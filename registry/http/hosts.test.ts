import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHost, hostName, readHost } from './hosts.ts';

const rules = {
  certificateNames: () => ['box.local', '192.168.1.5', 'fd00::5', '*.wild.example'],
  configured: () => ['https://Registry.Example:5000'],
};

for (const [authority, path, isOurs] of [
  ['localhost:5443', '/v2/', true],
  ['LOCALHOST', '/', true],
  ['127.0.0.1:5443', '/v2/', true],
  ['127.8.8.8', '/v2/', true],
  ['[::1]:5443', '/v2/', true],
  ['box.local:1', '/v2/', true],
  ['192.168.1.5', '/v2/', true],
  ['[fd00::5]:5443', '/v2/', true],
  ['registry.example', '/v2/', true],
  ['a.wild.example', '/v2/', true],
  ['a.b.wild.example', '/v2/', false],
  ['wild.example', '/v2/', false],
  ['registry.example.', '/v2/', true],
  ['evil.example', '/v2/', false],
  ['localhost.evil.example', '/v2/', false],
  ['127.0.0.1.evil.example', '/v2/', false],
  ['', '/v2/', false],
] as const) {
  test(`Host ${JSON.stringify(authority)} is ${isOurs ? 'answered' : 'refused'}`, () => {
    const judge = () => checkHost(readHost(authority), path, rules);
    if (isOurs) judge();
    else assert.throws(judge, { code: 'HOST_DENIED' });
  });
}

test('a star admits every host to /v2 and to nothing else', () => {
  const open = { certificateNames: () => [], configured: () => ['*'] };

  checkHost('any.example', '/v2/', open);
  checkHost('any.example', '/v2', open);
  assert.throws(() => checkHost('any.example', '/ui/', open), { code: 'HOST_DENIED' });
  assert.throws(() => checkHost('any.example', '/v2x', open), { code: 'HOST_DENIED' });
});

test('the name of a host is found without scheme, port, brackets and final dot', () => {
  const names = ['https://a.b:1/x', '[::1]:2', '[::1]', 'A.B.', 'a:'].map(hostName);

  assert.deepEqual(names, ['a.b', '::1', '::1', 'a.b', 'a']);
});
