/**
 * HTTP that is broken in every way a socket can carry, on one connection or many, whole or in pieces, plain and by TLS.
 * Each request has a number that is its own: an answer that names another has been mixed up. FUZZ_CONNECTIONS: how many;
 * FUZZ_SEED: the one that a failure has printed.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { forEachOf } from '../support/parallel.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { fewestForClients, leftForClients, residentMiB } from '../support/vitals.ts';
import { pushImage, sender } from '../wire/support.ts';
import { createRandom, type Random } from './random.ts';

const connections = Number(process.env['FUZZ_CONNECTIONS'] ?? 500);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000);
/** Most of them wait for the other side to give up. */
const atOnce = 64;
const onLinux = process.platform === 'linux' ? {} : { skip: 'reads /proc' };

/** A request as it would be right, in parts that can be broken one by one. */
interface Draft {
  line: string;
  fields: string[];
  body: string;
}

/** What makes a draft wrong; some leave it right. */
type Break = (draft: Draft, random: Random) => void;

const junk = (random: Random, most: number): string =>
  Array.from({ length: random.below(most) + 1 }, () => String.fromCharCode(random.below(256))).join('');

const breaks: readonly Break[] = [
  // The request line.
  (draft, random) => {
    draft.line = draft.line.replace(
      /^\w+/,
      random.of(['GET', 'get', 'G ET', '', 'PRI', 'TRACE', 'A'.repeat(300), 'GET\0', '\u00e9']),
    );
  },
  (draft, random) => {
    draft.line = draft.line.replace(
      /HTTP.*$/,
      random.of([
        'HTTP/1.0',
        'HTTP/0.9',
        'HTTP/2.0',
        'HTTP/1.2',
        'HTTP/11',
        'http/1.1',
        'HTTP/1.1 x',
        '',
        'HTTP/1.1\t',
        'HTTP/9.9',
      ]),
    );
  },
  (draft, random) => {
    const target = random.of([
      '*',
      '//',
      '/..%2f..',
      '/v2/%',
      '/v2/%00',
      '/v2/\u00ff',
      'http://evil/v2/',
      'http://localhost/v2/',
      '/v2/#x',
      '/v2/?',
      `/${'a'.repeat(random.below(40_000))}`,
      '/v2/ x',
      '\\v2\\',
      'v2',
    ]);
    draft.line = draft.line.replace(/ \S+ /, () => ` ${target} `);
  },
  (draft, random) => {
    draft.line = junk(random, 60) + draft.line;
  },
  // The fields.
  (draft, random) =>
    void draft.fields.push(
      random.of([
        'Host: localhost',
        'Host: evil.example',
        'Host:',
        'Host : localhost',
        ' Host: x',
        'host: localhost',
      ]),
    ),
  (draft) => {
    draft.fields = draft.fields.filter((field) => !field.startsWith('Host'));
  },
  (draft, random) =>
    void draft.fields.push(
      random.of([
        'Content-Length: 5',
        'Content-Length: -1',
        'Content-Length: 5, 5',
        'Content-Length: 0x5',
        'Content-Length: 99999999999999999999',
        'Content-Length: 5 5',
        'Content-Length:',
        'Content-Length: +5',
      ]),
    ),
  (draft, random) =>
    void draft.fields.push(
      random.of([
        'Transfer-Encoding: chunked',
        'Transfer-Encoding: gzip, chunked',
        'Transfer-Encoding: chunked, chunked',
        'Transfer-Encoding: xchunked',
        'Transfer-Encoding:\tchunked',
        'Transfer-Encoding : chunked',
        'Transfer-Encoding: identity',
        'TE: trailers',
      ]),
    ),
  (draft, random) =>
    void draft.fields.push(
      random.of([
        'Connection: close',
        'Connection: keep-alive, close',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Upgrade: h2c',
        'Expect: 100-continue',
        'Expect: 200-ok',
        'Trailer: x',
      ]),
    ),
  (draft, random) => void draft.fields.push(`X: ${junk(random, 200)}`),
  (draft, random) => void draft.fields.push(junk(random, 80)),
  (draft, random) =>
    void draft.fields.push(...Array.from({ length: random.below(300) }, (_, at) => `X-${at}: 1`)),
  (draft, random) => void draft.fields.push(`X: ${'a'.repeat(random.below(50_000))}`),
  (draft, random) => void draft.fields.push(` folded${junk(random, 5)}`),
  (draft, random) =>
    void draft.fields.push(
      random.of([
        'Authorization: Basic',
        'Authorization: Bearer x',
        'Range: bytes=0-',
        'Content-Range: 0-1',
        'If-None-Match: *',
        'Accept: */*',
        'Cookie: a=b',
        'Origin: null',
      ]),
    ),
  // The body.
  (draft, random) => {
    draft.fields.push('Transfer-Encoding: chunked');
    draft.body = random.of([
      '5\r\nhello\r\n0\r\n\r\n',
      '5\nhello\n0\n\n',
      '5;x=y\r\nhello\r\n0\r\n\r\n',
      'ffffffffffffffff\r\nx',
      '-1\r\n',
      '5\r\nhelloX0\r\n\r\n',
      '0\r\nX: y\r\n\r\n',
      '0x5\r\nhello\r\n',
      '\r\n\r\n',
      '05\r\nhello\r\n0\r\n\r\n',
      '5 \r\nhello\r\n0\r\n\r\n',
      'g\r\n',
    ]);
  },
  (draft, random) => {
    draft.body = junk(random, 500);
  },
  (draft, random) => {
    draft.fields.push(`Content-Length: ${random.below(2000)}`);
    draft.body = junk(random, 1000);
  },
];

const methods = ['GET', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** A request for something that is not there and has a number in its name, which its answer quotes. */
function draftOf(number: number, random: Random): Draft {
  return {
    line: `${random.of(methods)} /v2/team/app/manifests/nonce-${number}-end HTTP/1.1`,
    fields: ['Host: localhost'],
    body: '',
  };
}

function write({ line, fields, body }: Draft, end: string): Buffer {
  return Buffer.from([line, ...fields, '', body].join(end), 'latin1');
}

/** Writes bytes as the random numbers say: at once, in pieces, a byte at a time. */
async function deliver(socket: Socket, bytes: Buffer, random: Random): Promise<void> {
  const most = random.of([Infinity, Infinity, 2000, 100, 7, 1]);
  const pieces = Math.min(40, Math.ceil(bytes.length / most));
  for (let at = 0; at < pieces && socket.writable; at += 1) {
    socket.write(
      at === pieces - 1 ? bytes.subarray(at * most || 0) : bytes.subarray(at * most, (at + 1) * most),
    );
    if (pieces > 1) await new Promise(setImmediate);
  }
}

interface Result {
  readonly sent: readonly Buffer[];
  readonly received: string;
}

/** One connection with one to five requests, broken or not, pipelined; ends it in one of the ways there are. */
async function converse(registry: TestRegistry, first: number, random: Random): Promise<Result> {
  const isTls = random.below(4) === 0;
  const { host, port, ca } = registry;
  const options = { host, port, allowHalfOpen: true };
  const socket: Socket = isTls
    ? connectTls({ ...options, ca, maxVersion: random.of(['TLSv1.2', 'TLSv1.3']) })
    : connect(options);
  if (isTls) (socket as ReturnType<typeof connectTls>).setMaxSendFragment(random.of([512, 1024, 16_384]));
  let received = '';
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  socket
    .on('error', () => undefined)
    .on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
    });
  socket.once('end', () => socket.end());
  const sent: Buffer[] = [];
  const count = 1 + random.below(5);
  for (let at = 0; at < count; at += 1) {
    const draft = draftOf(first + at, random);
    for (let left = random.below(3); left > 0; left -= 1) random.of(breaks)(draft, random);
    let bytes = write(draft, random.of(['\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r']));
    if (random.below(10) === 0) bytes = bytes.subarray(0, random.below(bytes.length) + 1);
    sent.push(bytes);
    await deliver(socket, bytes, random);
  }
  switch (random.below(8)) {
    case 0:
      socket.destroy();
      break;
    case 1:
      if (isTls) socket.destroy();
      else socket.resetAndDestroy();
      break;
    default: {
      // Who says that no more will come is answered what there is to answer; half of a request is given up in time.
      socket.end();
      const late = setTimeout(() => socket.destroy(), 8000);
      await closed;
      clearTimeout(late);
    }
  }
  await closed;
  return { sent, received };
}

/** A fatal alert of TLS (RFC 8446 6): the answer to what begins as TLS does and is none. */
function isAlert(received: string): boolean {
  return (
    received.length === 7 && received.startsWith('\u0015\u0003') && received.slice(3, 6) === '\0\u0002\u0002'
  );
}

/** The first byte of a handshake (RFC 8446 5.1). */
const handshake = 0x16;

/** What must not be in the answers of a connection; the numbers of its requests are from `first` on. */
function problemOf({ sent, received }: Result, first: number): string | undefined {
  if (/HTTP\/1\.1 5\d\d /.test(received)) return 'an answer of 5xx';
  const strange = [...received.matchAll(/nonce-(\d+)-end/g)].find(([, number]) => {
    const at = Number(number) - first;
    return !(at >= 0 && at < sent.length);
  });
  if (strange !== undefined) return `an answer to another request: ${strange[0]}`;
  // In the order of the requests, each once.
  const numbers = received
    .split(/(?=HTTP\/1\.1 \d\d\d )/)
    .flatMap((answer) => /nonce-(\d+)-end/.exec(answer)?.[1] ?? [])
    .map(Number);
  if (numbers.some((number, at) => at > 0 && number <= (numbers[at - 1] ?? 0))) return 'answers out of order';
  if (received === '' || received.startsWith('HTTP/1.1 ')) return undefined;
  return sent[0]?.[0] === handshake && isAlert(received) ? undefined : 'something before the answer';
}

test('broken HTTP gets a refusal or nothing, and never the answer of another', onLinux, async (t) => {
  await using registry = await startRegistry({
    env: { BERTH_LIMITS_HEADERS: '3s', BERTH_LIMITS_BODYIDLE: '3s', BERTH_LIMITS_KEEPALIVE: '3s' },
  });
  await pushImage(sender(registry), 'team/app', 'v');
  const usual = await fewestForClients(registry.pid, 5000);
  const problems: string[] = [];
  let answers = 0;
  let memory = 0;

  await forEachOf(Array.from({ length: connections }).keys(), atOnce, async (at) => {
    // Numbers of one connection are of no other.
    const first = at * 10;
    const random = createRandom(seed + at);
    const result = await converse(registry, first, random);
    answers += result.received.split('HTTP/1.1 ').length - 1;
    const problem = problemOf(result, first);
    if (problem !== undefined)
      problems.push(
        `FUZZ_SEED=${seed + at} FUZZ_CONNECTIONS=1: ${problem}: ${JSON.stringify(String(Buffer.concat(result.sent)).slice(0, 500))} was answered ${JSON.stringify(result.received.slice(0, 500))}`,
      );
    if (at === Math.floor(connections / 2)) memory = await residentMiB(registry.pid);
    if (at % 100 === 0 && (await sender(registry)('GET', '/v2/team/app/manifests/v')).status !== 200)
      problems.push(`no pull after ${at}`);
  });

  assert.deepEqual(problems.slice(0, 5), []);
  const left = await leftForClients(registry.pid, usual);
  const grown = (await residentMiB(registry.pid)) - memory;
  t.diagnostic(
    `${connections} connections from seed ${seed}, ${answers} answers: 0 of 5xx, 0 to another request; ${left.length} sockets and files of content are open, ${usual} before; ${grown} MiB more after the second half`,
  );
  assert.ok(left.length <= usual, `${left.join(' ')}; ${usual} before`);
  assert.ok(grown < 64, `${grown} MiB`);
  assert.ok(answers > connections / 2, String(answers));
});

test('what is judged is seen: answers that are mixed up, late, or of 5xx', () => {
  const answer = (number: number, status = 404): string => `HTTP/1.1 ${status} x\r\n\r\nnonce-${number}-end`;
  const sent = [Buffer.of(), Buffer.of()];
  const refusedTls = '\u0015\u0003\u0003\0\u0002\u0002\u0016';

  const found = [
    answer(10) + answer(11),
    answer(11) + answer(10),
    answer(12),
    answer(10, 500),
    `x${answer(10)}`,
    refusedTls,
    '',
  ].map((received) => problemOf({ sent, received }, 10));
  const begunAsTls = [refusedTls, `${refusedTls}x`].map((received) =>
    problemOf({ sent: [Buffer.of(handshake)], received }, 10),
  );

  assert.deepEqual(found, [
    undefined,
    'answers out of order',
    'an answer to another request: nonce-12-end',
    'an answer of 5xx',
    'something before the answer',
    'something before the answer',
    undefined,
  ]);
  assert.deepEqual(begunAsTls, [undefined, 'something before the answer']);
});
