import { fileURLToPath } from 'node:url';

/** What runs docker-credential-berth: this Node and the program's file. A bundle replaces this by the file beside it. */
export const helperCommand: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL('../../main/engine/login/docker-credential-berth.ts', import.meta.url)),
];
