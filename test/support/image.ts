import { join } from 'node:path';
import { succeed } from './process.ts';

export interface ImageOptions {
  /** A directory (OCI image layout) or a name ending in .tar. */
  readonly out: string;
  /** Name inside; the tag is what `oci:OUT:TAG` takes. */
  readonly ref?: string;
  /** Further layers of random bytes. */
  readonly layers?: number;
  /** Size of each of them in MiB. */
  readonly layerMib?: number;
  /** More than one makes an image index. */
  readonly platforms?: readonly string[];
  readonly compression?: 'gzip' | 'none';
  readonly mediaTypes?: 'oci' | 'docker';
  /** Other bytes, hence other digests. */
  readonly seed?: number;
}

export interface TestImage {
  readonly digest: string;
  readonly out: string;
}

/** Makes a small runnable image without a network: `make-image.sh` says how. Needs busybox. */
export async function makeImage(options: ImageOptions): Promise<TestImage> {
  const { out, ref, layers, layerMib, platforms, compression, mediaTypes, seed } = options;
  const flags: readonly (readonly [string, string | number | undefined])[] = [
    ['-t', ref],
    ['-l', layers],
    ['-s', layerMib],
    ['-p', platforms?.join(',')],
    ['-z', compression],
    ['-m', mediaTypes],
    ['-x', seed],
  ];
  const args = flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]));
  const printed = await succeed('bash', [join(import.meta.dirname, 'make-image.sh'), ...args, out]);
  return { digest: printed.slice(0, printed.indexOf(' ')), out };
}
