/**
 * Globs over repository names, the language of grants, tokens and anonymous pull.
 *
 *   *      in a part: any run of characters without `/`; alone: exactly one part
 *   **     as a whole part: any number of parts; at the end at least one, so `team/**` is not `team`
 *
 * Nothing else is special. Matching never goes back further than the last star, so its time is at most the length
 * of the name times the length of the glob, both bounded by 255.
 */

/** Every repository. */
export const everyRepository = '**';

/** Answers a function that tells whether one of the globs matches a name, be it of a repository or of a tag. */
export function compileGlobs(globs: readonly string[]): (name: string) => boolean {
  const patterns = globs.map((glob) => glob.split('/').map(compilePart));
  return (name) => {
    const parts = name.split('/');
    return patterns.some((pattern) => matchesParts(pattern, parts));
  };
}

/** `deep` stands for `**`; otherwise the literal pieces between the stars of one part. */
type Part = 'deep' | readonly string[];

function compilePart(text: string): Part {
  return text === '**' ? 'deep' : text.split('*');
}

function matchesParts(pattern: readonly Part[], parts: readonly string[]): boolean {
  if (pattern.at(-1) === 'deep') {
    // One part is kept for the last `**`, which stands for at least one.
    return parts.length > 0 && matchesFrom(pattern, parts, parts.length - 1);
  }
  return matchesFrom(pattern, parts, parts.length);
}

/** Like the classic wildcard loop: on a mismatch only the last `**` takes one part more. */
function matchesFrom(pattern: readonly Part[], parts: readonly string[], end: number): boolean {
  let at = 0;
  let next = 0;
  let retryAt = -1;
  let retryNext = -1;
  while (at < end) {
    const part = pattern[next];
    if (part === 'deep') {
      next += 1;
      retryAt = at;
      retryNext = next;
    } else if (part !== undefined && matchesPart(part, parts[at] ?? '')) {
      at += 1;
      next += 1;
    } else if (retryNext >= 0) {
      retryAt += 1;
      at = retryAt;
      next = retryNext;
    } else {
      return false;
    }
  }
  return pattern.slice(next).every((part) => part === 'deep');
}

function matchesPart(pieces: readonly string[], text: string): boolean {
  const first = pieces[0] ?? '';
  if (pieces.length === 1) return text === first;
  const last = pieces.at(-1) ?? '';
  const end = text.length - last.length;
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
