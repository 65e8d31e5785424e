import type { WorkerEntry } from '../auth/bcrypt-pool.ts';

/** Where the code of worker threads is. A bundle replaces this module by one that holds the code as text. */
export const bcryptEntry: WorkerEntry = new URL('./bcrypt.ts', import.meta.url);
