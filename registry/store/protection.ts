import type { Digest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { RepoName, Tag } from '../spec/names.ts';

/** Answers the rule that keeps a tag from losing its meaning, or `undefined`. */
export type ProtectedBy = (repository: RepoName, tag: Tag) => string | undefined;

/** Throws TAG_PROTECTED, naming the rule and what the tag means, if a rule protects it. */
export function refuseProtected(
  protectedBy: ProtectedBy,
  repository: RepoName,
  { tag, from }: { readonly tag: Tag; readonly from: Digest },
): void {
  const rule = protectedBy(repository, tag);
  if (rule === undefined) return;
  throw new AppError('TAG_PROTECTED', {
    message: `The tag ${tag} of ${repository} is protected by the rule ${rule} and means ${from}. Use another tag.`,
    detail: { name: repository, tag, rule, digest: from },
  });
}
