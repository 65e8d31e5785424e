import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '../spec/digest.ts';
import type { Happening } from '../spec/webhook.ts';
import { eventOf } from './event.ts';

const digest = `sha256:${'a'.repeat(64)}` as Digest;
const source = { address: 'host:5443', instanceId: 'i', origin: 'https://registry.example/prefix' };
const at = new Date(0);
const manifest = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const layer = { mediaType: 'l', digest, size: 3, annotations: { a: 'b' }, data: 'e30=' };

function told(happening: Partial<Happening>, includesReferences = true): Readonly<Record<string, unknown>> {
  const all: Happening = {
    action: 'push',
    kind: 'manifest',
    actor: { user: '', requestId: 'r' },
    repository: 'a/b',
    ...happening,
  };
  return JSON.parse(JSON.stringify(eventOf(all, source, { at, includesReferences }))) as Record<
    string,
    unknown
  >;
}

const cases: Readonly<
  Record<string, { readonly of: Partial<Happening>; readonly target: Readonly<Record<string, unknown>> }>
> = {
  'a manifest links to itself and names what it refers to': {
    of: { digest, mediaType: 'm', size: 9, tag: 't', manifest: manifest({ config: layer, layers: [layer] }) },
    target: {
      mediaType: 'm',
      size: 9,
      digest,
      length: 9,
      repository: 'a/b',
      url: `https://registry.example/prefix/v2/a/b/manifests/${digest}`,
      tag: 't',
      references: [
        { mediaType: 'l', size: 3, digest, annotations: { a: 'b' } },
        { mediaType: 'l', size: 3, digest, annotations: { a: 'b' } },
      ],
    },
  },
  'an index names its manifests': {
    of: { digest, mediaType: 'i', manifest: manifest({ manifests: [layer], layers: null }) },
    target: {
      mediaType: 'i',
      digest,
      repository: 'a/b',
      url: `https://registry.example/prefix/v2/a/b/manifests/${digest}`,
      references: [{ mediaType: 'l', size: 3, digest, annotations: { a: 'b' } }],
    },
  },
  'a manifest of another registry that cannot be read is told without': {
    of: { digest, mediaType: 'm', manifest: Buffer.from('{') },
    target: {
      mediaType: 'm',
      digest,
      repository: 'a/b',
      url: `https://registry.example/prefix/v2/a/b/manifests/${digest}`,
    },
  },
  'an empty blob has no size': {
    of: { kind: 'blob', digest, size: 0 },
    target: {
      mediaType: 'application/octet-stream',
      digest,
      repository: 'a/b',
      url: `https://registry.example/prefix/v2/a/b/blobs/${digest}`,
    },
  },
  'a delete has no link': {
    of: { action: 'delete', kind: 'blob', digest },
    target: { digest, repository: 'a/b' },
  },
  'a deleted tag is named alone': {
    of: { action: 'delete', kind: 'tag', tag: 't' },
    target: { repository: 'a/b', tag: 't' },
  },
};

for (const [name, { of, target }] of Object.entries(cases)) {
  test(name, () => {
    assert.deepEqual(told(of)['target'], target);
  });
}

test('who asked and how is told as far as it is known', () => {
  const actor = {
    user: 'anna',
    requestId: 'r',
    address: '192.0.2.1',
    host: 'registry.example',
    method: 'PUT',
    client: 'c/1',
  };

  const [byClient, byOwner] = [told({ digest, actor }), told({ digest })];

  assert.deepEqual(
    [byClient['request'], byClient['actor']],
    [
      { id: 'r', addr: '192.0.2.1', host: 'registry.example', method: 'PUT', useragent: 'c/1' },
      { name: 'anna' },
    ],
  );
  assert.deepEqual([byOwner['request'], byOwner['actor']], [{ id: 'r', method: '', useragent: '' }, {}]);
});

test('references are left out unless they are asked for', () => {
  const { target } = told({ digest, mediaType: 'm', manifest: manifest({ config: layer }) }, false);

  assert.equal(Object.hasOwn(target as object, 'references'), false);
});
