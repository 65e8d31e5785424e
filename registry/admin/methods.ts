/** The use cases of the control plane, on one registry: one file for each subject of `spec/admin/`. */
import { AppError } from '../spec/errors.ts';
import { type ContentDeps, createContentMethods } from './content.ts';
import { createProcessMethods, type ProcessDeps } from './process.ts';
import type { AdminMethods } from './server.ts';
import { createUpkeepMethods, type UpkeepDeps } from './upkeep.ts';

export type AdminDeps = Omit<ContentDeps & UpkeepDeps & ProcessDeps, 'mustBeWritable'>;

/** Binds the use cases to a registry. */
export function createAdminMethods(all: AdminDeps): AdminMethods {
  const deps = {
    ...all,
    mustBeWritable: (): void => {
      if (all.status().isReadOnly) throw new AppError('STORAGE_READ_ONLY');
    },
  };
  return { ...createProcessMethods(deps), ...createContentMethods(deps), ...createUpkeepMethods(deps) };
}
