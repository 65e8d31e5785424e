/**
 * A disk with so much room and no more: whatever a push still finds, it is taken whole or refused in words and leaves nothing,
 * pulls go on, and with room again pushes do, without a restart. FULL_DISK_STRIDE: every so manieth level is tried.
 */
import assert from 'node:assert/strict';
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../../registry/disk/private-file.ts';
import { digestOf, ociManifest, pushImage } from '../compat/content.ts';
import { brokenFiles, isReadable, unreadableTags } from '../crash/tree.ts';
import { request } from '../support/http.ts';
import { startRegistry } from '../support/registry.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { needs } from '../support/tools.ts';

const stride = Number(process.env['FULL_DISK_STRIDE'] ?? 14);
const name = 'team/app';
const pageBytes = 4096;
const layerBytes = 60 * pageBytes;

interface Fullness {
  readonly kind: string;
  /** Levels of free room that are tried, 0 the lowest. */
  readonly levels: number;
  readonly options: string;
  /** Leaves so much room. */
  readonly fill: (folder: string, level: number) => Promise<void>;
}

const kinds: readonly Fullness[] = [
  {
    kind: 'pages',
    levels: 100,
    options: 'size=32m',
    async fill(folder, level) {
      const filler = join(folder, 'filler');
      for (let isFull = false; !isFull;) {
        const { bavail, bsize } = await statfs(folder);
        try {
          await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - level * pageBytes)));
          isFull = true;
        } catch (error) {
          // The registry has written meanwhile.
          if (systemCode(error) !== 'ENOSPC') throw error;
          await rm(filler);
        }
      }
    },
  },
  {
    kind: 'inodes',
    levels: 20,
    options: 'size=32m,nr_inodes=1500',
    async fill(folder, level) {
      // The registry makes files and removes them meanwhile.
      for (let at = 0; (await statfs(folder)).ffree > level; at++)
        await writeFile(join(folder, `${at}`), '').catch(() => undefined);
    },
  },
];

for (const { kind, levels, options, fill } of kinds) {
  test(
    `a push that finds 0 to ${levels - 1} free ${kind} is whole or refused in words`,
    needs('root'),
    async (t) => {
      await using disk = await mountSmallDisk(options);
      const dataDir = join(disk.path, 'data');
      const filled = join(disk.path, 'full');
      // Without a reserve the disk itself says that it is full.
      const env = { BERTH_STORAGE_RESERVE_BYTES: '0', BERTH_STORAGE_RESERVE_PERCENT: '0' };
      await using registry = await startRegistry({ dataDir, env });
      const url = registry.plainUrl;
      await pushImage(url, { name, tag: 'kept', layers: ['kept'] });
      const counts = { tried: 0, refused: 0, taken: 0, pulled: 0, again: 0 };
      const wrong: string[] = [];
      for (let level = 0; level < levels; level += kind === 'inodes' ? Math.ceil(stride / 4) : stride) {
        counts.tried++;
        await mkdir(filled);
        await fill(filled, level);

        const outcome = await push(url, `${kind}${level}`);
        if (outcome === '201') counts.taken++;
        else if (outcome.startsWith('403 DENIED The disk of the registry is full')) counts.refused++;
        else wrong.push(`${level}: ${outcome}`);
        if (await isReadable(url, name, 'kept')) counts.pulled++;
        const left = await leftovers(dataDir);
        await rm(filled, { recursive: true });

        const again = await push(url, `${kind}${level}`);
        if (again === '201') counts.again++;
        else wrong.push(`${level}, with room again: ${again}`);
        if (left.length > 0) wrong.push(`${level} leaves ${left.join(' ')}`);
      }
      assert.deepEqual(wrong, []);
      assert.deepEqual(await brokenFiles(dataDir), []);
      assert.deepEqual(await unreadableTags(url, name), []);
      assert.deepEqual([counts.pulled, counts.again], [counts.tried, counts.tried]);
      t.diagnostic(
        `${counts.tried} levels of free ${kind}: ${counts.refused} pushes refused with 403 DENIED, ${counts.taken} taken whole, ${counts.pulled} of ${counts.tried} pulls whole, ${counts.again} of ${counts.tried} pushes taken with room again, 0 files left over`,
      );
      assert.ok(counts.refused > 0, 'no push met a full disk');
    },
  );
}

/** Pushes an image with a new layer; answers `201`, or status, code and sentence of the first refusal. */
async function push(url: string, tag: string): Promise<string> {
  const parts = [JSON.stringify({ tag }), tag.padEnd(layerBytes)];
  for (const body of parts) {
    const path = `/v2/${name}/blobs/uploads/?digest=${digestOf(body)}`;
    const type = 'application/octet-stream';
    const outcome = await send(url, { method: 'POST', path, body, headers: { 'content-type': type } });
    if (outcome !== '201') return outcome;
  }
  const [config, layer] = parts.map((bytes, at) => ({
    mediaType: `application/vnd.oci.image.${at === 0 ? 'config.v1+json' : 'layer.v1.tar'}`,
    digest: digestOf(bytes),
    size: bytes.length,
  }));
  const body = JSON.stringify({ schemaVersion: 2, mediaType: ociManifest, config, layers: [layer] });
  const path = `/v2/${name}/manifests/${tag}`;
  return await send(url, { method: 'PUT', path, body, headers: { 'content-type': ociManifest } });
}

async function send(url: string, options: Parameters<typeof request>[1]): Promise<string> {
  const answer = await request(url, options);
  if (answer.status === 201) return '201';
  const { errors } = answer.json() as { errors: readonly [{ code: string; message: string }] };
  return `${answer.status} ${errors[0].code} ${errors[0].message}`;
}

/** Unfinished uploads and files that are there after a minute at most, at once where there are none. */
async function leftovers(dataDir: string): Promise<readonly string[]> {
  for (const deadline = performance.now() + 60_000; ; await delay(100)) {
    const entries = await readdir(dataDir, { recursive: true, withFileTypes: true });
    const left = entries
      .filter((each) => each.isFile())
      .map((each) => join(each.parentPath, each.name).slice(dataDir.length + 1))
      .filter((path) => path.includes('/_uploads/') || path.includes('berth/tmp/') || path.endsWith('.tmp'));
    if (left.length === 0 || performance.now() > deadline) return left;
  }
}
