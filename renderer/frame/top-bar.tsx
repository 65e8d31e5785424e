import { ChevronRight, Command, Plug, Search } from 'lucide-react';
import { Fragment } from 'react';
import { Button } from '../parts/button.tsx';
import { Hint } from '../parts/hint.tsx';
import type { Route } from '../place.ts';
import { hrefOf, usePlace } from '../route.ts';
import { shortDigest } from '../format.ts';
import { openConnect, openPalette } from './open.tsx';
import { modKey, search } from './shortcuts.ts';
import { navEntries } from './nav.tsx';
import styles from './top-bar.module.css';

export function TopBar() {
  const { route } = usePlace();
  return (
    <header className={styles['bar']} data-region tabIndex={-1} aria-label="Top bar">
      <nav aria-label="Place" className={styles['crumbs']}>
        {crumbsOf(route).map(({ label, to }, index) => (
          <Fragment key={label}>
            {index > 0 && <ChevronRight aria-hidden />}
            {to === undefined ? <span aria-current="page">{label}</span> : <a href={hrefOf(to)}>{label}</a>}
          </Fragment>
        ))}
      </nav>
      <Hint text="Search this screen, or the repositories">
        <Button icon={<Search />} onPress={search}>
          Search <kbd>/</kbd>
        </Button>
      </Hint>
      <Button icon={<Plug />} onPress={openConnect}>
        Connect <kbd>c</kbd>
      </Button>
      <Button icon={<Command />} onPress={openPalette}>
        Find <kbd>{modKey} K</kbd>
      </Button>
    </header>
  );
}

interface Crumb {
  readonly label: string;
  readonly to?: Route;
}

function crumbsOf(route: Route): readonly Crumb[] {
  const all: Crumb = { label: 'Repositories', to: { page: 'repositories' } };
  switch (route.page) {
    case 'repository':
      return [all, { label: route.repository }];
    case 'image':
      return [
        all,
        { label: route.repository, to: { page: 'repository', repository: route.repository } },
        { label: route.reference.includes(':') ? shortDigest(route.reference) : route.reference },
      ];
    case 'compare':
      return [
        all,
        { label: route.repository, to: { page: 'repository', repository: route.repository } },
        { label: 'Compare' },
      ];
    case 'unknown':
      return [{ label: 'Not found' }];
    default:
      return [{ label: navEntries.find(({ screen }) => screen === route.page)?.label ?? '' }];
  }
}
