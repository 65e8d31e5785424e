/** What stands for roles, verbs and globs. Pure. */
import type { Role, Verb } from '../../../registry/spec/admin/access.ts';

export const roleWords: Readonly<Record<Role, string>> = {
  admin: 'Admin',
  push: 'Push & pull',
  pull: 'Pull only',
};

export const roleChoices = (Object.keys(roleWords) as Role[]).map((id) => ({ id, label: roleWords[id] }));

export const verbWords: Readonly<Record<Verb, string>> = { pull: 'Pull', push: 'Push', delete: 'Delete' };

export const verbs = Object.keys(verbWords) as Verb[];

/** `everywhere`, or the globs. */
export function formatGlobs(globs: readonly string[]): string {
  return globs.length === 1 && globs[0] === '**' ? 'everywhere' : globs.join(', ');
}

/** The globs of a text area: by lines, spaces or commas; none means everywhere. */
export function parseGlobs(text: string): string[] {
  const globs = splitWords(text);
  return globs.length === 0 ? ['**'] : globs;
}

/** Words by lines, spaces or commas. */
export function splitWords(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

/** What a client calls itself, without what follows its version: `docker/28.2.2`. */
export function shortClient(client: string | undefined): string | undefined {
  return client?.split(' ')[0];
}
