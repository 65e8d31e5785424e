import { AccessScreen } from '../pages/access/access.tsx';
import { ActivityScreen } from '../pages/activity/activity.tsx';
import { ChangesScreen } from '../pages/changes/changes.tsx';
import { CompareScreen } from '../pages/compare/compare.tsx';
import { DoctorScreen } from '../pages/doctor/doctor.tsx';
import { HomeScreen } from '../pages/home/home.tsx';
import { ImageScreen } from '../pages/image/image.tsx';
import { LogsScreen } from '../pages/logs/logs.tsx';
import { RepositoriesScreen } from '../pages/repositories/repositories.tsx';
import { RepositoryScreen } from '../pages/repository/repository.tsx';
import { SettingsScreen } from '../pages/settings/settings.tsx';
import { StorageScreen } from '../pages/storage/storage.tsx';
import { Empty } from '../parts/states.tsx';
import { hrefOf, type Route } from '../route.ts';

/** The screen of a route. */
export function Outlet({ route }: { readonly route: Route }) {
  switch (route.page) {
    case 'home':
      return <HomeScreen />;
    case 'repositories':
      return <RepositoriesScreen />;
    case 'repository':
      return <RepositoryScreen key={route.repository} repository={route.repository} tab={route.tab} />;
    case 'image': {
      const { repository, reference, tab } = route;
      return (
        <ImageScreen
          key={`${repository} ${reference}`}
          repository={repository}
          reference={reference}
          tab={tab}
        />
      );
    }
    case 'compare':
      return <CompareScreen repository={route.repository} a={route.a} b={route.b} />;
    case 'activity':
      return <ActivityScreen />;
    case 'storage':
      return <StorageScreen tab={route.tab} />;
    case 'logs':
      return <LogsScreen />;
    case 'access':
      return <AccessScreen tab={route.tab} />;
    case 'doctor':
      return <DoctorScreen />;
    case 'changes':
      return <ChangesScreen />;
    case 'settings':
      return <SettingsScreen tab={route.tab} />;
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
