/** How the window goes to places, and knows where it is. */
import { useCallback, useMemo, useSyncExternalStore } from 'react';
import { parsePlace, type Place, type Route } from './place.ts';

/** The fragment of a route, to be put into `href`. */
export function hrefOf(route: Route, params: Readonly<Record<string, string>> = {}): string {
  // A table has hundreds of links.
  const query = Object.keys(params).length === 0 ? '' : new URLSearchParams(params).toString();
  const path = pathOf(route)
    .filter((part) => part !== undefined)
    .map((part) => encodeURIComponent(part).replaceAll('%3A', ':').replaceAll('%2F', '/'))
    .join('/');
  return `#/${path}${query === '' ? '' : `?${query}`}`;
}

function pathOf(route: Route): readonly (string | undefined)[] {
  switch (route.page) {
    case 'repository':
      return ['repositories', route.repository, ...(route.tab === undefined ? [] : ['_', route.tab])];
    case 'image':
      return ['repositories', route.repository, '_', 'image', route.reference, route.tab];
    case 'compare':
      return ['repositories', route.repository, '_', 'compare', route.a, route.b];
    case 'unknown':
      return [];
    default:
      return [route.page, route.tab];
  }
}

/** Goes to another place; `replace` leaves no step to come back to. */
export function navigate(
  to: Route | string,
  {
    replace = false,
    params,
  }: { readonly replace?: boolean; readonly params?: Readonly<Record<string, string>> } = {},
): void {
  const href = typeof to === 'string' ? to : hrefOf(to, params);
  if (href === location.hash) return;
  if (replace) history.replaceState(undefined, '', href);
  else history.pushState(undefined, '', href);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

let known: { readonly hash: string; readonly place: Place } | undefined;

function currentPlace(): Place {
  if (known?.hash !== location.hash) known = { hash: location.hash, place: parsePlace(location.hash) };
  return known.place;
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  addEventListener('popstate', listener);
  return () => {
    removeEventListener('hashchange', listener);
    removeEventListener('popstate', listener);
  };
}

/** The present place; renders anew when it changes. */
export function usePlace(): Place {
  return useSyncExternalStore(subscribe, currentPlace);
}

/** A parameter of the place and how to change it; the fallback is not written. A change leaves no step in the history. */
export function useParam(
  name: string,
  fallback = '',
): readonly [value: string, set: (value: string) => void] {
  const { params } = usePlace();
  const set = useCallback(
    (value: string) => {
      const place = currentPlace();
      const changed = new URLSearchParams(place.params);
      if (value === fallback) changed.delete(name);
      else changed.set(name, value);
      navigate(place.route, { replace: true, params: Object.fromEntries(changed) });
    },
    [name, fallback],
  );
  return [params.get(name) ?? fallback, set];
}

export interface SortState<By extends string> {
  readonly by: By;
  readonly isDescending: boolean;
}

/** The order of a list, kept in the address: the first time it is by `fallback`, the newest first. */
export function useSort<By extends string>(
  orders: readonly By[],
  fallback: By,
): readonly [sort: SortState<By>, set: (by: string, isDescending: boolean) => void] {
  const { params } = usePlace();
  const asked = params.get('sort');
  const by = orders.find((each) => each === asked) ?? fallback;
  const isDescending = params.get('order') !== 'asc';
  const sort = useMemo(() => ({ by, isDescending }), [by, isDescending]);
  const set = useCallback(
    (wanted: string, isDown: boolean) => {
      const place = currentPlace();
      const changed = new URLSearchParams(place.params);
      changed.delete('sort');
      changed.delete('order');
      if (wanted !== fallback) changed.set('sort', wanted);
      if (!isDown) changed.set('order', 'asc');
      navigate(place.route, { replace: true, params: Object.fromEntries(changed) });
    },
    [fallback],
  );
  return [sort, set];
}
