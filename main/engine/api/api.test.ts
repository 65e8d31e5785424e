/** What an engine sends when things go wrong, from a server at a socket. test/engine/api.test.ts asks real docker. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { readTar, writeTar } from '../../../registry/archive/tar.ts';
import { isAppError, type ErrorCode } from '../../../registry/spec/errors.ts';
import type { Endpoint } from '../engine.ts';
import { checkEngineLogin } from './engine-auth.ts';
import { waitForReload } from './engine-events.ts';
import { listEngineFolder, readEngineFile, removeEngineFile, writeEngineFile } from './engine-files.ts';
import { dockerArchive, loadImage, probeImage, pullImage, pushImage, removeImage } from './engine-images.ts';
import { readEngineInfo } from './engine-info.ts';
import { askEngine, describeEndpoint, engineMessage, openEngineStream, requestEngine } from './request.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

interface Served extends AsyncDisposable {
  readonly endpoint: Endpoint;
  /** `METHOD PATH` of each request so far. */
  readonly requests: readonly string[];
  /** Resolves when a connection has closed. */
  readonly closed: Promise<unknown>;
}

/** Serves at a unix socket of its own. */
async function serve(answer: Answer): Promise<Served> {
  await using cleanup = new AsyncDisposableStack();
  const { path: folder } = cleanup.use(await mkdtempDisposable(join(tmpdir(), 'berth-socket-')));
  const path = join(folder, 'engine.sock');
  const requests: string[] = [];
  const closed = Promise.withResolvers<unknown>();
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${decodeURIComponent(request.url ?? '')}`);
    request.socket.once('close', closed.resolve);
    answer(request, response);
  });
  cleanup.defer(async () => {
    server.closeAllConnections();
    await promisify(server.close.bind(server))();
  });
  await once(server.listen(path), 'listening');
  const owned = cleanup.move();
  const endpoint = { kind: 'socket', path } as const;
  return { endpoint, requests, closed: closed.promise, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Accepts the error of that code whose message matches. */
function failure(message: RegExp, code: ErrorCode = 'ENGINE_FAILED'): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isAppError(error, code), String(error));
    assert.match(error.message, message);
    return true;
  };
}

/** What hangs, fails. */
const limits = { timeout: 30_000 };

const place = { folder: '/etc/docker', path: 'certs.d/registry:1/berth.crt' };

suite('a request', limits, () => {
  test('nobody at the socket is an error that names socket, code and way out', async () => {
    await using temp = await mkdtempDisposable(join(tmpdir(), 'berth-socket-'));
    const path = join(temp.path, 'none.sock');

    await assert.rejects(requestEngine({ kind: 'socket', path }, { path: '/_ping' }), (error) => {
      assert.ok(isAppError(error, 'ENGINE_FAILED'));
      assert.equal(error.message, `The engine at unix://${path} does not answer: ENOENT.`);
      assert.equal(error.hint, 'Start the engine, then try again.');
      return true;
    });
  });

  test('an engine of another computer is not asked', async () => {
    const endpoint = { kind: 'ssh', url: 'ssh://me@there' } as const;

    await assert.rejects(
      requestEngine(endpoint, { path: '/_ping' }),
      failure(/ssh:\/\/me@there is on another/),
    );
  });

  test('bodies have the type that the engine reads them by', async () => {
    await using engine = await serve(async (request, response) => {
      response.end(`${request.headers['content-type'] ?? 'none'} ${await text(request)}`);
    });
    const cases = [
      [undefined, 'none '],
      [{ a: 1 }, 'application/json {"a":1}'],
      [Buffer.from('tar'), 'application/x-tar tar'],
    ] as const;

    for (const [body, expected] of cases) {
      const request = { method: 'POST', path: '/', ...(body === undefined ? {} : { body }) } as const;
      const answer = await requestEngine(engine.endpoint, request);
      assert.deepEqual([answer.status, String(answer.body)], [200, expected]);
    }
  });

  test('a refusal is read though the engine leaves the body unread', async () => {
    await using engine = await serve((_, response) => void response.writeHead(403).end('{"message":"no"}'));
    const body = Buffer.alloc(4 << 20);

    const answer = await requestEngine(engine.endpoint, { method: 'POST', path: '/', body });

    assert.deepEqual([answer.status, engineMessage(answer)], [403, 'no']);
  });

  const silent: readonly (readonly [string, Answer])[] = [
    ['before its answer', () => undefined],
    ['within its answer', (_, response) => void response.write('begun')],
  ];
  for (const [when, answer] of silent) {
    test(`an engine that falls silent ${when} is given up`, async () => {
      await using engine = await serve(answer);

      await assert.rejects(
        requestEngine(engine.endpoint, { path: '/', timeoutMs: 30 }),
        failure(/engine\.sock does not answer: silent for 30 ms\.$/),
      );
      await engine.closed;
    });

    test(`an abort ${when} throws its reason and closes the connection`, async () => {
      const abort = new AbortController();
      const reason = new Error('enough');
      await using engine = await serve((request, response) => {
        answer(request, response);
        setImmediate(() => abort.abort(reason));
      });

      await assert.rejects(
        requestEngine(engine.endpoint, { path: '/', signal: abort.signal }),
        (error) => error === reason,
      );
      await engine.closed;
    });
  }

  test('an abort before the request sends none', async () => {
    await using engine = await serve((_, response) => void response.end());

    await assert.rejects(requestEngine(engine.endpoint, { path: '/', signal: AbortSignal.abort() }), {
      name: 'AbortError',
    });
    assert.deepEqual(engine.requests, []);
  });

  test('a connection that breaks within the answer is an error', async () => {
    await using engine = await serve((request, response) => {
      response.write('begun', () => request.socket.destroy());
    });

    await assert.rejects(
      requestEngine(engine.endpoint, { path: '/' }),
      failure(/does not answer: ECONNRESET/),
    );
  });

  test('an answer without an end is not kept in memory', async () => {
    await using engine = await serve((_, response) => {
      const fill = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
      };
      response.on('drain', fill);
      fill();
    });

    await assert.rejects(
      requestEngine(engine.endpoint, { path: '/' }),
      failure(/answers with more than 16777216 bytes/),
    );
    await engine.closed;
  });

  test('the sentence of an error answer is its message, its text or its status', async () => {
    const cases = [
      ['{"message":"no such image"}', 'no such image'],
      ['plain words\n', 'plain words'],
      ['{"other":1}', '{"other":1}'],
      ['{"message":""}', '{"message":""}'],
      ['', 'status 500'],
    ] as const;

    for (const [body, sentence] of cases) {
      assert.equal(engineMessage({ status: 500, headers: {}, body: Buffer.from(body) }), sentence);
    }
    await using engine = await serve((_, response) => void response.writeHead(409).end('busy'));
    await assert.rejects(askEngine(engine.endpoint, 'cannot do it', { path: '/' }), (error) => {
      assert.ok(isAppError(error, 'ENGINE_FAILED'));
      assert.match(error.message, /^The engine at unix:.*engine\.sock cannot do it: busy$/);
      return assert.deepEqual(error.detail, { status: 409 }) === undefined;
    });
  });

  test('an engine behind TLS is asked with the certificate of the client', async () => {
    await using temp = await mkdtempDisposable(join(tmpdir(), 'berth-tls-'));
    const files = ['-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=localhost'];
    const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    await promisify(execFile)('openssl', ['req', '-x509', ...key, ...files, ...names], { cwd: temp.path });
    await promisify(execFile)('cp', ['cert.pem', 'ca.pem'], { cwd: temp.path });
    const pem = (name: string) => readFile(join(temp.path, name));
    const options = { key: await pem('key.pem'), cert: await pem('cert.pem'), ca: await pem('ca.pem') };
    const server = createTlsServer({ ...options, requestCert: true }, (_, response) => response.end('in'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port, tlsFolder: temp.path } as const;

    const { body } = await requestEngine(endpoint, { path: '/' });
    const missing = requestEngine({ ...endpoint, tlsFolder: join(temp.path, 'none') }, { path: '/' });

    assert.equal(String(body), 'in');
    await assert.rejects(
      missing,
      failure(/^Cannot read ca\.pem, cert\.pem and key\.pem in ".*none": ENOENT\.$/),
    );
    await promisify(server.close.bind(server))();
  });

  test('endpoints are named in the form of DOCKER_HOST', () => {
    const cases: readonly (readonly [Endpoint, string])[] = [
      [{ kind: 'socket', path: '/var/run/docker.sock' }, 'unix:///var/run/docker.sock'],
      [{ kind: 'socket', path: '\\\\.\\pipe\\docker_engine' }, 'npipe:////./pipe/docker_engine'],
      [{ kind: 'tcp', host: 'vm', port: 2376 }, 'tcp://vm:2376'],
      [{ kind: 'tcp', host: '::1', port: 2376 }, 'tcp://[::1]:2376'],
      [{ kind: 'ssh', url: 'ssh://me@there' }, 'ssh://me@there'],
    ];

    for (const [endpoint, name] of cases) assert.equal(describeEndpoint(endpoint), name);
  });

  test('what is no engine is told by its answer', async () => {
    await using engine = await serve((_, response) => void response.end('<html>'));

    await assert.rejects(
      readEngineInfo(engine.endpoint),
      failure(/is no container engine: its answer is no JSON/),
    );
  });
});

suite('waiting for a reload', limits, () => {
  const info = JSON.stringify({ SystemTime: '2026-06-29T15:38:12.0012+08:00' });
  const reload = (attributes: object) =>
    `${JSON.stringify({ Type: 'daemon', Action: 'reload', Actor: { ID: 'x', Attributes: attributes } })}\n`;

  /** Serves /info, and hands out the stream of events. */
  const serveEvents = async () => {
    const opened = Promise.withResolvers<ServerResponse>();
    const engine = await serve((request, response) => {
      if (request.url === '/info') return response.end(info);
      response.flushHeaders();
      return opened.resolve(response);
    });
    return { engine, opened: opened.promise };
  };

  /** Whether the client has closed the stream, once another request has had its answer. */
  const isClosed = async ({ endpoint }: Served, opened: Promise<ServerResponse>): Promise<boolean> => {
    await requestEngine(endpoint, { path: '/info' });
    return (await opened).destroyed;
  };

  test('events are asked for before the trigger, since a moment of the clock of the engine', async () => {
    const { engine, opened } = await serveEvents();
    await using _ = engine;
    const other = '{"Type":"container","Action":"reload","Actor":{"Attributes":{"no":"1"}}}\n';
    const event = reload({ 'insecure-registries': '["a:1"]', debug: true });
    const trigger = async () => {
      assert.deepEqual(engine.requests, [
        'GET /info',
        'GET /events?filters={"type":["daemon"],"event":["reload"]}&since=1782718692.001200000',
      ]);
      const events = await opened;
      events.write(`${other}\nno json\n${event.slice(0, 20)}`);
      await requestEngine(engine.endpoint, { path: '/info' }); // by then the first half has arrived
      events.write(event.slice(20));
    };

    const attributes = await waitForReload(engine.endpoint, { trigger, timeoutMs: 10_000 });

    assert.deepEqual(attributes, { 'insecure-registries': '["a:1"]', debug: 'true' });
    assert.ok(await isClosed(engine, opened));
  });

  test('an event that comes while the trigger runs counts, however long that takes', async () => {
    const { engine, opened } = await serveEvents();
    await using _ = engine;
    const trigger = async () => {
      const events = await opened;
      events.write(reload({ a: 'b' }));
      await requestEngine(engine.endpoint, { path: '/info' }); // by then it has arrived
    };

    assert.deepEqual(await waitForReload(engine.endpoint, { trigger, timeoutMs: 1 }), { a: 'b' });
  });

  test('no event in time, an end of the events, a failed trigger and an abort end it, and close the connection', async () => {
    const nothing = async () => undefined;
    const abort = new AbortController();
    const reason = new Error('enough');
    const failed = new Error('no such service');
    const cases: readonly (readonly [
      string,
      (events: Promise<ServerResponse>) => () => Promise<void>,
      object | ((error: unknown) => boolean),
    ])[] = [
      ['silence', () => nothing, failure(/did not read its configuration again within 40 ms\.$/)],
      ['end', (opened) => async () => void (await opened).end(), failure(/sends no more events: it stopped/)],
      [
        'break',
        (opened) => async () => void (await opened).destroy(),
        failure(/does not answer: ECONNRESET/),
      ],
      ['trigger', () => () => Promise.reject(failed), (error) => error === failed],
      ['abort', () => async () => abort.abort(reason), (error) => error === reason],
    ];

    for (const [name, trigger, expected] of cases) {
      const { engine, opened } = await serveEvents();
      await using _ = engine;
      const timeoutMs = name === 'silence' ? 40 : 10_000;
      const options = { trigger: trigger(opened), timeoutMs, signal: abort.signal };
      await assert.rejects(waitForReload(engine.endpoint, options), expected, name);
      assert.ok(await isClosed(engine, opened), name);
    }
  });

  test('an engine without events is an error before the trigger runs', async () => {
    await using engine = await serve((request, response) =>
      request.url === '/info' ? response.end(info) : response.writeHead(500).end('no'),
    );
    const trigger = () => assert.fail('the trigger ran');

    await assert.rejects(
      waitForReload(engine.endpoint, { trigger, timeoutMs: 1000 }),
      failure(/sends no events: status 500/),
    );
  });
});

suite('login, push and pull', limits, () => {
  const credentials = { user: 'dev', password: '>>>???~~~äx' };
  const ref = 'registry:1/probe/x:1';

  test('a login sends user, password and address, and an error never holds the password', async () => {
    let sent: unknown;
    await using engine = await serve(async (request, response) => {
      sent = JSON.parse(await text(request));
      response.writeHead(401).end(JSON.stringify({ message: `wrong: ${credentials.password}` }));
    });

    await assert.rejects(
      checkEngineLogin(engine.endpoint, { address: 'registry:1', ...credentials }),
      (error) => {
        assert.ok(isAppError(error, 'ENGINE_FAILED'));
        assert.match(error.message, /cannot log in at registry:1: wrong: \*\*\*$/);
        return assert.deepEqual(error.detail, { status: 401 }) === undefined;
      },
    );
    assert.deepEqual(sent, { username: 'dev', password: credentials.password, serveraddress: 'registry:1' });
  });

  test('push and pull send the login in the form that Go decodes, and answer the digest', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const headers: string[] = [];
    await using engine = await serve((request, response) => {
      headers.push(String(request.headers['x-registry-auth']));
      response.write('{"status":"Preparing"}\r\n');
      response.write(`{"status":"Digest: ${digest}"}\r\n`);
      response.end(`{"progressDetail":{},"aux":{"Tag":"1","Digest":"${digest}","Size":525}}\r\n`);
    });

    assert.equal(await pushImage(engine.endpoint, ref, credentials), digest);
    assert.equal(await pullImage(engine.endpoint, ref, credentials), digest);

    assert.deepEqual(engine.requests, [
      'POST /images/registry:1/probe/x/push?tag=1',
      'POST /images/create?fromImage=registry:1/probe/x&tag=1',
    ]);
    const login = { username: 'dev', password: credentials.password, serveraddress: 'registry:1' };
    for (const header of headers) {
      assert.match(header, /^(?=.*-)(?=.*_)[\w-]+={0,2}$/);
      assert.equal(header.length % 4, 0);
      assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), login);
    }
    assert.equal(headers.length, 2);
  });

  test('an error within the progress is an error, with its sentence', async () => {
    const lines = [
      '{"errorDetail":{"message":"denied: not you"},"error":"denied: not you"}',
      '{"errorDetail":{"message":"denied: not you"}}',
      '{"error":"denied: not you"}',
    ];

    for (const line of lines) {
      await using engine = await serve((_, response) => void response.end(`{"status":"begun"}\n${line}\n`));
      const tries = [
        pushImage(engine.endpoint, ref, credentials),
        pullImage(engine.endpoint, ref, credentials),
        loadImage(engine.endpoint, Buffer.alloc(0)),
      ];
      for (const attempt of tries)
        await assert.rejects(attempt, failure(/cannot \w+ .*: denied: not you$/), line);
    }
  });

  test('a progress without a digest is an error', async () => {
    await using engine = await serve((_, response) => void response.end('{"status":"done"}\nnonsense\n'));

    await assert.rejects(
      pushImage(engine.endpoint, ref, credentials),
      failure(/cannot push .*: it names no digest/),
    );
    await assert.rejects(
      pullImage(engine.endpoint, ref, credentials),
      failure(/cannot pull .*: it names no digest/),
    );
  });

  test('a name that would change the request is not sent', async () => {
    await using engine = await serve((_, response) => void response.end());
    const names = [
      'x:1',
      'registry:1/x',
      'registry:1/x:1?a=b',
      'registry:1/../x y:1',
      'registry:1/X:1',
      'a/b#c:1',
    ];

    for (const name of names) {
      await assert.rejects(pushImage(engine.endpoint, name, credentials), /no name of an image/, name);
    }
    assert.deepEqual(engine.requests, []);
  });

  test('an image that is not there is removed, one in use is not', async () => {
    let status = 404;
    await using engine = await serve((_, response) => void response.writeHead(status).end('in use'));

    await removeImage(engine.endpoint, ref);

    status = 409;
    await assert.rejects(
      removeImage(engine.endpoint, ref),
      failure(/cannot remove registry:1\/probe\/x:1: in use/),
    );
  });

  test('the probe image of a run is always the same, and its digests are those of its bytes', () => {
    const image = probeImage('amd64', 'one');
    const config = JSON.parse(String(image.config.bytes)) as { readonly rootfs: unknown };
    const manifest: unknown = JSON.parse(String(image.manifest.bytes));

    assert.equal(
      image.manifest.digest,
      'sha256:ab08ae3b93d435f78b8ddde43731937379f40ddb710854692ab664b4afe96903',
    );
    assert.deepEqual(probeImage('amd64', 'one'), image);
    assert.notEqual(probeImage('arm64', 'one').config.digest, image.config.digest);
    assert.notEqual(probeImage('amd64', 'two').manifest.digest, image.manifest.digest);
    assert.deepEqual(config.rootfs, { type: 'layers', diff_ids: [image.layer.digest] });
    const part = ({ mediaType, digest, bytes }: (typeof image)['config']) => ({
      mediaType,
      digest,
      size: bytes.length,
    });
    assert.deepEqual(manifest, {
      schemaVersion: 2,
      mediaType: image.manifest.mediaType,
      config: part(image.config),
      layers: [part(image.layer)],
    });
    const files = readTar(dockerArchive(image, ref)).map(({ name, bytes }) => [name, bytes] as const);
    assert.deepEqual(files.slice(0, 2), [
      ['config.json', image.config.bytes],
      ['layer.tar', image.layer.bytes],
    ]);
    assert.equal(
      String(files[2]?.[1]),
      `[{"Config":"config.json","RepoTags":["${ref}"],"Layers":["layer.tar"]}]`,
    );
  });
});

suite('a file on the side of the engine', limits, () => {
  /** An engine that keeps what it cannot unpack, and whose answers can be replaced. */
  const serveFiles = (
    files: Map<string, Buffer>,
    replace: (request: string) => number | undefined = () => undefined,
  ) =>
    serve(async (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://engine');
      const name = (searchParams.get('path') ?? '').replace(/^\/x\/?/, '');
      const method = request.method ?? '';
      const body = await buffer(request);
      const status = replace(`${method} ${pathname.replace(/berth-[\da-f-]{36}/, 'NAME')}`);
      if (status !== undefined) return response.writeHead(status).end(`{"message":"told to fail"}`);
      if (!pathname.endsWith('/archive')) return response.end('[]');
      const bytes = files.get(name);
      const isFolder = [...files.keys()].some((file) => file.startsWith(`${name}/`));
      if (method === 'PUT') {
        for (const { name: file, type: kind, mode, bytes: content } of readTar(body)) {
          if (kind === 'other') return response.writeHead(500).end('{"message":"what is that?"}');
          if (kind === 'file') files.set(file, content);
          if (kind === 'directory') files.set(`${file}/`, Buffer.from(mode.toString(8)));
        }
        return response.end();
      }
      if (bytes === undefined && !isFolder) return response.writeHead(404).end();
      const type = bytes === undefined ? 0x8000_01ed : 0o644;
      const stat = Buffer.from(JSON.stringify({ name, mode: type })).toString('base64');
      response.setHeader('x-docker-container-path-stat', stat);
      return response.end(
        method === 'HEAD' ? undefined : writeTar([{ name, bytes: bytes ?? Buffer.alloc(0) }]),
      );
    });

  test('paths that are not plainly below a folder are refused before any request', async () => {
    await using engine = await serveFiles(new Map());
    const paths = [
      '',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      'a/../b',
      './a',
      'a\0b',
      'a\\b',
      'a b',
      'ä',
      'a'.repeat(101),
    ];
    const folders = ['', 'etc', '/', '/etc/', '/etc/../root', '/a:b', '/etc docker', 'C:\\docker'];
    const places = [
      ...paths.map((path) => ({ folder: '/etc', path })),
      ...folders.map((folder) => ({ folder, path: 'a' })),
      { folder: '/etc', path: Array(70).fill('aa').join('/') },
    ];

    for (const at of places) {
      const refused = failure(/is no plain path below a folder\.$/, 'CHANGE_REFUSED');
      const label = JSON.stringify(at);
      await assert.rejects(readEngineFile(engine.endpoint, at), refused, label);
      await assert.rejects(listEngineFolder(engine.endpoint, at), refused, label);
      await assert.rejects(removeEngineFile(engine.endpoint, at), refused, label);
      await assert.rejects(
        writeEngineFile(engine.endpoint, { ...at, mode: 0o644 }, Buffer.alloc(1)),
        refused,
        label,
      );
    }
    assert.deepEqual(engine.requests, []);
  });

  test('a certificate that the engine keeps is emptied, another file stays and is an error', async () => {
    const files = new Map([
      [place.path, Buffer.from('ca')],
      ['daemon.json', Buffer.from('{}')],
    ]);
    await using engine = await serveFiles(files);

    const removal = await removeEngineFile(engine.endpoint, place);

    assert.equal(removal, 'emptied');
    await assert.rejects(
      removeEngineFile(engine.endpoint, { folder: '/etc/docker', path: 'daemon.json' }),
      failure(/cannot remove "\/etc\/docker\/daemon\.json": what is that\?$/),
    );
    assert.deepEqual([...files.values()].map(String), ['', '{}']);
  });

  test('directories that are missing are made with a mode that others can read', async () => {
    const files = new Map([['certs.d/other:1/ca.crt', Buffer.from('theirs')]]);
    await using engine = await serveFiles(files);

    await writeEngineFile(engine.endpoint, { ...place, mode: 0o644 }, Buffer.from('ca'));

    assert.deepEqual(
      [...files].slice(1).map(([name, bytes]) => [name, String(bytes)]),
      [
        ['certs.d/registry:1/', '755'],
        [place.path, 'ca'],
      ],
    );
  });

  test('a write that does not arrive is an error', async () => {
    const files = new Map([[place.path, Buffer.from('old')]]);
    await using engine = await serveFiles(files, (request) => (request.startsWith('PUT') ? 200 : undefined));

    await assert.rejects(
      writeEngineFile(engine.endpoint, { ...place, mode: 0o644 }, Buffer.from('new')),
      failure(/wrote "\/etc\/docker\/certs\.d\/registry:1\/berth\.crt": other bytes are there afterwards/),
    );
  });

  const removals = ['DELETE /containers/NAME', 'DELETE /images/NAME%3A1'] as const;
  const failures: readonly (readonly [string, readonly string[]])[] = [
    ['POST /images/create', ['DELETE /images/NAME%3A1']],
    ['POST /containers/create', removals],
    ['HEAD /containers/NAME/archive', removals],
    ['GET /containers/NAME/archive', removals],
  ];
  for (const [request, expected] of failures) {
    test(`what was made goes when ${request} fails`, async () => {
      await using engine = await serveFiles(new Map([[place.path, Buffer.from('ca')]]), (each) =>
        each === request ? 500 : undefined,
      );

      await assert.rejects(readEngineFile(engine.endpoint, place), failure(/told to fail$|status 500$/));

      const names = engine.requests.map((each) => each.replace(/berth-[\da-f-]{36}/, 'NAME'));
      assert.deepEqual(
        names.filter((each) => each.startsWith('DELETE')),
        expected.map(
          (each) => `${decodeURIComponent(each)}?force=1${each.includes('containers') ? '&v=1' : ''}`,
        ),
      );
    });
  }

  test('the first failure is told, not that of cleaning up', async () => {
    await using engine = await serveFiles(new Map(), (request) => {
      if (request.startsWith('DELETE')) return 500;
      return request === 'POST /containers/create' ? 403 : undefined;
    });

    await assert.rejects(
      readEngineFile(engine.endpoint, place),
      failure(/does not show its files: told to fail$/),
    );
  });

  test('a failure to clean up is an error, when nothing else failed', async () => {
    await using engine = await serveFiles(new Map(), (request) =>
      request.startsWith('DELETE /images') ? 500 : undefined,
    );

    await assert.rejects(
      readEngineFile(engine.endpoint, place),
      failure(/cannot remove berth-.*:1: told to fail$/),
    );
  });

  test('an engine that hangs is left at once by an abort', async () => {
    const abort = new AbortController();
    await using engine = await serve(() => setImmediate(() => abort.abort()));

    await assert.rejects(readEngineFile(engine.endpoint, place, { signal: abort.signal }), {
      name: 'AbortError',
    });
    await engine.closed;
  });
});

test('a stream that is left is closed', async () => {
  await using engine = await serve((_, response) => void response.write('{}\n'));

  const stream = await openEngineStream(engine.endpoint, { path: '/events' });
  stream.destroy();

  await engine.closed;
});
