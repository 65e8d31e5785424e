import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import {
  descriptor,
  digestOf,
  imageOf,
  ociIndex,
  ociManifest,
  pushBlob,
  pushImage,
  putManifest,
  refusal,
  type Send,
  sender,
} from './support.ts';

const names = ['a', 'a-b', 'a.b', 'a/b', 'a/b/c', 'a0', 'a__b', 'b', 'ba', 'z'];
const tags = ['A', 'B.1', '_x', 'a', 'a-b', 'a.b', 'ab', 'latest', 'v1', 'v1.10', 'v1.9', 'z'];
let registry: TestRegistry;
let send: Send;

before(async () => {
  registry = await startRegistry();
  send = sender(registry);
  for (const name of names) await pushImage(send, name, 'v');
  const body = imageOf([], { annotations: { of: 'tags' } });
  await pushBlob(send, 'tagged', '{}');
  const query = tags
    .toReversed()
    .map((tag) => `tag=${tag}`)
    .join('&');
  assert.equal((await putManifest(send, 'tagged', `${digestOf(body)}?${query}`, body)).status, 201);
});
after(() => registry[Symbol.asyncDispose]());

/** Follows Link from a path to the end and answers the items of each page. */
async function walk(path: string, key: string): Promise<readonly (readonly unknown[])[]> {
  const pages: unknown[][] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const answer = await send('GET', next);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], key === 'manifests' ? ociIndex : 'application/json');
    pages.push((answer.json() as Record<string, unknown[]>)[key] ?? []);
    const link = answer.headers['link'];
    next = link === undefined ? undefined : /^<(\/v2\/[^>]+)>; rel="next"$/.exec(String(link))?.[1];
    assert.ok(link === undefined || next !== undefined, `a Link of the right form: ${String(link)}`);
    assert.ok(pages.length < 100, 'pages end');
  }
  return pages;
}

describe('any page size gives the same list', () => {
  const byBytes = (list: readonly string[]) =>
    list.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const [path, key, expected] of [
    ['/v2/_catalog', 'repositories', byBytes([...names, 'tagged'])],
    ['/v2/tagged/tags/list', 'tags', byBytes(tags)],
    ['/v2/tagged/tags/list?sort=name', 'tags', byBytes(tags)],
    ['/v2/tagged/tags/list?sort=-name', 'tags', byBytes(tags).toReversed()],
  ] as const) {
    test(path, async () => {
      assert.deepEqual(await walk(path, key), [expected]);
      for (const n of [1, 2, 3, 5, expected.length - 1, expected.length, expected.length + 1, 999]) {
        const pages = await walk(`${path}${path.includes('?') ? '&' : '?'}n=${n}`, key);
        assert.deepEqual(pages.flat(), expected);
        assert.ok(pages.slice(0, -1).every((page) => page.length === n));
        assert.equal(pages.length, Math.ceil(expected.length / n));
      }
    });
  }
});

test('the name is beside the tags', async () => {
  const { name } = (await send('GET', '/v2/tagged/tags/list')).json() as { name: string };
  assert.equal(name, 'tagged');
});

describe('n', () => {
  for (const path of ['/v2/_catalog', '/v2/tagged/tags/list', `/v2/a/referrers/${digestOf('x')}`]) {
    for (const n of ['', '-1', '1.5', 'x', '+5', '0x10', '1e3', '%20', '1%00', '9'.repeat(40), '١']) {
      test(`${path}?n=${n} is 400`, async () => {
        const answer = await send('GET', `${path}?n=${encodeURI(n)}`);
        assert.equal(refusal(answer), '400 UNSUPPORTED');
      });
    }

    test(`${path}?n=0 is empty, without Link`, async () => {
      const answer = await send('GET', `${path}?n=0`);
      const value = answer.json() as Record<string, unknown[]>;
      assert.deepEqual(value['repositories'] ?? value['tags'] ?? value['manifests'], []);
      assert.equal(answer.headers['link'], undefined);
    });

    test(`${path}?n=999999999999999999999 is answered`, async () => {
      assert.equal((await send('GET', `${path}?n=999999999999999999999`)).status, 200);
    });
  }
});

describe('last is exclusive and may be any string', () => {
  for (const [path, key, all] of [
    ['/v2/_catalog', 'repositories', [...names, 'tagged']],
    ['/v2/tagged/tags/list', 'tags', tags],
  ] as const) {
    for (const last of [
      '',
      'a',
      'a-',
      'a-a',
      'a/',
      'a/b',
      'a/b/',
      'a/z',
      '~',
      '\0',
      '../..',
      'é',
      '\u{10ffff}',
      '%',
      '"><b>',
      'x'.repeat(5000),
      'A',
      '_',
    ]) {
      for (const n of ['', '&n=2']) {
        test(`${path} after ${JSON.stringify(last.slice(0, 20))}${n}`, async () => {
          const pages = await walk(`${path}?last=${encodeURIComponent(last)}${n}`, key);
          const expected = all
            .filter((each) => Buffer.compare(Buffer.from(each), Buffer.from(last)) > 0)
            .toSorted((a, b) => (a < b ? -1 : 1));
          assert.deepEqual(pages.flat(), expected);
        });
      }
    }
  }

  test('bad UTF-8', async () => {
    assert.equal((await send('GET', '/v2/_catalog?last=%ff')).status, 200);
    assert.equal((await send('GET', '/v2/tagged/tags/list?last=%ff')).status, 200);
  });
});

describe('sort', () => {
  before(async () => {
    await pushBlob(send, 'sorted', '{}');
    for (const tag of [
      'v1.10.0',
      'latest',
      'v1.9.0',
      'v2.0.0-rc.1',
      'v2.0.0',
      '1.9.0',
      'v2.0.0-rc.10',
      'v2.0.0-rc.2',
    ])
      assert.equal(
        (await putManifest(send, 'sorted', tag, imageOf([], { annotations: { tag } }))).status,
        201,
      );
  });
  const pushed = [
    'v1.10.0',
    'latest',
    'v1.9.0',
    'v2.0.0-rc.1',
    'v2.0.0',
    '1.9.0',
    'v2.0.0-rc.10',
    'v2.0.0-rc.2',
  ];
  for (const [sort, expected] of [
    ['pushed', pushed],
    ['-pushed', pushed.toReversed()],
    [
      'semver',
      ['latest', '1.9.0', 'v1.9.0', 'v1.10.0', 'v2.0.0-rc.1', 'v2.0.0-rc.2', 'v2.0.0-rc.10', 'v2.0.0'],
    ],
    ['name', pushed.toSorted()],
    ['-name', pushed.toSorted().toReversed()],
  ] as const) {
    test(`${sort}, on any page size`, async () => {
      for (const n of ['', '&n=1', '&n=3', '&n=8', '&n=50'])
        assert.deepEqual((await walk(`/v2/sorted/tags/list?sort=${sort}${n}`, 'tags')).flat(), expected);
    });
  }

  test('an unknown order and a cursor that is none are 400', async () => {
    const cursor = (text: string) => Buffer.from(text).toString('base64url');
    for (const query of [
      'sort=',
      'sort=size',
      'sort=name&last=v1',
      'sort=name&last=',
      `sort=name&last=${cursor('["\\q","v1"]')}`,
      `sort=name&last=${cursor('["\n","v1"]')}`,
      `sort=name&last=${cursor('["a","v1",1]')}`,
      `sort=name&last=${cursor('[1,"v1"]')}`,
      `sort=name&last=${cursor('["a"]')}`,
      `sort=name&last=${cursor('{}')}`,
      `sort=name&last=${cursor('null')}`,
    ]) {
      assert.equal(refusal(await send('GET', `/v2/sorted/tags/list?${query}`)), '400 UNSUPPORTED', query);
    }
  });
});

test('a larger n than the limit is clamped, and Link leads on', async () => {
  const env = { REGISTRY_TAGS_MAXTAGS: '3', REGISTRY_CATALOG_MAXENTRIES: '2' };
  await using small = await startRegistry({ env });
  const ask = sender(small);
  for (const name of ['a', 'b', 'c']) await pushImage(ask, name, 'v');
  for (const tag of ['v2', 'v3', 'v4']) await pushImage(ask, 'a', tag);

  for (const [path, count, hasLink] of [
    ['/v2/_catalog', 2, true],
    ['/v2/_catalog?n=50', 2, true],
    ['/v2/a/tags/list?n=50', 3, true],
    ['/v2/a/tags/list', 4, false],
  ] as const) {
    const answer = await ask('GET', path);
    const value = answer.json() as { tags?: unknown[]; repositories?: unknown[] };
    assert.equal((value.tags ?? value.repositories)?.length, count, path);
    assert.equal(answer.headers['link'] !== undefined, hasLink, path);
  }
  assert.equal(
    (await ask('GET', '/v2/a/tags/list?n=50')).headers['link'],
    '</v2/a/tags/list?n=3&last=v3>; rel="next"',
  );
});

test('a repository is there while it has a manifest', async () => {
  await pushBlob(send, 'blob-only', 'x');
  assert.equal(refusal(await send('GET', '/v2/blob-only/tags/list')), '404 NAME_UNKNOWN');
  assert.equal(refusal(await send('GET', '/v2/nowhere/tags/list')), '404 NAME_UNKNOWN');

  await pushBlob(send, 'untagged', '{}');
  const body = imageOf([], { annotations: { of: 'untagged' } });
  await putManifest(send, 'untagged', digestOf(body), body);

  assert.deepEqual((await send('GET', '/v2/untagged/tags/list')).json(), { name: 'untagged', tags: [] });
  assert.ok((await walk('/v2/_catalog', 'repositories')).flat().includes('untagged'));
  assert.ok(!(await walk('/v2/_catalog', 'repositories')).flat().includes('blob-only'));

  assert.equal((await send('DELETE', `/v2/untagged/manifests/${digestOf(body)}`)).status, 202);

  assert.equal(refusal(await send('GET', '/v2/untagged/tags/list')), '404 NAME_UNKNOWN');
  assert.ok(!(await walk('/v2/_catalog', 'repositories')).flat().includes('untagged'));
});

describe('referrers', () => {
  const subject = { ...descriptor('the subject'), mediaType: ociManifest };
  const path = `/v2/ref/referrers/${subject.digest}`;
  const config = descriptor('{}', 'application/vnd.oci.image.config.v1+json');
  const bodies = {
    typed: imageOf([], { subject, artifactType: 'application/x.sbom', annotations: { is: 'typed' } }),
    untyped: imageOf([], { subject, config: { ...config, mediaType: 'application/x.sig' } }),
    index: JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: [], subject }),
    typedIndex: JSON.stringify({
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: [],
      subject,
      artifactType: 'application/x.sbom',
    }),
    by512: imageOf([], { subject, artifactType: 'application/x.other', annotations: { by: 'Zoë 🐳' } }),
  };
  const entry = (body: string, more: object, algorithm = 'sha256') => ({
    mediaType: (JSON.parse(body) as { mediaType: string }).mediaType,
    digest: digestOf(body, algorithm),
    size: Buffer.byteLength(body),
    ...more,
  });
  const expected = [
    entry(bodies.typed, { artifactType: 'application/x.sbom', annotations: { is: 'typed' } }),
    entry(bodies.untyped, { artifactType: 'application/x.sig' }),
    entry(bodies.index, {}),
    entry(bodies.typedIndex, { artifactType: 'application/x.sbom' }),
    entry(bodies.by512, { artifactType: 'application/x.other', annotations: { by: 'Zoë 🐳' } }, 'sha512'),
  ].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));

  before(async () => {
    await pushBlob(send, 'ref', '{}');
    for (const [name, body] of Object.entries(bodies)) {
      const type = name.toLowerCase().includes('index') ? ociIndex : ociManifest;
      const reference =
        name === 'by512' ? digestOf(body, 'sha512') : name === 'typed' ? digestOf(body) : name;
      const pushed = await putManifest(send, 'ref', reference, body, type);
      assert.deepEqual([pushed.status, pushed.headers['oci-subject']], [201, subject.digest]);
    }
  });

  test('are listed by digest, with type, size, artifact type and annotations', async () => {
    const answer = await send('GET', path);

    assert.deepEqual(
      [answer.status, answer.headers['content-type'], answer.headers['oci-filters-applied']],
      [200, ociIndex, undefined],
    );
    assert.deepEqual(answer.json(), { schemaVersion: 2, mediaType: ociIndex, manifests: expected });
  });

  for (const [query, types] of [
    ['artifactType=application/x.sbom', ['application/x.sbom']],
    [
      'artifactType=application%2Fx.sbom&artifactType=application/x.sig',
      ['application/x.sbom', 'application/x.sig'],
    ],
    ['artifactType=nothing', []],
  ] as const) {
    test(`filtered by ${query}`, async () => {
      const answer = await send('GET', `${path}?${query}`);
      const wanted = expected.filter((each) =>
        (types as readonly unknown[]).includes('artifactType' in each ? each.artifactType : ''),
      );
      assert.equal(answer.headers['oci-filters-applied'], 'artifactType');
      assert.deepEqual((answer.json() as { manifests: unknown }).manifests, wanted);
    });
  }

  test('on any page size, with a filter too', async () => {
    for (const query of ['', '&artifactType=application/x.sbom']) {
      const all = (await walk(`${path}?n=50${query}`, 'manifests')).flat();
      for (const n of [1, 2, 3, 5])
        assert.deepEqual((await walk(`${path}?n=${n}${query}`, 'manifests')).flat(), all);
    }
  });

  test('fill pages of at most 4 MiB', async () => {
    await pushBlob(send, 'heavy', '{}');
    for (let count = 0; count < 5; count += 1) {
      const body = imageOf([], { subject, annotations: { n: String(count), fill: 'x'.repeat(1_000_000) } });
      assert.equal((await putManifest(send, 'heavy', digestOf(body), body)).status, 201);
    }
    const pages = await walk(`/v2/heavy/referrers/${subject.digest}`, 'manifests');
    assert.deepEqual(
      pages.map((page) => page.length),
      [4, 1],
    );
  });

  test('of what is not there are none; a malformed digest is 400', async () => {
    for (const asked of [
      `/v2/ref/referrers/${digestOf('nothing')}`,
      `/v2/nowhere/referrers/${digestOf('nothing', 'sha512')}`,
    ]) {
      const answer = await send('GET', asked);
      assert.deepEqual(answer.json(), { schemaVersion: 2, mediaType: ociIndex, manifests: [] });
      assert.deepEqual([answer.status, answer.headers['content-type']], [200, ociIndex]);
    }
    for (const bad of ['latest', 'sha256:00', 'md5:00', `${subject.digest}0`, subject.digest.toUpperCase()]) {
      assert.equal(refusal(await send('GET', `/v2/ref/referrers/${bad}`)), '400 DIGEST_INVALID');
    }
  });

  test('a deleted one is gone from the list', async () => {
    const { digest = '' } = expected[0] ?? {};
    assert.equal((await send('DELETE', `/v2/ref/manifests/${digest}`)).status, 202);
    const left = ((await send('GET', path)).json() as { manifests: unknown }).manifests;
    assert.deepEqual(left, expected.slice(1));
  });
});
