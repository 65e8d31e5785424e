import { Empty } from '../parts/states.tsx';
import type { Route } from '../place.ts';
import { hrefOf } from '../route.ts';
import type { Part } from './part.ts';
import { PartPlace } from './part-place.tsx';
import { screens } from './screens.ts';

/** The screen of a route. */
export function Outlet({ route }: { readonly route: Route }) {
  switch (route.page) {
    case 'home':
      return show(screens.home, {});
    case 'repositories':
      return show(screens.repositories, {});
    case 'repository':
      return show(screens.repository, { repository: route.repository, tab: route.tab }, route.repository);
    case 'image': {
      const { repository, reference, tab } = route;
      return show(screens.image, { repository, reference, tab }, `${repository} ${reference}`);
    }
    case 'compare':
      return show(screens.compare, { repository: route.repository, a: route.a, b: route.b });
    case 'activity':
      return show(screens.activity, {});
    case 'storage':
      return show(screens.storage, { tab: route.tab });
    case 'logs':
      return show(screens.logs, {});
    case 'access':
      return show(screens.access, { tab: route.tab });
    case 'doctor':
      return show(screens.doctor, {});
    case 'changes':
      return show(screens.changes, {});
    case 'settings':
      return show(screens.settings, { tab: route.tab });
    case 'unknown':
      return (
        <Empty title="There is no such screen">
          <a href={hrefOf({ page: 'home' })}>Home</a>
        </Empty>
      );
    default:
      return route satisfies never;
  }
}

function show<Props extends object>(part: Part<Props>, props: Props, key?: string) {
  return <PartPlace key={key} part={part} props={props} />;
}
