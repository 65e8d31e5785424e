/**
 * A data directory with many tags, faster than by pushing them. Each tag has a manifest, a config and a layer of its own;
 * layers are sparse files. As a program: node tree.ts DIRECTORY LARGE OTHERS
 */
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The repository that holds many of the tags: `t0`, `t1` and so on. */
export const large = 'large/app';
const layerBytes = 1024 * 1024;
const mediaType = 'application/vnd.oci.image.manifest.v1+json';

/** Writes what distribution would have written, without its fsyncs: tags of `large`, and of repositories of five. */
export function makeTree(dataDir: string, tags: { readonly large: number; readonly others: number }): void {
  const base = join(dataDir, 'docker/registry/v2');
  const write = (path: string, content: string): void => {
    mkdirSync(join(base, path, '..'), { recursive: true });
    writeFileSync(join(base, path), content);
  };
  const link = (path: string, digest: string): void =>
    write(`${path}/${digest.replace(':', '/')}/link`, digest);
  for (let at = 0; at < tags.large + tags.others; at += 1) {
    const isLarge = at < tags.large;
    const app = Math.floor((at - tags.large) / 5);
    const repository = isLarge ? large : `team${app % 97}/app${app}`;
    const tag = `t${isLarge ? at : at % 5}`;
    const config = `{"architecture":"amd64","os":"linux","n":${at}}`;
    const configDigest = digestOf(config);
    const layer = digestOf(`layer ${at}`);
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: configDigest,
        size: config.length,
      },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer, size: layerBytes }],
    });
    const digest = digestOf(manifest);
    write(blobPath(configDigest), config);
    write(blobPath(digest), manifest);
    write(blobPath(layer), '');
    const file = openSync(join(base, blobPath(layer)), 'r+');
    ftruncateSync(file, layerBytes);
    closeSync(file);
    const root = `repositories/${repository}`;
    for (const each of [configDigest, layer]) link(`${root}/_layers`, each);
    link(`${root}/_manifests/revisions`, digest);
    link(`${root}/_manifests/tags/${tag}/index`, digest);
    write(`${root}/_manifests/tags/${tag}/current/link`, digest);
  }
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function blobPath(digest: string): string {
  const hex = digest.slice(7);
  return `blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
}

if (import.meta.main) {
  const [dataDir = '', ofLarge = '', ofOthers = ''] = process.argv.slice(2);
  makeTree(dataDir, { large: Number(ofLarge), others: Number(ofOthers) });
}
