import { join, resolve } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/**
 * The command line under test: the sources as they are, or with BERTH_CLI=dist/berth.mjs the bundle that users get. `npm
 * test` takes the bundle, which starts three times as fast.
 */
export const cli = resolve(root, process.env['BERTH_CLI'] ?? 'registry/cli/main.ts');
