import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessLine } from './access.ts';
import type { AccessEntry } from './access.ts';

const entry: AccessEntry = {
  at: Date.UTC(2026, 6, 29, 10, 32, 20),
  requestId: 'b6f1',
  remoteAddress: '172.17.0.1:50000',
  user: 'dev',
  method: 'GET',
  uri: '/',
  httpVersion: '1.1',
  host: 'registry.example',
  userAgent: 'curl/8.5.0',
  status: 200,
  bytesSent: 0,
  durationMs: 1.5,
};

test("an access line is Apache's combined format", () => {
  const cases: readonly (readonly [Partial<AccessEntry>, string])[] = [
    [{}, '172.17.0.1 - dev [29/Jul/2026:10:32:20 +0000] "GET / HTTP/1.1" 200 0 "" "curl/8.5.0"'],
    [
      { user: undefined },
      '172.17.0.1 - - [29/Jul/2026:10:32:20 +0000] "GET / HTTP/1.1" 200 0 "" "curl/8.5.0"',
    ],
    [
      { user: 'a b"c' },
      '172.17.0.1 - a\\x20b\\x22c [29/Jul/2026:10:32:20 +0000] "GET / HTTP/1.1" 200 0 "" "curl/8.5.0"',
    ],
    [
      { remoteAddress: '[::1]:5' },
      '::1 - dev [29/Jul/2026:10:32:20 +0000] "GET / HTTP/1.1" 200 0 "" "curl/8.5.0"',
    ],
    [
      { remoteAddress: '::1' },
      '::1 - dev [29/Jul/2026:10:32:20 +0000] "GET / HTTP/1.1" 200 0 "" "curl/8.5.0"',
    ],
    [
      { referer: 'http://r/"q"', userAgent: undefined },
      '172.17.0.1 - dev [29/Jul/2026:10:32:20 +0000] "GET / HTTP/1.1" 200 0 "http://r/\\"q\\"" ""',
    ],
    [
      { uri: '/v2/a/blobs/uploads/1?_state=s3cret&digest=x', userAgent: 'x\n1.2.3.4 - -' },
      '172.17.0.1 - dev [29/Jul/2026:10:32:20 +0000] "GET /v2/a/blobs/uploads/1?_state=***&digest=x HTTP/1.1" 200 0 "" "x\\x0a1.2.3.4 - -"',
    ],
  ];

  const written = cases.map(([change]) => accessLine({ ...entry, ...change }, 'combined'));

  assert.deepEqual(
    written,
    cases.map(([, line]) => `${line}\n`),
  );
});

test('the JSON form has the request fields of the service log', () => {
  const line = accessLine({ ...entry, uri: '/token?scope=a&account=b', contentType: 'text/plain' }, 'json');

  assert.deepEqual(JSON.parse(line), {
    'auth.user.name': 'dev',
    'http.request.host': 'registry.example',
    'http.request.id': 'b6f1',
    'http.request.method': 'GET',
    'http.request.remoteaddr': '172.17.0.1:50000',
    'http.request.uri': '/token?scope=***&account=***',
    'http.request.useragent': 'curl/8.5.0',
    'http.response.contenttype': 'text/plain',
    'http.response.duration': '1.5ms',
    'http.response.status': 200,
    'http.response.written': 0,
    time: '2026-07-29T10:32:20.000Z',
  });
});
