import type { Place } from '../place.ts';
import { desktopParts } from './desktop-parts.ts';
import { createPart } from './part.ts';

/** The screens, by the page of a route. */
export const screens = {
  home: createPart(async () => (await import('../pages/home/home.tsx')).HomeScreen),
  repositories: createPart(
    async () => (await import('../pages/repositories/repositories.tsx')).RepositoriesScreen,
  ),
  repository: createPart(async () => (await import('../pages/repository/repository.tsx')).RepositoryScreen),
  image: createPart(async () => (await import('../pages/image/image.tsx')).ImageScreen),
  compare: createPart(async () => (await import('../pages/compare/compare.tsx')).CompareScreen),
  activity: createPart(async () => (await import('../pages/activity/activity.tsx')).ActivityScreen),
  storage: createPart(async () => (await import('../pages/storage/storage.tsx')).StorageScreen),
  logs: createPart(async () => (await import('../pages/logs/logs.tsx')).LogsScreen),
  access: createPart(async () => (await import('../pages/access/access.tsx')).AccessScreen),
  doctor: createPart(async () => (await import('../pages/doctor/doctor.tsx')).DoctorScreen),
  changes: createPart(async () => (await import('../pages/changes/changes.tsx')).ChangesScreen),
  settings: createPart(async () => (await import('../pages/settings/settings.tsx')).SettingsScreen),
} as const;

/** Begins to load the screen of a place. */
export function loadScreen({ route: { page } }: Place): void {
  if (page !== 'unknown') void screens[page].load();
}

/** The first screen has the page for itself for so long. */
const firstMs = 1000;

/** Loads every screen, and in the desktop what only it shows, one after the other, when the page has nothing else to do; answers how to stop. */
export function loadScreens(isDesktop: boolean): () => void {
  const parts = [...Object.values(screens), ...(isDesktop ? Object.values(desktopParts) : [])];
  const ending = new AbortController();
  const timer = setTimeout(() => void loadAll(parts, ending.signal), firstMs);
  return () => {
    clearTimeout(timer);
    ending.abort();
  };
}

async function loadAll(parts: readonly { load(): Promise<void> }[], signal: AbortSignal): Promise<void> {
  for (const part of parts) {
    await new Promise((resolve) => requestIdleCallback(resolve));
    if (signal.aborted) return;
    await part.load();
  }
}
