import { formatReference, shortDigest } from '../../format.ts';
import type { Route } from '../../place.ts';
import { hrefOf } from '../../route.ts';

export interface Named {
  readonly repository?: string | undefined;
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

/** An image or a repository by its name, as a link; `isGone` names it and leads nowhere below its repository. */
export function PlaceLink({
  of,
  isGone = false,
  excludeFromTabOrder = false,
}: {
  readonly of: Named;
  readonly isGone?: boolean;
  readonly excludeFromTabOrder?: boolean;
}) {
  const route = routeOf(of, isGone);
  const text = textOf(of);
  if (route === undefined) return <code title={text}>{text}</code>;
  return (
    <a href={hrefOf(route)} tabIndex={excludeFromTabOrder ? -1 : 0} title={text}>
      <code>{text}</code>
    </a>
  );
}

/** Where what is named can be seen. */
function routeOf({ repository, tag, digest }: Named, isGone = false): Route | undefined {
  if (repository === undefined) return undefined;
  const reference = isGone ? undefined : (tag ?? digest);
  return reference === undefined
    ? { page: 'repository', repository }
    : { page: 'image', repository, reference };
}

/** As clients write it, with a short digest. */
function textOf({ repository = '', tag, digest }: Named): string {
  if (tag !== undefined) return formatReference(repository, tag);
  return digest === undefined ? repository : `${repository}@${shortDigest(digest)}`;
}
