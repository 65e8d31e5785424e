/**
 * Runs an Electron app where Electron cannot be had: Node in place of its main process, with `electron` mapped to
 * electron.ts, and Debian's Chromium for its windows. Playwright starts it as it starts Electron, and waits for the lines
 * with the addresses of both debuggers.
 *
 *     electron [--inspect=0 --remote-debugging-port=0] FOLDER [arguments of the app]
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import './chromium.ts';

const standIn = new URL('./electron.ts', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron'
      ? { url: standIn, format: 'module-typescript', shortCircuit: true }
      : next(specifier, context),
});

const args = process.argv.slice(2);
const folder = resolve(args.find((each) => !each.startsWith('-')) ?? '.');
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
  readonly main: string;
  readonly name: string;
  readonly productName?: string;
  readonly version: string;
};
// A packaged app is named by nobody: its arguments are its own.
const named = process.env['STAND_IN_RESOURCES'] === undefined ? [folder] : [];
process.argv = [process.execPath, ...named, ...args.filter((each) => resolve(each) !== folder)];
const { begin } = await import('./electron.ts');
begin({ folder, name: manifest.productName ?? manifest.name, version: manifest.version });
await import(pathToFileURL(join(folder, manifest.main)).href);
