/** The window for browsers as the built program serves it: which files, with which headers, and what is never a file. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtempDisposable, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { bundleCli } from '../../build/bundle.ts';
import { type Answer, request, type RequestOptions } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { until } from '../support/until.ts';
import { refusal, startWithUsers } from './support.ts';

const script = `console.log(${JSON.stringify('window '.repeat(2000))});\n`;
const files: Readonly<Record<string, string | Buffer>> = {
  'index.html': '<!doctype html><script src="assets/index-B3x_9-aQ.js"></script>\n',
  'assets/index-B3x_9-aQ.js': script,
  'assets/index-B3x_9-aQ.js.gz': gzipSync(script),
  'assets/index-Cj2kL0pz.css': 'body { margin: 0 }\n',
  'assets/logo-DfE45-_x.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
  'favicon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
  'assets/index-B3x_9-aQ.js.map': '{}',
  'assets/empty-B3x_9-aQ.css': '',
  '.env': 'SECRET=1',
  '.well-known/x.html': 'hidden',
  'assets/.hidden.js': 'hidden',
  'assets/with space.js': 'hidden',
  'NOTICES.txt': 'licences',
};

const hardened = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};

const users = { dev: { role: 'admin' } } as const;
const html = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const env = {
  BERTH_WEB_ENABLED: 'true',
  REGISTRY_HTTP_HEADERS: '{Access-Control-Allow-Origin: ["*"], Access-Control-Allow-Credentials: ["true"]}',
};

suite('the window for browsers', () => {
  const resources = new AsyncDisposableStack();
  let folder: string;
  let program: string;
  let registry: TestRegistry;
  before(async () => {
    folder = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-ui-'))).path;
    program = join(folder, 'berth.mjs');
    const outside = join(folder, 'outside.js');
    const [{ code }] = await Promise.all([bundleCli(), writeFiles(join(folder, 'ui'), files)]);
    await writeFile(program, code);
    await writeFile(outside, 'outside');
    await symlink(outside, join(folder, 'ui/assets/link-B3x_9-aQ.js'));
    await symlink(folder, join(folder, 'ui/above'));
    registry = resources.use(await startWithUsers(users, { env, program }));
  });
  after(() => resources.disposeAsync());

  const get = (path: string, options: RequestOptions = {}): Promise<Answer> =>
    request(registry.url, { path, ca: registry.ca, ...options });

  test('who looks at the log reads what clients ask for, not which files the window has loaded', async () => {
    const from = registry.log().length;
    await get('/ui/');
    await get('/readyz?after');
    const lines = () =>
      registry
        .log()
        .slice(from)
        .split('\n')
        .filter((line) => line.includes('response completed'));
    await until('the later request is in the log', () =>
      Promise.resolve(lines().some((line) => line.includes('/readyz?after'))),
    );

    assert.deepEqual(
      lines().filter((line) => line.includes('uri=/ui/')),
      [],
    );
  });

  const served: readonly {
    readonly path: string;
    readonly file: string;
    readonly type: string;
    readonly cache: 'no-cache' | 'public, max-age=3600' | 'public, max-age=31536000, immutable';
  }[] = [
    { path: '/ui/', file: 'index.html', type: 'text/html; charset=utf-8', cache: 'no-cache' },
    { path: '/ui/?x=/../.env', file: 'index.html', type: 'text/html; charset=utf-8', cache: 'no-cache' },
    { path: '/ui/index.html', file: 'index.html', type: 'text/html; charset=utf-8', cache: 'no-cache' },
    { path: '/ui/favicon.svg', file: 'favicon.svg', type: 'image/svg+xml', cache: 'public, max-age=3600' },
    ...[
      ['assets/index-B3x_9-aQ.js', 'text/javascript; charset=utf-8'] as const,
      ['assets/index-Cj2kL0pz.css', 'text/css; charset=utf-8'] as const,
      ['assets/empty-B3x_9-aQ.css', 'text/css; charset=utf-8'] as const,
      ['assets/logo-DfE45-_x.svg', 'image/svg+xml'] as const,
    ].map(([file, type]) => ({
      path: `/ui/${file}`,
      file,
      type,
      cache: 'public, max-age=31536000, immutable' as const,
    })),
  ];
  for (const { path, file, type, cache } of served) {
    test(`${path} is the file ${file}, for GET and HEAD`, async () => {
      const answer = await get(path);
      const head = await get(path, { method: 'HEAD' });

      const { headers } = answer;
      assert.deepEqual([answer.status, String(answer.body)], [200, String(files[file])]);
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      assert.deepEqual(
        { type: headers['content-type'], cache: headers['cache-control'], length: headers['content-length'] },
        { type, cache, length: String(Buffer.byteLength(files[file] ?? '')) },
      );
      assert.equal(headers['content-encoding'], undefined);
      for (const name of ['etag', 'content-type', 'content-length', 'cache-control', 'vary'])
        assert.equal(head.headers[name], headers[name], name);
      assertHardened(answer);
      assertHardened(head);
    });
  }

  test('features of the computer are denied to it', async () => {
    const { headers } = await get('/ui/');

    const policy = String(headers['permissions-policy']);
    for (const feature of ['camera', 'microphone', 'geolocation', 'usb', 'serial'])
      assert.match(policy, new RegExp(`(?:^|, )${feature}=\\(\\)`));
  });

  const absent = [
    '/ui//',
    '/ui/x',
    '/ui/assets',
    '/ui/assets/',
    '/ui//index.html',
    '/ui/./index.html',
    '/ui/assets/../index.html',
    '/ui/../ui/index.html',
    '/ui/..',
    '/ui/../berth.mjs',
    '/ui/../../../../etc/passwd',
    '/ui/%2e%2e/berth.mjs',
    '/ui/%2e%2e%2fberth.mjs',
    '/ui/..%2fberth.mjs',
    '/ui/..%5cberth.mjs',
    '/ui/..\\berth.mjs',
    '/ui/%252e%252e%252fberth.mjs',
    '/ui/assets%2findex-B3x_9-aQ.js',
    '/ui/assets\\index-B3x_9-aQ.js',
    '/ui/index%2ehtml',
    '/ui/INDEX.HTML',
    '/ui/index.html/',
    '/ui/index.html%00',
    '/ui/index.html%00.js',
    '/ui/index.html;x',
    '/ui/index.html%20',
    '/ui/.env',
    '/ui/%2eenv',
    '/ui/.well-known/x.html',
    '/ui/assets/.hidden.js',
    '/ui/assets/with%20space.js',
    '/ui/NOTICES.txt',
    '/ui/assets/index-B3x_9-aQ.js.gz',
    '/ui/assets/index-B3x_9-aQ.js.map',
    '/ui/assets/link-B3x_9-aQ.js',
    '/ui/above/outside.js',
    '/ui/above/berth.mjs',
    '/ui/C:/Windows/win.ini',
    '/ui/etc/passwd',
    '/ui//etc/passwd',
    '/ui/file:///etc/passwd',
    '/ui/__proto__',
    '/ui/constructor',
    '/ui/%c0%ae%c0%ae/berth.mjs',
    '/ui/%',
    `/ui/${'a/'.repeat(4000)}`,
  ];
  for (const path of absent) {
    test(`${path.slice(0, 60)} is no file`, async () => {
      const answer = await get(path);

      assert.equal(refusal(answer), '404 UNSUPPORTED');
      // Not even known, which what fails when it is opened would be.
      assert.doesNotMatch(String(answer.body), /is gone/);
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.equal(answer.headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
    });
  }

  for (const path of ['/UI/', '/uix', '/ui.html', '/%75i/'])
    test(`${path} is not the window`, async () => {
      assert.equal(refusal(await get(path)), '404 UNSUPPORTED');
    });

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE'])
    test(`${method} is refused`, async () => {
      const answer = await get('/ui/', { method });

      assert.equal(refusal(answer), '405 UNSUPPORTED');
      assert.equal(answer.headers.allow, 'GET, HEAD');
    });

  test('what a browser has is not sent again, and what it has of the other coding is', async () => {
    const path = '/ui/assets/index-B3x_9-aQ.js';
    const zip = { 'accept-encoding': 'gzip' };
    const [plain, zipped] = await Promise.all([get(path), get(path, { headers: zip })]);
    const etags = [String(plain.headers.etag), String(zipped.headers.etag)] as const;
    const ask = (etag: string, more = {}) => get(path, { headers: { 'if-none-match': etag, ...more } });

    const same = await ask(etags[0]);
    const weak = await ask(`"x", W/${etags[0]}`);
    const head = await get(path, { method: 'HEAD', headers: { 'if-none-match': etags[0] } });
    const sameZipped = await ask(etags[1], zip);
    const other = await ask(etags[1]);
    const none = await ask('"x"');

    assert.notEqual(etags[0], etags[1]);
    assert.deepEqual(
      [same, weak, head, sameZipped, other, none].map(({ status }) => status),
      [304, 304, 304, 304, 200, 200],
    );
    assert.deepEqual(
      [same.body.length, same.headers.etag, same.headers['cache-control'], same.headers.vary],
      [0, etags[0], 'public, max-age=31536000, immutable', 'Accept-Encoding'],
    );
    assertHardened(same);
  });

  test('the compressed file goes to those who take it', async () => {
    const path = '/ui/assets/index-B3x_9-aQ.js';
    const codings: Readonly<Record<string, 'gzip' | undefined>> = {
      'gzip, deflate, br, zstd': 'gzip',
      'GZIP;q=0.5': 'gzip',
      '*': 'gzip',
      'br, *;q=0.1': 'gzip',
      br: undefined,
      'gzip;q=0': undefined,
      'gzip; q=0.000, *': undefined,
      identity: undefined,
      '*;q=0': undefined,
      '': undefined,
    };

    for (const [coding, wanted] of Object.entries(codings)) {
      const answer = await get(path, { headers: { 'accept-encoding': coding } });

      const sent = wanted === 'gzip' ? gunzipSync(answer.body) : answer.body;
      assert.deepEqual(
        [answer.headers['content-encoding'], String(sent) === script, answer.headers.vary],
        [wanted, true, 'Accept-Encoding'],
        coding,
      );
      assert.equal(answer.headers['content-length'], String(answer.body.length));
      assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8');
    }
  });

  test('what was not compressed is sent as it is', async () => {
    const answer = await get('/ui/favicon.svg', { headers: { 'accept-encoding': 'gzip' } });

    assert.deepEqual([answer.headers['content-encoding'], answer.headers.vary], [undefined, undefined]);
    assert.equal(String(answer.body), files['favicon.svg']);
  });

  test('/ui leads to it, and so does / where a browser asks', async () => {
    const short = await get('/ui');
    const front = await get('/', { headers: { accept: html } });
    const program200 = await get('/', { headers: { accept: '*/*' } });
    const bare = await get('/');
    const written = await get('/', { method: 'POST', headers: { accept: html } });

    assert.deepEqual([short.status, short.headers.location], [308, 'ui/']);
    assert.deepEqual([front.status, front.headers.location, front.headers.vary], [307, 'ui/', 'Accept']);
    assert.equal(front.headers['cache-control'], 'no-store');
    assert.deepEqual([program200.status, program200.body.length, bare.status], [200, 0, 200]);
    assert.equal(written.status, 405);
  });

  test('plain HTTP leads to HTTPS, unless a proxy would be led in a circle', async () => {
    const host = registry.address;
    const plain = await request(registry.plainUrl, { path: '/ui/assets/x.js', headers: { host } });
    const file = await request(registry.plainUrl, { path: '/ui/', headers: { host } });
    const proxied = await request(registry.plainUrl, {
      path: '/ui/',
      headers: { host, 'x-forwarded-for': '192.0.2.1' },
    });

    assert.equal(refusal(plain), '404 UNSUPPORTED');
    assert.deepEqual([file.status, file.headers.location], [307, `${registry.url}/ui/`]);
    assert.equal(refusal(proxied), '426 DENIED');
  });

  test('a host that was rebound gets nothing', async () => {
    const host = `evil.example:${registry.port}`;
    const answer = await request(registry.plainUrl, { path: '/ui/', headers: { host } });

    assert.equal(answer.status, 421);
    assert.equal(answer.headers.location, undefined);
  });

  test('a link from another site opens it, and its files are of no use there', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };

    const answer = await get('/ui/', { headers });

    assert.equal(answer.status, 200);
    assertHardened(answer);
  });

  test('a file that is gone, or has become a link, is said to be gone', async () => {
    const own = join(folder, 'own');
    await writeFiles(join(own, 'ui'), files);
    await copyFile(program, join(own, 'berth.mjs'));
    await using other = await startWithUsers(users, { env, program: join(own, 'berth.mjs') });
    const ask = (path: string) => request(other.url, { path, ca: other.ca });
    await rm(join(own, 'ui/favicon.svg'));
    await rm(join(own, 'ui/index.html'));
    await symlink(join(folder, 'outside.js'), join(own, 'ui/index.html'));

    const gone = await ask('/ui/favicon.svg');
    const link = await ask('/ui/');

    for (const answer of [gone, link]) {
      assert.equal(refusal(answer), '404 UNSUPPORTED');
      assert.match(String(answer.body), /built anew/);
    }
  });

  test('behind a prefix it is there, and links stay below it', async () => {
    await using other = await startWithUsers(users, {
      env: { ...env, REGISTRY_HTTP_PREFIX: '/hub/' },
      program,
    });
    const ask = (path: string, headers = {}) => request(other.url, { path, ca: other.ca, headers });

    const page = await ask('/hub/ui/');
    const short = await ask('/hub/ui');
    const front = await ask('/hub/', { accept: html });
    const plain = await request(other.plainUrl, { path: '/hub/ui/', headers: { host: other.address } });

    assert.deepEqual([page.status, String(page.body)], [200, files['index.html']]);
    assert.equal(new URL(String(short.headers.location), `${other.url}/hub/ui`).pathname, '/hub/ui/');
    assert.equal(new URL(String(front.headers.location), `${other.url}/hub/`).pathname, '/hub/ui/');
    assert.equal(plain.headers.location, `${other.url}/hub/ui/`);
  });

  test('it is in the logs as any small page', async () => {
    await using other = await startWithUsers(users, { env, program });
    const headers = { 'user-agent': 'looks/1' };
    await request(other.url, { path: '/ui/favicon.svg', ca: other.ca, headers });

    await other.stop();

    assert.match(other.log(), /"GET \/ui\/favicon\.svg HTTP\/1\.1" 200 \d+ .*looks\/1/);
  });
});

test('while it is switched off, nothing of it is there but how to switch it on', async () => {
  await using registry = await startRegistry();
  const ask = (path: string) => request(registry.url, { path, ca: registry.ca, headers: { accept: html } });

  const answers = await Promise.all(['/ui', '/ui/', '/ui/index.html'].map(ask));
  const front = await ask('/');

  for (const answer of answers) {
    assert.equal(refusal(answer), '404 UNSUPPORTED');
    assert.match(String(answer.body), /berth\.web\.enabled/);
  }
  assert.deepEqual([front.status, front.body.length], [200, 0]);
});

test('without files it says how they are made', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-ui-'));
  const program = join(folder.path, 'berth.mjs');
  await writeFile(program, (await bundleCli()).code);
  await using registry = await startWithUsers(users, { env, program });

  const answer = await request(registry.url, { path: '/ui/', ca: registry.ca });

  assert.equal(refusal(answer), '404 UNSUPPORTED');
  assert.match(String(answer.body), /npm run build/);
});

/** No page elsewhere can read, frame or use it. */
function assertHardened({ headers }: Answer): void {
  const found = Object.keys(hardened).map((name) => [name, headers[name]]);
  assert.deepEqual(Object.fromEntries(found), hardened);
  const open = Object.keys(headers).filter((name) => /^(?:access-control-|set-cookie$|docker-)/.test(name));
  assert.deepEqual(open, []);
}

async function writeFiles(
  directory: string,
  contents: Readonly<Record<string, string | Buffer>>,
): Promise<void> {
  for (const [name, content] of Object.entries(contents)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
}
