import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { type Details, type TagNode, tagNodesOf } from './tag-nodes.ts';

const rows = ['latest@a', '1.1@b', '1.0@a'].map(rowOf);
const details = new Map<string, Details>([
  [
    '1.1',
    {
      platforms: [
        { digest: 'sha256:amd', platform: 'linux/amd64', isAttestation: false },
        { digest: 'sha256:att', platform: 'unknown/unknown', isAttestation: true },
      ],
      referrers: [
        {
          digest: 'sha256:sig',
          mediaType: '',
          kind: 'signature',
          totalBytes: 1,
          pushedAt: '',
          annotations: {},
          referrerCount: 0,
        },
      ],
    },
  ],
]);

test('an open tag has its platforms, then what is attached, below it', () => {
  const nodes = tagNodesOf({ rows, details, isGrouped: false, closed: new Set() });

  assert.deepEqual(nodes.map(lineOf), [
    '1 tag latest',
    '1 tag 1.1 open',
    '2 platform 1.1 0 sha256:amd',
    '2 platform 1.1 1 sha256:att',
    '2 attached 1.1 sha256:sig',
    '1 tag 1.0',
  ]);
  assert.equal(new Set(nodes.map(({ key }) => key)).size, nodes.length);
});

test('tags of one digest are grouped in the order of the first of each', () => {
  const grouped = (closed: readonly string[]) =>
    tagNodesOf({ rows, details: new Map(), isGrouped: true, closed: new Set(closed) }).map(lineOf);

  assert.deepEqual(grouped([]), ['1 group sha256:a open', '2 tag latest', '2 tag 1.0', '1 tag 1.1']);
  assert.deepEqual(grouped(['sha256:a']), ['1 group sha256:a', '1 tag 1.1']);
});

test('what is not known yet, or cannot be, is one line', () => {
  const note = { platforms: [], referrers: [], note: 'It is gone.' };
  const input = { rows: rows.slice(0, 1), isGrouped: false, closed: new Set<string>() };

  assert.deepEqual(
    [note, { platforms: [], referrers: [] }].map((each) =>
      tagNodesOf({ ...input, details: new Map([['latest', each]]) }).map((node) =>
        node.kind === 'note' ? node.text : node.kind,
      ),
    ),
    [
      ['tag', 'It is gone.'],
      ['tag', 'Nothing is below it.'],
    ],
  );
});

function lineOf(node: TagNode): string {
  const isOpen = 'isExpanded' in node && node.isExpanded;
  return `${node.level} ${node.kind} ${node.key}${isOpen ? ' open' : ''}`;
}

function rowOf(text: string): TagRow {
  const [tag = '', digest = ''] = text.split('@');
  return {
    repository: 'api',
    tag,
    digest: `sha256:${digest}`,
    mediaType: '',
    kind: 'image',
    digestTags: 1,
    isFallback: false,
    hasSignature: false,
    hasSbom: false,
    hasProvenance: false,
    platforms: [],
    totalBytes: 1,
    pushedAt: '2026-01-01T00:00:00Z',
    pullCount: 0,
    pulls30d: [],
  };
}
