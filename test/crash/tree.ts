import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { request } from '../support/http.ts';

/** What a crash must never leave: a file of content or a link that is empty or is not what its name says. */
export async function brokenFiles(dataDir: string): Promise<readonly string[]> {
  const entries = await readdir(join(dataDir, 'docker'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes('/_uploads/'));
  const broken = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      const bytes = await readFile(path);
      const hex = parentPath.split('/').at(-1);
      const isWhole =
        name === 'link'
          ? new RegExp(hex === 'current' ? '^sha256:[0-9a-f]{64}$' : `^sha256:${hex}$`).test(String(bytes))
          : createHash('sha256').update(bytes).digest('hex') === hex;
      return isWhole ? [] : [relative(dataDir, path)];
    }),
  );
  return broken.flat();
}

/** What a tag means on the disk; `undefined` for an absent one. */
export async function meaningOf(dataDir: string, name: string, tag: string): Promise<string | undefined> {
  const link = join(dataDir, `docker/registry/v2/repositories/${name}/_manifests/tags/${tag}/current/link`);
  return await readFile(link, 'utf8').catch(() => undefined);
}

/** True if a tag and its manifest are whole on the disk. */
export async function isStored(dataDir: string, name: string, tag: string): Promise<boolean> {
  const digest = (await meaningOf(dataDir, name, tag)) ?? '';
  const hex = digest.slice('sha256:'.length);
  const data = join(dataDir, `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`);
  const bytes = await readFile(data).catch(() => undefined);
  return bytes !== undefined && digestOf(bytes) === digest;
}

/** The tags of a repository that cannot be pulled whole: manifest, config or a layer is missing or damaged. */
export async function unreadableTags(url: string, name: string): Promise<readonly string[]> {
  const list = await request(url, { path: `/v2/${name}/tags/list` });
  if (list.status === 404) return [];
  const { tags } = list.json() as { tags: readonly string[] };
  const unreadable = await Promise.all(
    tags.map(async (tag) => ((await isReadable(url, name, tag)) ? [] : [tag])),
  );
  return unreadable.flat();
}

/** True if a manifest, what it lists and all of its blobs can be pulled and are what their digests say. */
export async function isReadable(url: string, name: string, reference: string): Promise<boolean> {
  const { status, headers, body } = await request(url, { path: `/v2/${name}/manifests/${reference}` });
  if (status !== 200 || headers['docker-content-digest'] !== digestOf(body)) return false;
  const parsed = JSON.parse(String(body)) as {
    config?: { digest: string };
    layers?: readonly { digest: string }[];
    manifests?: readonly { digest: string }[];
  };
  const { config, layers = [], manifests = [] } = parsed;
  for (const { digest } of manifests) if (!(await isReadable(url, name, digest))) return false;
  const found = await Promise.all(
    [...(config === undefined ? [] : [config]), ...layers].map(async ({ digest }) => {
      const blob = await request(url, { path: `/v2/${name}/blobs/${digest}` }).catch(() => undefined);
      return blob?.status === 200 && digestOf(blob.body) === digest;
    }),
  );
  return found.every(Boolean);
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
