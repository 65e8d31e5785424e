/**
 * What runs Docker's credential helper, which clients start without this app: the program beside a packaged app, else Node
 * with the bundle of `npm run build`. The app itself cannot: its fuses keep it from being Node.
 */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { app } from 'electron';

const program = 'docker-credential-berth';

export const helperCommand: readonly string[] = app.isPackaged
  ? [join(process.resourcesPath, process.platform === 'win32' ? `${program}.exe` : program)]
  : [
      process.env['npm_node_execpath'] ?? 'node',
      fileURLToPath(new URL(`../../dist/${program}.mjs`, import.meta.url)),
    ];
