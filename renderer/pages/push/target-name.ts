/** The name that an image of an engine gets in this registry. */
import { parseEngineReference, parseImageReference } from '../../../registry/spec/image-reference.ts';

export interface TargetName {
  readonly repository: string;
  readonly tag: string;
}

/** The engine's name without its host, and without what Docker Hub puts before its own images: `alpine:3`. */
export function suggestName(name: string): string {
  const reference = parseEngineReference(name);
  if (reference === undefined) return '';
  const { repository, tag } = reference;
  const isOfHub = /^(?:index\.)?docker\.io\//.test(name);
  return `${isOfHub ? repository.replace(/^library\//, '') : repository}:${tag ?? 'latest'}`;
}

/** What somebody typed, `latest` where there is no tag; `undefined` if it is no name. */
export function parseTarget(text: string): TargetName | undefined {
  const reference = parseImageReference(text.trim());
  if (reference === undefined || reference.digest !== undefined) return undefined;
  // The host of the registry itself is not part of the name.
  if (/^[^/]*:\d+\//.test(text.trim())) return undefined;
  return { repository: reference.repository, tag: reference.tag ?? 'latest' };
}
