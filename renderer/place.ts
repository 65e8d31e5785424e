/**
 * Where the window is, as the fragment of its address says it:
 *
 *     #/repositories                            #/repositories/team/api            (tags)
 *     #/repositories/team/api/_/history         #/repositories/team/api/_/image/1.4/layers
 *     #/access/tokens                           #/logs?level=debug
 *
 * No part of a repository name begins with `_`, so it can end the name. What a screen keeps for a reload (search, sort)
 * are parameters behind the question mark.
 */
import { parseRepoName } from '../registry/spec/names.ts';
import { type Screen, screens } from '../registry/spec/screens.ts';

export type Route =
  | { readonly page: Screen; readonly tab?: string }
  | { readonly page: 'repository'; readonly repository: string; readonly tab?: string }
  | {
      readonly page: 'image';
      readonly repository: string;
      /** A tag or a digest. */
      readonly reference: string;
      readonly tab?: string;
    }
  | { readonly page: 'compare'; readonly repository: string; readonly a: string; readonly b: string }
  | { readonly page: 'unknown' };

export interface Place {
  readonly route: Route;
  readonly params: URLSearchParams;
}

/** Reads the fragment of an address, with or without `#`. */
export function parsePlace(fragment: string): Place {
  const text = fragment.replace(/^#?\/?/, '');
  const mark = text.indexOf('?');
  const path = mark === -1 ? text : text.slice(0, mark);
  const params = new URLSearchParams(mark === -1 ? '' : text.slice(mark + 1));
  return {
    route: parsePath(
      path
        .split('/')
        .filter((part) => part !== '')
        .map(decode),
    ),
    params,
  };
}

function parsePath([first = 'home', ...rest]: readonly string[]): Route {
  const screen = screens.find((each) => each === first);
  if (screen === undefined) return { page: 'unknown' };
  if (screen !== 'repositories' || rest.length === 0) return { page: screen, tab: rest[0] };
  const end = rest.indexOf('_');
  const repository = parseRepoName((end === -1 ? rest : rest.slice(0, end)).join('/'));
  if (repository === undefined) return { page: 'unknown' };
  const [what, one = '', other = ''] = end === -1 ? [] : rest.slice(end + 1);
  if (what === 'image' && one !== '')
    return { page: 'image', repository, reference: one, tab: other || undefined };
  if (what === 'compare' && other !== '') return { page: 'compare', repository, a: one, b: other };
  return { page: 'repository', repository, tab: what };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
