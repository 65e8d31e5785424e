import { useEffect } from 'react';
import { parsePlace, type Route } from '../place.ts';
import { type AheadOf, useAskAhead } from '../state/calls.ts';
import { loadScreen } from './screens.ts';

/** Who only passes by does not stay so long. */
const stayMs = 60;

/** Loads the screen that a link leads to, and asks what it shows first, while the link is pointed at or has the focus. */
export function useFetchAhead(): void {
  const askAhead = useAskAhead();
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const leave = (): void => clearTimeout(timer);
    const enter = ({ target }: Event): void => {
      leave();
      const link = target instanceof Element ? target.closest('a') : null;
      if (link === null || !link.hash.startsWith('#/')) return;
      timer = setTimeout(() => {
        const place = parsePlace(link.hash);
        loadScreen(place);
        const first = firstOf(place.route);
        if (first !== undefined) askAhead(first);
      }, stayMs);
    };
    for (const name of ['pointerover', 'focusin']) addEventListener(name, enter, { signal, passive: true });
    for (const name of ['pointerout', 'focusout']) addEventListener(name, leave, { signal, passive: true });
    return () => {
      leave();
      ending.abort();
    };
  }, [askAhead]);
}

/** What a screen waits for, where it is one question whose answer is kept. */
function firstOf(route: Route): AheadOf | undefined {
  switch (route.page) {
    case 'home':
      return ['tags.recent', {}];
    case 'repository':
      return ['repositories.get', { repository: route.repository }];
    case 'image':
      return ['images.get', { repository: route.repository, reference: route.reference }];
    case 'storage':
      return ['usage.get', {}];
    case 'changes':
      return ['changes.list', {}];
    case 'settings':
      return ['settings.form', {}];
    default:
      return undefined;
  }
}
