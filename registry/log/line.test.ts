import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text as readAll } from 'node:stream/consumers';
import { test } from 'node:test';
import { needs } from '../../test/support/tools.ts';
import { formatRecord } from '../spec/log-line.ts';
import type { FieldValue, Level } from '../spec/log-record.ts';
import { accessLine } from './access.ts';

interface Line {
  readonly level: Level;
  readonly msg: string;
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** As distribution 2.8 wrote it, but for its clock, its ids, and sys and event, which are ours. */
  readonly text: string;
  readonly json: string;
}

const always = {
  service: 'registry',
  version: '2.8.2+ds1',
  'instance.id': '6bc1d5bb-3d65',
  env: 'a b',
  num: 3,
};
const request = {
  'http.request.host': '127.0.0.1:5987',
  'http.request.method': 'GET',
  'http.request.remoteaddr': '127.0.0.1:40224',
  'http.request.uri': '/v2/a/b/manifests/latest?x=y%20z',
};

// Lines captured from distribution 2.8.2, the fields that Berth never has left out.
const lines: readonly Line[] = [
  {
    level: 'info',
    msg: 'redis not configured',
    fields: always,
    text: 'level=info msg="redis not configured" env="a b" EVENT instance.id=6bc1d5bb-3d65 num=3 service=registry SYS version=2.8.2+ds1',
    json: '{"env":"a b",EVENT,"instance.id":"6bc1d5bb-3d65","level":"info","msg":"redis not configured","num":3,"service":"registry",SYS,TIME,"version":"2.8.2+ds1"}',
  },
  {
    level: 'warn',
    msg: 'No HTTP secret provided',
    fields: { quoted: 'x"y', time: 'x' },
    text: 'level=warning msg="No HTTP secret provided" EVENT fields.time=x quoted="x\\"y" SYS',
    json: '{EVENT,"fields.time":"x","level":"warning","msg":"No HTTP secret provided","quoted":"x\\"y",SYS,TIME}',
  },
  {
    level: 'debug',
    msg: 'authorizing request',
    fields: { ...request, 'http.request.useragent': 'he said "hi" <b>&é \\ tab\tx', 'vars.name': 'a/b' },
    text: 'level=debug msg="authorizing request" EVENT http.request.host="127.0.0.1:5987" http.request.method=GET http.request.remoteaddr="127.0.0.1:40224" http.request.uri="/v2/a/b/manifests/latest?x=y%20z" http.request.useragent="he said \\"hi\\" <b>&é \\\\ tab\\tx" SYS vars.name=a/b',
    json: '{EVENT,"http.request.host":"127.0.0.1:5987","http.request.method":"GET","http.request.remoteaddr":"127.0.0.1:40224","http.request.uri":"/v2/a/b/manifests/latest?x=y%20z","http.request.useragent":"he said \\"hi\\" \\u003cb\\u003e\\u0026é \\\\ tab\\tx","level":"debug","msg":"authorizing request",SYS,TIME,"vars.name":"a/b"}',
  },
  {
    level: 'debug',
    msg: 'GetImageManifest',
    fields: {
      'http.request.useragent': '',
      'trace.duration': '91.318µs',
      'trace.file': 'github.com/a/base.go',
    },
    text: 'level=debug msg=GetImageManifest EVENT http.request.useragent= SYS trace.duration="91.318µs" trace.file=github.com/a/base.go',
    json: '{EVENT,"http.request.useragent":"","level":"debug","msg":"GetImageManifest",SYS,TIME,"trace.duration":"91.318µs","trace.file":"github.com/a/base.go"}',
  },
  {
    level: 'debug',
    msg: 'filesystem.GetContent("/docker/registry/v2/repositories/a/b/_manifests/tags/latest/current/link")',
    fields: {},
    text: 'level=debug msg="filesystem.GetContent(\\"/docker/registry/v2/repositories/a/b/_manifests/tags/latest/current/link\\")" EVENT SYS',
    json: '{EVENT,"level":"debug","msg":"filesystem.GetContent(\\"/docker/registry/v2/repositories/a/b/_manifests/tags/latest/current/link\\")",SYS,TIME}',
  },
  {
    level: 'error',
    msg: 'response completed with error',
    fields: {
      'err.code': 'manifest unknown',
      'err.detail': 'unknown tag=latest',
      'http.response.contenttype': 'application/json; charset=utf-8',
      'http.response.duration': '2.021411ms',
      'http.response.status': 404,
      'http.response.written': 96,
    },
    text: 'level=error msg="response completed with error" err.code="manifest unknown" err.detail="unknown tag=latest" EVENT http.response.contenttype="application/json; charset=utf-8" http.response.duration=2.021411ms http.response.status=404 http.response.written=96 SYS',
    json: '{"err.code":"manifest unknown","err.detail":"unknown tag=latest",EVENT,"http.response.contenttype":"application/json; charset=utf-8","http.response.duration":"2.021411ms","http.response.status":404,"http.response.written":96,"level":"error","msg":"response completed with error",SYS,TIME}',
  },
];

const at = Date.UTC(2026, 6, 29, 10, 32, 20, 5);

function record({ level, msg, fields }: Pick<Line, 'level' | 'msg' | 'fields'>) {
  return { at, level, msg, fields, sys: 'http', event: 'happened' } as const;
}

test('a text line is the one that distribution writes', () => {
  const expected = lines.map(
    ({ text }) =>
      `time="2026-07-29T10:32:20.005Z" ${text.replace('EVENT', 'event=happened').replace('SYS', 'sys=http')}\n`,
  );

  assert.deepEqual(
    lines.map((line) => formatRecord(record(line), 'text')),
    expected,
  );
});

test('a JSON line has the keys, the values and the order of distribution', () => {
  const expected = lines.map(({ json }) =>
    json
      .replace('EVENT', '"event":"happened"')
      .replace('SYS', '"sys":"http"')
      .replace('TIME', '"time":"2026-07-29T10:32:20.005Z"'),
  );

  const written = lines.map((line) => formatRecord(record(line), 'json'));

  // Go writes <, > and & as \u003c ...; both forms mean the same.
  assert.deepEqual(
    written.map((line) => JSON.stringify(JSON.parse(line))),
    expected.map((line) => JSON.stringify(JSON.parse(line))),
  );
  assert.ok(written.every((line) => line.endsWith('}\n') && line.indexOf('\n') === line.length - 1));
});

test('fields that are undefined are left out, lists are written', () => {
  const line = record({ level: 'info', msg: 'm', fields: { a: undefined, tags: ['x', 'y'], ok: true } });

  assert.equal(
    formatRecord(line, 'text'),
    'time="2026-07-29T10:32:20.005Z" level=info msg=m event=happened ok=true sys=http tags="[x y]"\n',
  );
  assert.deepEqual(JSON.parse(formatRecord(line, 'json')).tags, ['x', 'y']);
});

test('control and invisible characters are written out, so that a value cannot make a line or colour', () => {
  const value = 'a\r\nlevel=error \u001b[31mred\u0000\u007f\u009b\u202e\u2028\ud800 é 漢 🐳';
  const shown = 'a\\x0d\\x0alevel=error \\x1b[31mred\\x00\\x7f\\x9b\\u202e\\u2028\\ud800 é 漢 🐳';

  const text = formatRecord(record({ level: 'info', msg: value, fields: {} }), 'text');
  const json = formatRecord(record({ level: 'info', msg: value, fields: { list: [value] } }), 'json');

  assert.ok(text.includes(`msg="${shown}"`), text);
  assert.deepEqual([JSON.parse(json).msg, JSON.parse(json).list], [shown, [shown]]);
});

test(
  'beside a running distribution, header values and access lines are written alike',
  needs('docker-registry'),
  async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-log-'));
    const config = join(directory.path, 'config.yml');
    await writeFile(
      config,
      `{version: 0.1, log: {level: debug}, storage: {inmemory: , maintenance: {uploadpurging: {enabled: false}}}, http: {addr: "127.0.0.1:0"}}`,
    );
    const child = spawn('docker-registry', ['serve', config], {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const service: string[] = [];
    const access = readAll(child.stdout);
    const started = Promise.withResolvers<string>();
    const ended = Promise.withResolvers<void>();
    const reader = createInterface({ input: child.stderr });
    reader.on('line', (line) => {
      service.push(line);
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address !== undefined) started.resolve(address);
    });
    reader.on('close', () => {
      ended.resolve();
      started.reject(new Error('distribution did not start'));
    });
    const agents = [
      'curl/8.5.0',
      'with space',
      'q"q',
      'back\\slash',
      'tab\tx',
      '(x; y)',
      'a=b',
      '@^+-._/',
      "'",
      '{}',
    ];
    const address = await started.promise;

    for (const agent of agents) {
      const answered = Promise.withResolvers<void>();
      get(`http://${address}/v2/?n=1`, { headers: { 'User-Agent': agent } }, (response) => {
        response.resume().on('end', answered.resolve);
      }).on('error', answered.reject);
      await answered.promise;
    }
    child.kill('SIGTERM');
    await ended.promise;

    const real = service
      .filter((line) => line.includes('response completed'))
      .map((line) => /http\.request\.useragent=(.*?) http\.response/.exec(line)?.[1]);
    const ours = agents.map((agent) => {
      const line = formatRecord(
        record({ level: 'info', msg: 'm', fields: { 'http.request.useragent': agent } }),
        'text',
      );
      return /http\.request\.useragent=(.*?) sys=/.exec(line)?.[1];
    });
    assert.deepEqual(ours, real);
    const realAccess = (await access).trimEnd().split('\n');
    const ourAccess = agents.map((userAgent) => {
      const entry = {
        at,
        requestId: '',
        remoteAddress: '127.0.0.1:1',
        method: 'GET',
        uri: '/v2/?n=1',
        httpVersion: '1.1',
      };
      return accessLine(
        { ...entry, userAgent, status: 200, bytesSent: 2, durationMs: 1 },
        'combined',
      ).trimEnd();
    });
    const clock = /\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]/;
    assert.deepEqual(
      ourAccess.map((line) => line.replace(clock, '[clock]')),
      realAccess.map((line) => line.replace(clock, '[clock]')),
    );
  },
);
