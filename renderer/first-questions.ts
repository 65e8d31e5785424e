import type { FirstQuestion } from '../registry/spec/first-questions.ts';
import type { Place } from './place.ts';

/** The first page of a list is there soon. */
export const firstPageRows = 200;

const ofFrame: readonly FirstQuestion[] = [
  ['status.get', {}],
  ['tasks.list', {}],
  ['certificate.get', {}],
];

/** How lists are shown where the address says nothing else. */
const newest = { sort: 'pushed', descending: true, limit: firstPageRows } as const;

/** What the frame and the screen of a place wait for, as they will ask it: pages of rows by their limit. */
export function firstQuestions({ route, params }: Place): readonly FirstQuestion[] {
  const isPlain = params.size === 0;
  switch (route.page) {
    case 'home':
      return [...ofFrame, ['tags.recent', {}]];
    case 'repositories':
      return [
        ...ofFrame,
        ['access.anonymous', {}],
        ...(isPlain ? [['repositories.list', newest] as const] : []),
      ];
    case 'repository': {
      const { repository, tab } = route;
      return [
        ...ofFrame,
        ['repositories.get', { repository }],
        ...(isPlain && tab === undefined
          ? [['tags.list', { repository, q: '-is:fallback', ...newest }] as const]
          : []),
      ];
    }
    case 'image':
      return [...ofFrame, ['images.get', { repository: route.repository, reference: route.reference }]];
    default:
      return ofFrame;
  }
}
