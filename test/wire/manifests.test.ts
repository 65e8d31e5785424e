import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import {
  descriptor,
  digestOf,
  dockerList,
  dockerManifest,
  imageOf,
  listStore,
  ociIndex,
  ociManifest,
  pushBlob,
  pushImage,
  putManifest,
  refusal,
  type Send,
  sender,
} from './support.ts';

const limitBytes = 4 * 1024 * 1024;
let registry: TestRegistry;
let send: Send;

before(async () => {
  registry = await startRegistry();
  send = sender(registry);
  for (const bytes of ['{}', 'layer']) await pushBlob(send, 'a/b', bytes);
});
after(() => registry[Symbol.asyncDispose]());

test('the four media types are stored unchanged and served with the pushed type and every header', async () => {
  const child = await pushImage(send, 'a/b', 'child');
  const list = {
    schemaVersion: 2,
    manifests: [{ mediaType: ociManifest, digest: child, size: imageOf().length }],
  };
  for (const [type, body] of [
    [ociManifest, imageOf(['layer'])],
    [dockerManifest, imageOf(['layer'], { mediaType: dockerManifest })],
    [ociIndex, JSON.stringify({ ...list, mediaType: ociIndex })],
    [dockerList, JSON.stringify({ ...list, mediaType: dockerList })],
  ] as const) {
    const text = `\n ${body}\n`;

    const pushed = await putManifest(send, 'a/b', 'four', text, type);
    const got = await send('GET', '/v2/a/b/manifests/four');

    const digest = digestOf(text);
    assert.deepEqual(
      [pushed.status, pushed.headers.location, pushed.headers['docker-content-digest']],
      [201, `/v2/a/b/manifests/${digest}`, digest],
    );
    assert.deepEqual(pick(got.headers), {
      'content-type': type,
      'content-length': String(text.length),
      'docker-content-digest': digest,
      etag: `"${digest}"`,
      'cache-control': 'no-cache',
      'docker-distribution-api-version': 'registry/2.0',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
    assert.equal(String(got.body), text);
  }
});

function pick(headers: Readonly<Record<string, unknown>>) {
  const names = [
    'content-type',
    'content-length',
    'docker-content-digest',
    'etag',
    'cache-control',
    'docker-distribution-api-version',
    'x-content-type-options',
    'content-security-policy',
  ];
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}

test('any Accept gets the stored type; a HEAD has the headers of a GET', async () => {
  const digest = await pushImage(send, 'a/b', 'accept');

  for (const accept of [undefined, '*/*', 'text/html', dockerManifest, 'nonsense']) {
    const headers = accept === undefined ? {} : { accept };
    for (const reference of ['accept', digest]) {
      const [got, head] = await Promise.all(
        ['GET', 'HEAD'].map((method) => send(method, `/v2/a/b/manifests/${reference}`, { headers })),
      );
      assert.equal(got?.status, 200);
      assert.equal(got.headers['content-type'], ociManifest);
      assert.deepEqual([head?.status, pick(head?.headers ?? {})], [200, pick(got.headers)]);
      assert.equal(head?.body.length, 0);
    }
  }
});

test('If-None-Match answers 304 for the digest in all its forms', async () => {
  const digest = await pushImage(send, 'a/b', 'etag');
  const other = digestOf('other');

  for (const [value, status] of [
    [`"${digest}"`, 304],
    [digest, 304],
    [`W/"${digest}"`, 304],
    [`"${other}", "${digest}"`, 304],
    ['*', 304],
    [`"${other}"`, 200],
    ['""', 200],
  ] as const) {
    for (const method of ['GET', 'HEAD']) {
      const got = await send(method, '/v2/a/b/manifests/etag', { headers: { 'if-none-match': value } });
      assert.equal(got.status, status, `${method} ${value}`);
      assert.equal(got.headers.etag, `"${digest}"`);
      if (status === 304) assert.equal(got.body.length, 0);
    }
  }
});

test('a manifest pushed by sha512 is found by it and by its tag', async () => {
  const body = imageOf(['layer'], { annotations: { n: '512' } });
  const digest = digestOf(body, 'sha512');

  const pushed = await putManifest(send, 'a/b', `${digest}?tag=by512`, body);

  assert.deepEqual(
    [pushed.status, pushed.headers['docker-content-digest'], pushed.headers['oci-tag']],
    [201, digest, 'by512'],
  );
  for (const reference of [digest, digest.replace(':', '%3A'), 'by512']) {
    const got = await send('GET', `/v2/a/b/manifests/${reference}`);
    assert.deepEqual(
      [got.status, got.headers['docker-content-digest'], String(got.body)],
      [200, digest, body],
    );
  }
  assert.equal((await send('GET', `/v2/a/b/manifests/${digestOf(body)}`)).status, 404);
});

describe('accepted manifests', () => {
  const absent = descriptor('nowhere', 'application/vnd.oci.image.layer.v1.tar');
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  for (const [name, body, type] of [
    ['parameters of the media type', imageOf(), `${ociManifest}; charset=utf-8`],
    ['a media type in other letters', imageOf(), ociManifest.toUpperCase()],
    ['no Content-Type, mediaType in the body', imageOf(), ''],
    ['an OCI manifest without mediaType', imageOf([], { mediaType: undefined }), ociManifest],
    ['an empty mediaType', imageOf([], { mediaType: '' }), ociManifest],
    ['no layers', imageOf([], { layers: undefined }), ociManifest],
    ['null layers', imageOf([], { layers: null, annotations: null, subject: null }), ociManifest],
    ['null manifests', imageOf([], { manifests: null }), ociManifest],
    [
      'an index with null manifests',
      JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: null }),
      ociIndex,
    ],
    ['an index without manifests', JSON.stringify({ schemaVersion: 2, mediaType: ociIndex }), ociIndex],
    [
      'a layer with urls that is absent',
      imageOf([], { layers: [{ ...absent, urls: ['https://trap.invalid/x'] }] }),
      ociManifest,
    ],
    [
      'an absent nondistributable layer',
      imageOf([], {
        layers: [{ ...absent, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' }],
      }),
      ociManifest,
    ],
    [
      'an absent foreign layer',
      imageOf([], {
        mediaType: dockerManifest,
        layers: [{ ...absent, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }],
      }),
      dockerManifest,
    ],
    ['a missing subject', imageOf([], { subject: { ...absent, mediaType: ociManifest } }), ociManifest],
    [
      'an unknown artifact type and custom fields',
      imageOf([], { artifactType: 'application/vnd.x+y', custom: { LAYERS: 1, deep: { a: 1 } } }),
      ociManifest,
    ],
    [
      '__proto__ and data',
      imageOf([], { config: { ...descriptor('{}', 'a/b'), data: 'e30=' }, x: 0 }).replace(
        '"x":0',
        '"__proto__":{"layers":5}',
      ),
      ociManifest,
    ],
    ['the deepest nesting', imageOf([], { deep: nested(63) }), ociManifest],
    [
      'a child of an index that is a blob',
      JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: [descriptor('layer')] }),
      ociIndex,
    ],
    ['the largest size', imageOf([], { subject: { ...absent, size: 2 ** 53 - 1 } }), ociManifest],
  ] as const) {
    test(name, async () => {
      const pushed = await putManifest(send, 'a/b', 'ok', body, type);
      const got = await send('GET', '/v2/a/b/manifests/ok');

      assert.equal(pushed.status, 201, String(pushed.body));
      assert.equal(String(got.body), body);
      assert.equal(digestOf(got.body), got.headers['docker-content-digest']);
    });
  }
});

describe('refused manifests', () => {
  const absent = descriptor('absent');
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  const image = (more: Readonly<Record<string, unknown>>) => imageOf(['layer'], more);
  const text = (from: RegExp | string, to: string) => image({}).replace(from, to);
  for (const [name, body, type, expected] of [
    ['no JSON', 'nonsense', ociManifest, '400 MANIFEST_INVALID'],
    ['an empty body', '', ociManifest, '400 MANIFEST_INVALID'],
    ['a list', '[]', ociManifest, '400 MANIFEST_INVALID'],
    ['null', 'null', ociManifest, '400 MANIFEST_INVALID'],
    ['a number', '2', ociManifest, '400 MANIFEST_INVALID'],
    ['cut JSON', image({}).slice(0, -1), ociManifest, '400 MANIFEST_INVALID'],
    ['text behind the JSON', `${image({})}x`, ociManifest, '400 MANIFEST_INVALID'],
    [
      'bad UTF-8',
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]),
      ociManifest,
      '400 MANIFEST_INVALID',
    ],
    ['a byte order mark', `\ufeff${image({})}`, ociManifest, '400 MANIFEST_INVALID'],
    ['nesting one too deep', image({ deep: nested(64) }), ociManifest, '400 MANIFEST_INVALID'],
    ['a hundred thousand brackets', '['.repeat(100_000), ociManifest, '400 MANIFEST_INVALID'],
    ['a key twice', text('{', '{"config":{},'), ociManifest, '400 MANIFEST_INVALID'],
    ['a key twice, once escaped', text('{', '{"conf\\u0069g":{},'), ociManifest, '400 MANIFEST_INVALID'],
    [
      'a key twice in a descriptor',
      text('"digest"', '"digest":"x","digest"'),
      ociManifest,
      '400 MANIFEST_INVALID',
    ],
    ['a key that differs in case', text('{', '{"Layers":[],'), ociManifest, '400 MANIFEST_INVALID'],
    ['a key with a long s', text('{', '{"layerſ":[],'), ociManifest, '400 MANIFEST_INVALID'],
    [
      'a key of a descriptor in other case',
      text('"digest"', '"Digest":"x","digest"'),
      ociManifest,
      '400 MANIFEST_INVALID',
    ],
    ['layers and manifests', image({ manifests: [] }), ociManifest, '400 MANIFEST_INVALID'],
    ['no schemaVersion', image({ schemaVersion: undefined }), ociManifest, '400 MANIFEST_INVALID'],
    ['schemaVersion 1', image({ schemaVersion: 1 }), ociManifest, '400 MANIFEST_INVALID'],
    ['schemaVersion as text', image({ schemaVersion: '2' }), ociManifest, '400 MANIFEST_INVALID'],
    [
      'schema 1',
      '{"schemaVersion":1}',
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      '400 MANIFEST_INVALID',
    ],
    ['a foreign type', image({}), 'application/json', '400 MANIFEST_INVALID'],
    ['a type of HTML', image({}), 'text/html', '400 MANIFEST_INVALID'],
    ['no type at all', image({ mediaType: undefined }), '', '400 MANIFEST_INVALID'],
    ['a type unlike the body', image({}), dockerManifest, '400 MANIFEST_INVALID'],
    [
      'a docker manifest without mediaType',
      image({ mediaType: undefined }),
      dockerManifest,
      '400 MANIFEST_INVALID',
    ],
    ['an index type on an image', image({ mediaType: undefined }), ociIndex, '400 MANIFEST_INVALID'],
    ['an image type on an index', '{"schemaVersion":2,"manifests":[]}', ociManifest, '400 MANIFEST_INVALID'],
    ['no config', image({ config: undefined }), ociManifest, '400 MANIFEST_INVALID'],
    [
      'a descriptor without media type',
      image({ layers: [{ ...absent, mediaType: undefined }] }),
      ociManifest,
      '400 MANIFEST_INVALID',
    ],
    [
      'a digest of another algorithm',
      image({ layers: [{ ...absent, digest: `md5:${'0'.repeat(32)}` }] }),
      ociManifest,
      '400 MANIFEST_INVALID',
    ],
    [
      'a digest in capitals',
      image({ layers: [{ ...absent, digest: absent.digest.toUpperCase() }] }),
      ociManifest,
      '400 MANIFEST_INVALID',
    ],
    [
      'a digest that is a path',
      image({ layers: [{ ...absent, digest: 'sha256:../../../../etc/passwd' }] }),
      ociManifest,
      '400 MANIFEST_INVALID',
    ],
    ['a negative size', image({ layers: [{ ...absent, size: -1 }] }), ociManifest, '400 MANIFEST_INVALID'],
    [
      'a fraction as size',
      image({ layers: [{ ...absent, size: 1.5 }] }),
      ociManifest,
      '400 MANIFEST_INVALID',
    ],
    [
      'a size beyond 2^53-1',
      image({ layers: [{ ...absent, size: 2 ** 53 }] }),
      ociManifest,
      '400 MANIFEST_INVALID',
    ],
    [
      'annotations that are no strings',
      image({ annotations: { a: 1 } }),
      ociManifest,
      '400 MANIFEST_INVALID',
    ],
    ['layers that are no list', image({ layers: {} }), ociManifest, '400 MANIFEST_INVALID'],
    ['a missing layer', image({ layers: [absent] }), ociManifest, '400 MANIFEST_BLOB_UNKNOWN'],
    [
      'a missing child',
      JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: [absent] }),
      ociIndex,
      '400 MANIFEST_BLOB_UNKNOWN',
    ],
  ] as const) {
    test(`${name}: ${expected}`, async () => {
      const stored = await listStore(registry);

      const pushed = await putManifest(send, 'a/b', 'bad', body, type);

      assert.equal(refusal(pushed), expected);
      assert.deepEqual(await listStore(registry), stored);
    });
  }

  test('the supported types are named for a foreign one', async () => {
    const pushed = await putManifest(send, 'a/b', 'bad', image({}), 'application/json');

    for (const type of [ociManifest, ociIndex, dockerManifest, dockerList])
      assert.ok(String(pushed.body).includes(type));
  });

  test('each missing child is an entry with its digest', async () => {
    const missing = ['m1', 'm2', 'm1'].map((each) => descriptor(each));

    const pushed = await putManifest(send, 'a/b', 'bad', image({ layers: missing }));

    const { errors } = pushed.json() as { errors: { code: string; detail: unknown }[] };
    assert.deepEqual(
      errors.map(({ code, detail }) => [code, detail]),
      ['m1', 'm2'].map((each) => ['MANIFEST_BLOB_UNKNOWN', digestOf(each)]),
    );
  });

  test('a digest that is not that of the body', async () => {
    for (const algorithm of ['sha256', 'sha512']) {
      const pushed = await putManifest(send, 'a/b', digestOf('else', algorithm), image({}));
      assert.equal(refusal(pushed), '400 DIGEST_INVALID');
    }
  });
});

test('a manifest of 4 MiB is stored, one byte more is 413, sized or chunked', async () => {
  const fill = (size: number) => imageOf([], { fill: 'x'.repeat(size - imageOf([], { fill: '' }).length) });

  const largest = await putManifest(send, 'a/b', 'large', fill(limitBytes));
  const sized = await send('PUT', '/v2/a/b/manifests/larger', {
    body: fill(limitBytes + 1),
    headers: { 'content-type': ociManifest, connection: 'keep-alive' },
  });
  const chunked = await send('PUT', '/v2/a/b/manifests/larger', {
    body: Readable.from([Buffer.from(fill(limitBytes + 1))]),
    headers: { 'content-type': ociManifest, connection: 'keep-alive' },
  });

  assert.equal(largest.status, 201);
  for (const answer of [sized, chunked]) {
    assert.equal(refusal(answer), '413 MANIFEST_INVALID');
    assert.equal(answer.headers.connection, 'close');
  }
  assert.equal((await send('GET', '/v2/a/b/manifests/larger')).status, 404);
});

describe('several tags in one PUT', () => {
  const tags = (count: number) => Array.from({ length: count }, (_, at) => `t${at}`);
  const query = (names: readonly string[]) => names.map((name) => `tag=${name}`).join('&');
  const body = imageOf([], { annotations: { of: 'tags' } });

  test('fifty are set, and named in OCI-Tag', async () => {
    const pushed = await putManifest(send, 'many', `${await ready('many')}?${query(tags(50))}`, body);

    assert.deepEqual([pushed.status, pushed.headers['oci-tag']], [201, tags(50).join(', ')]);
    assert.equal((await send('GET', '/v2/many/manifests/t49')).status, 200);
  });

  test('fifty-one are 414, one bad tag refuses all', async () => {
    const digest = await ready('none');
    const stored = await listStore(registry);

    const tooMany = await putManifest(send, 'none', `${digest}?${query(tags(51))}`, body);
    const oneBad = await putManifest(send, 'none', `${digest}?${query(['good', '.bad'])}`, body);

    assert.equal(refusal(tooMany), '414 UNSUPPORTED');
    assert.equal(refusal(oneBad), '400 MANIFEST_INVALID');
    assert.deepEqual(await listStore(registry), stored);
  });

  test('they are ignored beside a tag in the path', async () => {
    await ready('path');

    const pushed = await putManifest(send, 'path', `main?${query(['other', '.bad'])}`, body);

    assert.deepEqual([pushed.status, pushed.headers['oci-tag']], [201, undefined]);
    assert.equal((await send('GET', '/v2/path/manifests/other')).status, 404);
  });

  async function ready(name: string): Promise<string> {
    await pushBlob(send, name, '{}');
    return digestOf(body);
  }
});

test('OCI-Subject tells of the subject of OCI manifests only', async () => {
  const subject = { ...descriptor('some'), mediaType: ociManifest };
  const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [], subject };

  const answers = [
    await putManifest(send, 'a/b', 's1', imageOf([], { subject })),
    await putManifest(send, 'a/b', 's2', JSON.stringify(index), ociIndex),
    await putManifest(send, 'a/b', 's3', imageOf([])),
    await putManifest(send, 'a/b', 's4', imageOf([], { subject, mediaType: dockerManifest }), dockerManifest),
  ];

  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers['oci-subject']]),
    [
      [201, subject.digest],
      [201, subject.digest],
      [201, undefined],
      [201, undefined],
    ],
  );
});

test('a descriptor whose size is not that of the blob brings a Warning', async () => {
  const layer = { ...descriptor('layer'), size: 6 };

  const pushed = await putManifest(send, 'a/b', 'warned', imageOf([], { layers: [layer] }));

  assert.equal(pushed.status, 201);
  assert.equal(pushed.headers.warning, `299 - "${layer.digest} has 5 bytes, the manifest says 6"`);
});

test('a tag moves, the manifest it meant stays; pushing the same again is 201', async () => {
  const first = await pushImage(send, 'move', 'v', { more: { annotations: { n: '1' } } });
  const second = await pushImage(send, 'move', 'v', { more: { annotations: { n: '2' } } });
  const again = await pushImage(send, 'move', 'v', { more: { annotations: { n: '2' } } });

  const now = await send('HEAD', '/v2/move/manifests/v');
  assert.deepEqual([now.headers['docker-content-digest'], again], [second, second]);
  assert.equal((await send('HEAD', `/v2/move/manifests/${first}`)).status, 200);
});

test('what is not there is 404 with its code', async () => {
  for (const [path, expected] of [
    ['/v2/a/b/manifests/nothing', '404 MANIFEST_UNKNOWN'],
    [`/v2/a/b/manifests/${digestOf('nothing')}`, '404 MANIFEST_UNKNOWN'],
    ['/v2/nowhere/manifests/nothing', '404 MANIFEST_UNKNOWN'],
    ['/v2/a/b/manifests/.bad', '400 MANIFEST_INVALID'],
    [`/v2/a/b/manifests/${'t'.repeat(129)}`, '400 MANIFEST_INVALID'],
    ['/v2/a/b/manifests/sha256:00', '400 DIGEST_INVALID'],
    ['/v2/a/b/manifests/a%2Fb', '400 MANIFEST_INVALID'],
    ['/v2/a/b/manifests/%ff', '400 MANIFEST_INVALID'],
    ['/v2/a/b/manifests/', '400 MANIFEST_INVALID'],
  ] as const) {
    assert.equal(refusal(await send('GET', path)), expected, path);
    const head = await send('HEAD', path);
    assert.deepEqual([String(head.status), head.body.length], [expected.slice(0, 3), 0], path);
  }
});

describe('rules of validation', { concurrency: true }, () => {
  const missing = imageOf(['missing']);
  const child = (more: Readonly<Record<string, unknown>>) => ({
    ...descriptor('child'),
    mediaType: ociManifest,
    ...more,
  });
  const index = (...manifests: readonly unknown[]) =>
    JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests });
  const amd = { os: 'linux', architecture: 'amd64' };
  const arm = { os: 'linux', architecture: 'arm', variant: 'v7' };
  const withUrl = (url: string) => imageOf([], { layers: [{ ...descriptor('far'), urls: [url] }] });
  for (const [name, env, cases] of [
    [
      'sparse accepts images without their layers',
      { BERTH_VALIDATION_SPARSE: 'true' },
      [
        [missing, ociManifest, 201],
        [index(child({})), ociIndex, 400],
      ],
    ],
    [
      'indexes none accepts an index without its children',
      { REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMS: 'none' },
      [
        [index(child({})), ociIndex, 201],
        [missing, ociManifest, 400],
      ],
    ],
    [
      'indexes list asks for the platforms of the list',
      {
        REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMS: 'list',
        REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMLIST: '[{os: linux, architecture: amd64}]',
      },
      [
        [index(child({ platform: arm }), child({})), ociIndex, 201],
        [index(child({ platform: amd })), ociIndex, 400],
        [index(child({ platform: { ...amd, variant: 'v3' } })), ociIndex, 400],
      ],
    ],
    [
      'disabled accepts all',
      { REGISTRY_VALIDATION_DISABLED: 'true' },
      [
        [missing, ociManifest, 201],
        [index(child({})), ociIndex, 201],
        ['{}', ociManifest, 400],
      ],
    ],
    [
      'urls are held to allow and deny',
      {
        REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW: '["^https://ok[.]example/"]',
        REGISTRY_VALIDATION_MANIFESTS_URLS_DENY: '["/secret/"]',
      },
      [
        [withUrl('https://ok.example/a'), ociManifest, 201],
        [withUrl('https://other.example/a'), ociManifest, 400],
        [withUrl('https://ok.example/secret/a'), ociManifest, 400],
      ],
    ],
  ] as const) {
    test(name, async () => {
      await using strict = await startRegistry({ env });
      const ask = sender(strict);
      await pushBlob(ask, 'v', '{}');
      for (const [body, type, status] of cases) {
        const pushed = await putManifest(ask, 'v', 't', body, type);
        assert.equal(pushed.status, status, `${body}: ${String(pushed.body)}`);
        if (status === 400) refusal(pushed);
      }
    });
  }
});
