/** Bundles that are broken, cut off, or made to harm: each is refused with a sentence, and no tag is set. */
import assert from 'node:assert/strict';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '../spec/errors.ts';
import { mediaTypes } from '../spec/media-types.ts';
import { descriptorOf, keysBelow, manifestOf, sha } from '../store/store.suite.ts';
import { blobName } from './images.ts';
import { archiveEnd, fileHeader } from '../archive/tar-format.ts';
import { headerWith, layoutOf, type Member, openBench, tarOf, visible } from './transfer.suite.ts';

const config = 'a config';
const layer = 'a layer';
const manifest = manifestOf({ config: descriptorOf(config), layers: [descriptorOf(layer)] });
const named = { annotations: { 'org.opencontainers.image.ref.name': 'team/app:1' } };
const root = descriptorOf(manifest, { mediaType: mediaTypes.ociManifest, ...named });
const good = layoutOf({ manifests: [root] }, [manifest, config, layer]);
const rows = (index: object, blobs: readonly (Uint8Array | string)[] = [manifest, config, layer]) =>
  tarOf(layoutOf(index, blobs));

/** A bundle of one image whose manifest is this. */
function ofManifest(bytes: Buffer, mediaType: string = mediaTypes.ociManifest): Buffer {
  return rows({ manifests: [descriptorOf(bytes, { mediaType, ...named })] }, [bytes, config, layer]);
}

function without(name: string): readonly Member[] {
  return good.filter((member) => member.name !== name);
}

function instead(name: string, member: Partial<Member>): readonly Member[] {
  return good.map((each) => (each.name === name ? { ...each, ...member } : each));
}

const whole = tarOf(good);
const base256 = Buffer.from('8000000000ffffffffffffff', 'hex');

const table: readonly {
  readonly name: string;
  readonly file: Uint8Array;
  readonly says: RegExp;
  readonly code?: ErrorCode;
}[] = [
  { name: 'nothing', file: Buffer.of(), says: /the file is no archive\.$/ },
  { name: 'text', file: Buffer.alloc(2000, 'not a tar'), says: /has a header that is no tar header\.$/ },
  {
    name: 'zeros',
    file: Buffer.alloc(10_240),
    says: /the file has neither oci-layout nor manifest\.json\.$/,
  },
  { name: 'cut off in a member', file: whole.subarray(0, 1600), says: / is cut off\.$/ },
  { name: 'cut off at its end', file: whole.subarray(0, -1024), says: /the archive is cut off\.$/ },
  {
    name: 'a checksum that is wrong',
    file: Buffer.concat([whole.subarray(0, 3), Buffer.of(1), whole.subarray(4)]),
    says: /the file is no archive, or its first member has a header whose checksum is wrong\.$/,
  },
  {
    name: 'a parent directory',
    file: tarOf([...good, { name: '../../etc/cron.d/x' }]),
    says: /\.\.\/\.\.\/etc\/cron\.d\/x has a name that leads out of the archive\.$/,
  },
  {
    name: 'a parent directory inside',
    file: tarOf([...good, { name: 'blobs/../../x' }]),
    says: /leads out of the archive\.$/,
  },
  {
    name: 'an absolute name',
    file: tarOf([...good, { name: '/etc/passwd' }]),
    says: /\/etc\/passwd has a name that leads out/,
  },
  { name: 'an empty name', file: tarOf([...good, { name: '' }]), says: /leads out of the archive\.$/ },
  {
    name: 'a link out of the archive',
    file: tarOf([
      ...without('index.json'),
      { name: 'index.json', header: headerWith('index.json', { type: '2', link: '/etc/passwd' }) },
    ]),
    says: /index\.json is a link that leads out of the archive\.$/,
  },
  {
    name: 'a link to a parent',
    file: tarOf([...good, { name: 'x', header: headerWith('a/x', { type: '2', link: '../../x' }) }]),
    says: /a\/x is a link that leads out of the archive\.$/,
  },
  {
    name: 'a link to itself',
    file: tarOf([
      ...without('index.json'),
      { name: 'index.json', header: headerWith('index.json', { type: '2', link: 'index.json' }) },
    ]),
    says: /index\.json is a link that leads to no file\.$/,
  },
  {
    name: 'a hard link',
    file: tarOf([...good, { name: 'x', header: headerWith('x', { type: '1', link: 'index.json' }) }]),
    says: /x is neither a file, nor a directory, nor a symbolic link\.$/,
  },
  {
    name: 'a device',
    file: tarOf([...good, { name: 'x', header: headerWith('x', { type: '3' }) }]),
    says: /x is neither a file/,
  },
  {
    name: 'a GNU sparse file',
    file: tarOf([...good, { name: 'x', header: headerWith('x', { type: 'S' }) }]),
    says: /x is neither a file/,
  },
  {
    name: 'a size beyond the file',
    file: tarOf([...good, { name: 'x', header: headerWith('x', { size: 8 ** 11 - 1 }) }]),
    says: /x is cut off\.$/,
  },
  {
    name: 'a size that no number holds',
    file: tarOf([...good, { name: 'x', header: headerWith('x', { raw: [[124, base256]] }) }]),
    says: /has a size that no file has\.$/,
  },
  {
    name: 'a pax size that no file has',
    file: tarOf([
      { name: 'x', header: headerWith('x', { type: 'x', size: 16 }), bytes: '16 size=1234567\n' },
      ...good,
    ]),
    says: /oci-layout is cut off\.$/,
  },
  {
    name: 'a pax size that is no number',
    file: tarOf([
      { name: 'x', header: headerWith('x', { type: 'x', size: 13 }), bytes: '13 size=9e99\n' },
      ...good,
    ]),
    says: /has a size that no file has\.$/,
  },
  {
    name: 'a broken pax header',
    file: tarOf([
      { name: 'x', header: headerWith('x', { type: 'x', size: 12 }), bytes: '99 path=abc\n' },
      ...good,
    ]),
    says: /x has a broken extended header\.$/,
  },
  {
    name: 'a pax header without an end',
    file: tarOf([
      { name: 'x', header: headerWith('x', { type: 'x', size: 2 ** 21 }), bytes: Buffer.alloc(2 ** 21) },
      ...good,
    ]),
    says: /x is too long for an extended header\.$/,
  },
  { name: 'a member twice', file: tarOf([...good, ...good]), says: /oci-layout is in the archive twice\.$/ },
  {
    name: 'control characters in a name',
    file: tarOf([...good, { name: '../\u001b]0;x\u0007\u009b1m' }]),
    says: /: \.\.\/\?\]0;x\?\?1m has a name/,
  },
  {
    name: 'a layout of another version',
    file: tarOf(instead('oci-layout', { bytes: '{"imageLayoutVersion":"2.0.0"}' })),
    says: /oci-layout is of a version/,
  },
  { name: 'no index', file: tarOf(without('index.json')), says: /neither oci-layout nor manifest\.json\.$/ },
  {
    name: 'an index that is no JSON',
    file: tarOf(instead('index.json', { bytes: '{' })),
    says: /index\.json cannot be read: The manifest is not valid\. It is not JSON\.$/,
  },
  {
    name: 'an index of a prototype',
    file: rows({ manifests: [{ ...root, digest: '__proto__' }] }),
    says: /index\.json cannot be read: .*no valid sha256 or sha512 digest\.$/,
  },
  {
    name: 'an index with a path for a digest',
    file: rows({ manifests: [{ ...root, digest: `sha256:../../${'0'.repeat(58)}` }] }),
    says: /no valid sha256 or sha512 digest\.$/,
  },
  {
    name: 'an index of two images with one name',
    file: rows(
      {
        manifests: [
          root,
          {
            ...root,
            ...descriptorOf(manifestOf({ config: descriptorOf(config) })),
            mediaType: mediaTypes.ociManifest,
          },
        ],
      },
      [manifest, manifestOf({ config: descriptorOf(config) }), config, layer],
    ),
    says: /team\/app:1 is the name of two images/,
  },
  {
    name: 'a name for another digest',
    file: rows({
      manifests: [
        {
          ...root,
          annotations: { 'org.opencontainers.image.ref.name': `team/app@sha256:${'0'.repeat(64)}` },
        },
      ],
    }),
    says: /names the image sha256:/,
  },
  {
    name: 'a manifest that is missing',
    file: rows({ manifests: [root] }, [config, layer]),
    says: /blobs\/sha256\/[0-9a-f]{64} is named by index\.json and is not there\.$/,
  },
  {
    name: 'a manifest of other bytes',
    file: tarOf(instead(blobName(sha(manifest)), { bytes: manifestOf({}) })),
    says: /blobs\/sha256\/[0-9a-f]{64} has the digest sha256:/,
  },
  {
    name: 'a manifest that a push is refused with',
    file: ofManifest(manifestOf({ layers: [descriptorOf(layer)] })),
    says: /is refused: The manifest is not valid\. config must be a descriptor\.$/,
  },
  {
    name: 'a manifest with a key twice',
    file: ofManifest(Buffer.from(String(manifest).replace('{', '{"schemaVersion":2,'))),
    says: /An object has the same key twice\.$/,
  },
  {
    name: 'a layer of other bytes',
    file: tarOf(instead(blobName(sha(layer)), { bytes: 'b layer' })),
    says: new RegExp(`${blobName(sha(layer))} is damaged: its bytes are not those of its digest\\.$`),
  },
  {
    name: 'a layer of another length',
    file: tarOf(instead(blobName(sha(layer)), { bytes: 'layers' })),
    says: /has 6 bytes, and a manifest says 7\.$/,
  },
  {
    name: 'a layer that is missing',
    file: tarOf(without(blobName(sha(layer)))),
    says: /^The bundle lacks content that its images need: sha256:/,
    code: 'BUNDLE_INCOMPLETE',
  },
  {
    name: 'a child that is missing',
    file: ofManifest(
      manifestOf({ manifests: [descriptorOf('gone', { mediaType: mediaTypes.ociManifest })] }),
      mediaTypes.ociIndex,
    ),
    says: /does not have sha256:.* Push it first\.$/,
    code: 'MANIFEST_BLOB_UNKNOWN',
  },
  { name: 'indexes without an end', file: nestedIndexes(40), says: /is an index in too many others\.$/ },
  {
    name: 'an old docker save',
    file: tarOf([{ name: 'repositories', bytes: '{}' }]),
    says: /neither oci-layout nor manifest\.json\.$/,
  },
  {
    name: 'a list that is none',
    file: tarOf([{ name: 'manifest.json', bytes: '[{"Config":1}]' }]),
    says: /manifest\.json is no list of images\.$/,
  },
  {
    name: 'a list of a file outside',
    file: tarOf([
      { name: 'manifest.json', bytes: '[{"Config":"../../etc/passwd","RepoTags":null,"Layers":[]}]' },
    ]),
    says: /\.\.\/\.\.\/etc\/passwd is named by manifest\.json and is not there\.$/,
  },
  {
    name: 'a config without layers',
    file: saved({ config: '{}' }),
    says: /c\.json does not list the 1 layers that manifest\.json names\.$/,
  },
  {
    name: 'a layer that is not in its config',
    file: saved({ bytes: 'another' }),
    says: /l\/layer\.tar is damaged/,
  },
  {
    name: 'a gzip that is cut off',
    file: gzipSync(whole).subarray(0, 300),
    says: /the compressed file is cut off or damaged\.$/,
  },
  { name: 'a gzip of text', file: gzipSync('text'), says: /the file is no archive\.$/ },
];

function nestedIndexes(depth: number): Buffer {
  const blobs: Buffer[] = [manifest];
  for (let at = 0; at < depth; at++) {
    const inner = blobs.at(-1) ?? manifest;
    blobs.push(
      manifestOf({
        manifests: [
          descriptorOf(inner, { mediaType: at === 0 ? mediaTypes.ociManifest : mediaTypes.ociIndex }),
        ],
      }),
    );
  }
  const outer = blobs.at(-1) ?? manifest;
  return rows({ manifests: [descriptorOf(outer, { mediaType: mediaTypes.ociIndex, ...named })] }, [
    ...blobs,
    config,
    layer,
  ]);
}

/** What docker save wrote before version 25, with faults. */
function saved({
  config: text = JSON.stringify({ rootfs: { diff_ids: [sha(layer)] } }),
  bytes = layer,
}): Buffer {
  return tarOf([
    {
      name: 'manifest.json',
      bytes: JSON.stringify([{ Config: 'c.json', RepoTags: ['app:1'], Layers: ['l/layer.tar'] }]),
    },
    { name: 'c.json', bytes: text },
    { name: 'l/layer.tar', bytes },
  ]);
}

suite('a bundle that is', () => {
  for (const { name, file, says, code = 'BUNDLE_INVALID' } of table) {
    test(`${name} is refused`, async () => {
      await using bench = await openBench();
      const open = await bench.open();
      const path = await bench.write(file);

      await assert.rejects(bench.importFrom(open, path), { code, message: says });

      const keys = await keysBelow(open.driver, '');
      assert.deepEqual(
        keys.filter((key) => key.includes('/tags/') || key.includes('_uploads')),
        [],
      );
    });
  }

  test('whole is taken: as it is, packed, below a dot, with long names, and as a directory', async () => {
    await using bench = await openBench();
    const dotted = good.map((member) => ({ ...member, name: `./${member.name}` }));
    const directory = join(bench.folder, 'layout');
    await mkdir(join(directory, 'blobs/sha256'), { recursive: true });
    for (const { name, bytes = '' } of good) await writeFile(join(directory, name), bytes);
    const paths = [
      await bench.write(whole),
      await bench.write(gzipSync(whole)),
      await bench.write(tarOf([{ name: './', header: headerWith('./', { type: '5' }) }, ...dotted])),
      await bench.write(tarOf([{ name: `${'long/'.repeat(60)}x`, bytes: 'x' }, ...good])),
      directory,
    ];

    const found = [];
    for (const path of paths) {
      const open = await bench.open();
      const { kind, isCompressed } = await bench.importFrom(open, path);
      found.push([kind, isCompressed, Object.keys(await visible(open))]);
    }

    assert.deepEqual(found, [
      ['oci-archive', false, ['team/app']],
      ['oci-archive', true, ['team/app']],
      ['oci-archive', false, ['team/app']],
      ['oci-archive', false, ['team/app']],
      ['oci-directory', false, ['team/app']],
    ]);
  });

  test('a directory with a link in it is refused', async () => {
    await using bench = await openBench();
    const open = await bench.open();
    const directory = join(bench.folder, 'layout');
    await mkdir(join(directory, 'elsewhere'), { recursive: true });
    for (const { name, bytes = '' } of good.slice(0, 2)) await writeFile(join(directory, name), bytes);
    for (const { name, bytes = '' } of good.slice(2)) {
      await writeFile(join(directory, 'elsewhere', name.split('/').at(-1) ?? ''), bytes);
    }
    await mkdir(join(directory, 'blobs'));
    await symlink(join(directory, 'elsewhere'), join(directory, 'blobs/sha256'));

    await assert.rejects(bench.importFrom(open, directory), {
      code: 'BUNDLE_INVALID',
      message: /is no file of the directory itself\.$/,
    });
  });

  test('a pack that does not end is stopped where the room ends, and nothing of it stays', async () => {
    await using bench = await openBench();
    const open = await bench.open();
    const path = await bench.write(gzipSync(Buffer.alloc(200 * 1024 * 1024)));
    let looks = 0;
    const tempDirectory = join(bench.folder, 'tmp');

    const stopped = bench.importFrom(open, path, {
      tempDirectory,
      async checkRoom() {
        if (++looks === 3) throw Object.assign(new Error('full'), { code: 'FULL' });
      },
    });

    await assert.rejects(stopped, { code: 'FULL' });
    assert.deepEqual(await readdir(tempDirectory), []);
  });

  test('a path that is no file is refused', async () => {
    await using bench = await openBench();
    const open = await bench.open();

    for (const [path, message] of [
      [join(bench.folder, 'gone'), /cannot read ".*gone": ENOENT\.$/],
      ['/dev/zero', /"\/dev\/zero" is neither a file nor a directory\.$/],
      [bench.folder, /the directory has neither oci-layout nor manifest\.json\.$/],
    ] as const) {
      await assert.rejects(bench.importFrom(open, path), { message });
    }
  });
});

test('members larger than a tar number, and longer than a tar name, get a pax header that is read back', () => {
  const size = 8 ** 11;

  const header = fileHeader(`blobs/sha512/${'a'.repeat(128)}`, size);

  assert.equal(header.length, 1536);
  assert.match(header.toString('latin1'), /\d+ path=blobs\/sha512\/a{128}\n\d+ size=8589934592\n/);
  assert.equal(archiveEnd.length, 1024);
});
