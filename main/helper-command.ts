import { fileURLToPath } from 'node:url';
import { posix, win32 } from 'node:path';
import { helperProgram } from './engine/login/helper-protocol.ts';

export interface AppPlace {
  readonly isPackaged: boolean;
  /** Where the executable `berth` lies beside a packaged app. */
  readonly resourcesPath: string;
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * What runs Docker's credential helper, which clients start without this app: the executable beside a packaged app, else Node
 * with the bundle of `npm run build`. The app itself cannot: its fuses keep it from being Node. `undefined` for an AppImage,
 * which lies somewhere else at each start, and nowhere in between.
 */
export function helperCommandOf({
  isPackaged,
  resourcesPath,
  platform,
  env,
}: AppPlace): readonly string[] | undefined {
  if (!isPackaged) {
    const bundle = fileURLToPath(new URL(`../../dist/${helperProgram}.mjs`, import.meta.url));
    return [env['npm_node_execpath'] ?? 'node', bundle];
  }
  if (env['APPIMAGE'] !== undefined) return undefined;
  const program =
    platform === 'win32' ? win32.join(resourcesPath, 'berth.exe') : posix.join(resourcesPath, 'berth');
  return [program, helperProgram];
}
