import type { WorkerEntry } from './thread.ts';

/** Where the code of worker threads is. A bundle replaces this module by one that holds the code as text. */
export const bcryptEntry: WorkerEntry = new URL('./bcrypt.ts', import.meta.url);
export const changesEntry: WorkerEntry = new URL('./changes.ts', import.meta.url);
