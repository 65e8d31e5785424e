/** Raw texts, made readable, and cut where a digest leads on. */
import type { ImageDetail } from '../../../registry/spec/admin/image.ts';
import { hrefOf } from '../../route.ts';

/** JSON with an indent; everything else as it is. Numbers too large for JavaScript would change: those stay, too. */
export function prettyPrint(text: string): string {
  try {
    const pretty = JSON.stringify(JSON.parse(text), undefined, 2);
    return withoutSpace(pretty) === withoutSpace(text) ? pretty : text;
  } catch {
    return text;
  }
}

/** Two notations of one value, `é` and `\u00e9`, are the same text afterwards, two values are not. */
function withoutSpace(text: string): string {
  return text
    .replaceAll(/\\u([0-9a-fA-F]{4})/g, (whole, hex: string) => {
      const letter = String.fromCharCode(Number.parseInt(hex, 16));
      return letter < ' ' || letter === '"' || letter === '\\' ? whole : letter;
    })
    .replaceAll(/\s|\\\//g, (match) => (match === '\\/' ? '/' : ''));
}

export interface TextPiece {
  readonly text: string;
  readonly href?: string;
}

/** The text in pieces: digests that lead somewhere, and what stands between them. */
export function cutAtDigests(text: string, links: ReadonlyMap<string, string>): readonly TextPiece[] {
  const pieces: TextPiece[] = [];
  let end = 0;
  for (const { 0: digest, index } of text.matchAll(
    /sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})(?![0-9a-f])/g,
  )) {
    const href = links.get(digest);
    if (href === undefined) continue;
    if (index > end) pieces.push({ text: text.slice(end, index) });
    pieces.push({ text: digest, href });
    end = index + digest.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

/** Where the digests of an image lead: to another manifest, to the config, to the files of a layer. */
export function linksOf(
  { repository, digest, children, manifest, layers }: ImageDetail,
  reference: string,
  platform: string,
): ReadonlyMap<string, string> {
  const params: Readonly<Record<string, string>> = platform === '' ? {} : { platform };
  const here = (tab: string, more: Readonly<Record<string, string>>): string =>
    hrefOf({ page: 'image', repository, reference, tab }, { ...params, ...more });
  const other = (to: string): string => hrefOf({ page: 'image', repository, reference: to });
  const links = new Map<string, string>();
  for (const [at, layer] of layers.entries()) {
    links.set(layer.digest, here('layers', { layer: String(at + 1) }));
  }
  if (manifest?.configDigest !== undefined) links.set(manifest.configDigest, here('raw', { doc: 'config' }));
  if (manifest?.subject !== undefined) links.set(manifest.subject, other(manifest.subject));
  for (const child of children) links.set(child.digest, other(child.digest));
  links.set(digest, other(digest));
  return links;
}
