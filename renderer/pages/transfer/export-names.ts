/** `team-app-1.4.tar`: a name for the file of these images. */
export function fileNameOf(references: readonly string[]): string {
  const [first = 'images'] = references;
  const plain = first.replace(/@sha256:([0-9a-f]{12}).*$/, '-$1').replaceAll(/[^\w.-]+/g, '-');
  const more = references.length > 1 ? `-and-${references.length - 1}-more` : '';
  return `${plain.slice(0, 120)}${more}.tar`;
}

/** True for `linux/amd64` and `linux/arm/v7`. */
export function isPlatform(text: string): boolean {
  return /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9.]+)?$/.test(text);
}
