/** The names that images of a file get: their own, below a prefix, or new ones. */
import type { ImageRow } from '../../../registry/spec/admin/transfer.ts';
import { parseImageReference } from '../../../registry/spec/image-reference.ts';
import { parseRepoName } from '../../../registry/spec/names.ts';
import { shellLine } from '../../shell.ts';

/** What somebody has written: a prefix for all, and names for some, by their place in the list. */
export interface Naming {
  readonly prefix: string;
  readonly names: Readonly<Record<number, string | undefined>>;
}

interface Rename {
  readonly from: string;
  readonly to: string;
}

/** What an image is called without a rename; empty for one that the file does not name. */
export function nameOf({ repository, tag, digest }: ImageRow, prefix: string): string {
  if (repository === undefined) return '';
  const below = prefix === '' ? repository : `${prefix}/${repository}`;
  return tag === undefined ? `${below}@${digest}` : `${below}:${tag}`;
}

/** The renames that the control plane is told. */
export function renamesOf(images: readonly ImageRow[], { prefix, names }: Naming): readonly Rename[] {
  return images.flatMap((image, index) => {
    const to = names[index];
    if (to === undefined || to === '' || to === nameOf(image, prefix)) return [];
    return [{ from: image.name ?? image.digest, to }];
  });
}

/** True for what can be a prefix, or is none. */
export function isPrefix(text: string): boolean {
  return text === '' || parseRepoName(text) !== undefined;
}

/** True for a name that says where an image goes. */
export function isName(text: string): boolean {
  const found = parseImageReference(text);
  return found !== undefined && (found.tag !== undefined || found.digest !== undefined);
}

/** How the command line does the same. */
export function importLine(file: string, images: readonly ImageRow[], naming: Naming): string {
  const { prefix } = naming;
  const renames = renamesOf(images, naming).map(({ from, to }) => `${from}=${to}`);
  return shellLine(
    'berth',
    'import',
    file,
    ...(prefix === '' ? [] : ['--into', prefix]),
    ...(renames.length === 0 ? [] : ['--rename', ...renames]),
  );
}
