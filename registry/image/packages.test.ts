import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isAppError } from '../spec/errors.ts';
import { parseChart } from './chart.ts';
import { scanLists } from './json-lists.ts';
import { listPackages, pageOfPackages } from './packages.ts';
import { createPause } from './rows.ts';

const pause = createPause(new AbortController().signal);

async function packagesOf(document: unknown) {
  const listing = await listPackages(Buffer.from(JSON.stringify(document)), pause);
  return { format: listing.format, ...(await pageOfPackages(listing, { limit: 1000 }, pause)) };
}

const spdx = {
  spdxVersion: 'SPDX-2.3',
  packages: [
    {
      name: 'musl',
      versionInfo: '1.2.5',
      licenseConcluded: 'NOASSERTION',
      licenseDeclared: 'MIT',
      externalRefs: [
        { referenceType: 'cpe23Type', referenceLocator: 'cpe:2.3:a' },
        { referenceType: 'purl', referenceLocator: 'pkg:apk/alpine/musl@1.2.5' },
      ],
    },
    { name: 'app', primaryPackagePurpose: 'CONTAINER' },
    { name: 'app', primaryPackagePurpose: 'CONTAINER' },
    { versionInfo: 'without a name' },
    'no object',
  ],
};
const spdxRows = [
  { name: 'app', type: 'container' },
  { name: 'musl', version: '1.2.5', type: 'apk', license: 'MIT' },
];
const statement = {
  _type: 'https://in-toto.io/Statement/v0.1',
  predicateType: 'https://spdx.dev/Document',
  predicate: spdx,
};
const envelope = {
  payloadType: 'application/vnd.in-toto+json',
  payload: Buffer.from(JSON.stringify(statement)).toString('base64'),
  signatures: [],
};

test('packages of SPDX are listed, plain and in every wrapping', async () => {
  for (const document of [spdx, statement, envelope, { dsseEnvelope: envelope }]) {
    const { format, rows, total } = await packagesOf(document);

    assert.deepEqual({ format, rows, total }, { format: 'spdx', rows: spdxRows, total: 2 });
  }
});

test('components of CycloneDX are listed with those within them', async () => {
  const { format, rows } = await packagesOf({
    bomFormat: 'CycloneDX',
    metadata: { component: { name: 'not a row' } },
    components: [
      {
        type: 'library',
        group: '@types',
        name: 'node',
        version: '24',
        purl: 'pkg:npm/%40types/node@24',
        licenses: [{ license: { id: 'MIT' } }, { expression: 'Apache-2.0 OR ISC' }],
        components: [{ type: 'file', name: 'inner' }],
      },
    ],
  });

  assert.equal(format, 'cyclonedx');
  assert.deepEqual(rows, [
    { name: '@types/node', version: '24', type: 'npm', license: 'MIT, Apache-2.0 OR ISC' },
    { name: 'inner', type: 'file' },
  ]);
});

test('pages hold every package once; a part of the name filters', async () => {
  const packages = Array.from({ length: 25 }, (_, at) => ({
    name: `Package-${String(at).padStart(2, '0')}`,
  }));
  const listing = await listPackages(Buffer.from(JSON.stringify({ spdxVersion: '2', packages })), pause);
  const found: string[] = [];

  for (let after: string | undefined = '0'; after !== undefined;) {
    const page = await pageOfPackages(listing, { q: 'package-1', after, limit: 4 }, pause);
    assert.equal(page.total, 10);
    found.push(...page.rows.map(({ name }) => name));
    after = page.next;
  }

  assert.deepEqual(
    found,
    packages.slice(10, 20).map(({ name }) => name),
  );
  await assert.rejects(pageOfPackages(listing, { after: 'x', limit: 4 }, pause), (error) =>
    isAppError(error, 'PAGE_INVALID'),
  );
});

test('an empty list is one, and what is no list of packages is refused', async () => {
  assert.deepEqual((await packagesOf({ spdxVersion: 'SPDX-2.3' })).rows, []);
  assert.deepEqual((await packagesOf({ bomFormat: 'CycloneDX', components: [] })).rows, []);
  const texts = [
    '',
    '[]',
    'text',
    '{',
    '{}',
    '{"a":1}',
    '{"packages":[{"name":"x"}',
    '{"packages":[{]}}',
    '{"packages":[{"name":x}]}',
    '{"payload":7}',
    '{"payload":"e30="}',
    '['.repeat(1000),
    `{"a":${'['.repeat(1000)}`,
    '{"a"]',
  ];
  for (const text of texts) {
    await assert.rejects(
      listPackages(Buffer.from(text), pause),
      (error) => isAppError(error, 'CONTENT_UNREADABLE'),
      text,
    );
  }
});

test('elements are found wherever they stand in a document, whatever its strings say', async () => {
  const element = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
  const list = fc.array(fc.oneof(element, fc.jsonValue({ maxDepth: 1 })), { maxLength: 5 });
  const other = fc.dictionary(
    fc.constantFrom('x', '"', '\\', 'packages2', '{'),
    fc.jsonValue({ maxDepth: 3 }),
    { maxKeys: 3 },
  );
  const document = fc.tuple(other, list, list, fc.boolean(), fc.constantFrom(undefined, 1, '\t'));
  const isElement = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && !Array.isArray(value);

  // The oracle: JSON.parse of it all.
  await fc.assert(
    fc.asyncProperty(document, async ([more, packages, nested, isFirst, space]) => {
      const own = { packages, predicate: { deeper: { packages: [{ a: 1 }] }, packages: nested } };
      const text = JSON.stringify(isFirst ? { ...own, ...more } : { ...more, ...own }, undefined, space);
      const found: unknown[] = [];

      const { keys } = await scanLists(Buffer.from(text), {
        names: ['packages'],
        inside: 'predicate',
        pause,
        element: (_, json) => void found.push(JSON.parse(json)),
      });

      const expected = [...packages, ...nested].filter(isElement).map((each) => JSON.stringify(each));
      assert.deepEqual(
        found.map((each) => JSON.stringify(each)),
        expected,
      );
      assert.ok(keys.has('packages') && keys.has('predicate'));
    }),
  );
});

test('the config of a chart is told, and anything else is none', () => {
  const chart = parseChart(
    JSON.stringify({
      name: 'web',
      version: '1.2.3',
      appVersion: 4,
      keywords: ['a', null, 7],
      maintainers: [{ name: 'Ann', email: 'a@example.test' }, 'text'],
      dependencies: [{ name: 'db', version: '>1', repository: 'oci://x' }],
      deprecated: 'no',
    }),
  );

  assert.deepEqual(chart, {
    name: 'web',
    version: '1.2.3',
    appVersion: '4',
    isDeprecated: false,
    keywords: ['a', '7'],
    sources: [],
    maintainers: [{ name: 'Ann', email: 'a@example.test' }, { name: '' }],
    dependencies: [{ name: 'db', version: '>1', repository: 'oci://x' }],
  });
  for (const text of ['', 'null', '[]', '{}', '{"name":""}']) assert.equal(parseChart(text), undefined, text);
});
