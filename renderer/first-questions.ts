import { type FirstQuestion, newest } from '../registry/spec/first-questions.ts';
import type { Place } from './place.ts';

/** What the screen of a place waits for beside what every page asks, as it will ask it: pages of rows by their limit. */
export function firstQuestions({ route, params }: Place): readonly FirstQuestion[] {
  if (route.page === 'image')
    return [['images.get', { repository: route.repository, reference: route.reference }]];
  if (route.page !== 'repository') return [];
  const { repository, tab } = route;
  return [
    ['repositories.get', { repository }],
    ...(params.size === 0 && tab === undefined
      ? [['tags.list', { repository, q: '-is:fallback', ...newest }] as const]
      : []),
  ];
}
