import { fileURLToPath } from 'node:url';
import type { RegistryOptions } from '../index.ts';

/** Where `npm run build` puts the window for browsers. A bundle replaces this by the directory beside it, or by what it holds. */
export const windowFiles: NonNullable<RegistryOptions['ui']> = fileURLToPath(
  new URL('../../dist/ui', import.meta.url),
);
