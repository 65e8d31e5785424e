import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { undoLast } from '../parts/toast.tsx';
import type { Screen } from '../../registry/spec/screens.ts';
import { navigate, usePlace } from '../route.ts';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import { useShell } from '../state/shell.ts';
import { Banner } from './banner.tsx';
import { copyTimesAbsolute } from './copy-times.ts';
import { useFetchAhead } from './fetch-ahead.ts';
import { Nav, navEntries } from './nav.tsx';
import { openCheatSheet, openConnect, openPalette, openPushImages } from './open.tsx';
import { Outlet } from './outlet.tsx';
import { DropZone } from '../pages/transfer/drop-zone.tsx';
import { openImport } from '../pages/transfer/open-transfer.tsx';
import { useShellNotes } from '../pages/transfer/use-shell-notes.ts';
import { loadScreens } from './screens.ts';
import { listenForShortcuts, search, useShortcuts } from './shortcuts.ts';
import { useRegistryState } from './registry-state.ts';
import { TaskStrip } from './task-strip.tsx';
import { TopBar } from './top-bar.tsx';
import styles from './frame.module.css';

/** What is around every screen. */
export function Frame() {
  const { isNavNarrow } = usePreferences();
  const { route } = usePlace();
  const shell = useShell();
  const queries = useQueryClient();
  const { isStopped, toggle } = useRegistryState();
  const main = useRef<HTMLElement>(null);
  useEffect(listenForShortcuts, []);
  useEffect(copyTimesAbsolute, []);
  useShellNotes();
  useFetchAhead();
  useEffect(() => loadScreens(shell !== undefined), [shell]);

  useShortcuts([
    ...navEntries.flatMap(({ screen, label, keys }) => ({
      keys,
      label,
      group: 'Go to',
      run: () => navigate({ page: screen }),
    })),
    { keys: ['mod+k'], label: 'Find a screen, act or repository', group: 'Window', run: openPalette },
    { keys: ['/'], label: 'Search', group: 'Window', run: search },
    { keys: ['c'], label: 'Connect a client', group: 'Window', run: openConnect },
    { keys: ['i'], label: 'Import images from a file', group: 'Window', run: () => void openImport() },
    ...(shell === undefined
      ? []
      : [
          {
            keys: ['P'],
            label: 'Push images of this computer',
            group: 'Window',
            run: () => openPushImages(shell),
          },
          {
            // A browser loads the page again.
            keys: ['mod+r'],
            label: 'Look at everything again',
            group: 'Window',
            run: () => void queries.invalidateQueries(),
          },
        ]),
    {
      keys: ['?'],
      label: 'Show the keys',
      group: 'Window',
      run: openCheatSheet,
    },
    {
      keys: ['mod+z'],
      label: 'Take back what was deleted last',
      group: 'Window',
      run: () => void undoLast(),
    },
    {
      keys: ['['],
      label: 'Narrow or wide navigation',
      group: 'Window',
      run: () => setPreferences({ isNavNarrow: !isNavNarrow }),
    },
    {
      keys: ['>'],
      label: isStopped ? 'Start the registry' : 'Stop the registry',
      group: 'Window',
      run: toggle,
    },
    { keys: ['backspace', 'alt+arrowleft'], label: 'Back', group: 'Window', run: () => history.back() },
    { keys: ['F6', 'f6'], label: 'Next part of the window', group: 'Window', run: cycleRegions },
  ]);

  const screen = screenOf(route.page);
  useEffect(() => {
    document.title = `${navEntries.find((entry) => entry.screen === screen)?.label ?? 'Berth'} - Berth`;
  }, [screen]);

  return (
    <div className={`${styles['frame']} ${isNavNarrow ? styles['narrow'] : ''}`}>
      <Nav current={screen} />
      <div className={styles['column']}>
        <TopBar />
        <Banner />
        <main ref={main} className={styles['main']} data-region tabIndex={-1} aria-label="Screen">
          <Outlet route={route} />
        </main>
        <TaskStrip />
      </div>
      <DropZone />
    </div>
  );
}

function screenOf(page: string): Screen | undefined {
  if (page === 'repository' || page === 'image' || page === 'compare') return 'repositories';
  return navEntries.find((entry) => entry.screen === page)?.screen;
}

/** Moves the focus to the next of navigation, top bar, screen, strip. */
function cycleRegions(): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')];
  const present = regions.findIndex((region) => region.contains(document.activeElement));
  regions[(present + 1) % regions.length]?.focus();
}
