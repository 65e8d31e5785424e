/**
 * Makes the desktop app as Electron runs it, `electron out/desktop`:
 *
 *     out/desktop/app.mjs                 main/app.ts and all it imports but Electron
 *     out/desktop/registry-process.mjs    main/registry-process.ts, which is the registry
 *     out/desktop/data-process.mjs        main/data/data-process.ts, which copies and removes data directories
 *     out/desktop/preload.cjs             main/preload/preload.ts; a sandboxed script is one file
 *     out/desktop/ui/                     the window, by build/renderer.ts
 *     out/desktop/icons/                  the icons of the tray, by build/icons.ts
 *     out/desktop/package.json, LICENSE, NOTICES.txt
 *
 * and out/icons, what build/app-icons.ts makes for its packages.
 */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAppIcons } from './app-icons.ts';
import { bundleDesktop, notices, readPackage } from './bundle.ts';
import { writeIcons } from './icons.ts';
import { writeRenderer } from './renderer.ts';

const repository = join(import.meta.dirname, '..');

/** Writes the app into a directory, which it empties before. */
export async function writeDesktop(out: string): Promise<void> {
  const { app, process, data, preload } = await bundleDesktop();
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const window = await writeRenderer(join(out, 'ui'));
  await writeIcons(join(out, 'icons'));
  await writeFile(join(out, 'registry-process.mjs'), process.code);
  await writeFile(join(out, 'data-process.mjs'), data.code);
  await writeFile(join(out, 'preload.cjs'), preload.code);
  const { name, version, description, license } = await readPackage();
  const manifest = {
    name,
    productName: 'Berth',
    // Linux finds the icon of a window by it.
    desktopName: 'berth-desktop.desktop',
    version,
    description,
    license,
    main: 'app.mjs',
  };
  await writeFile(join(out, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await copyFile(join(repository, 'LICENSE'), join(out, 'LICENSE'));
  const bundles = [app, process, data, preload];
  const modules = [...bundles.flatMap((each) => [...each.modules.keys()]), ...window];
  await writeFile(join(out, 'NOTICES.txt'), await notices(modules));
  // The app comes last: it is what npm start compares with the sources.
  await writeFile(join(out, 'app.mjs'), app.code);
}

if (import.meta.main) {
  const out = process.argv[2] ?? join(repository, 'out', 'desktop');
  await writeAppIcons(join(repository, 'out', 'icons'));
  await writeDesktop(out);
  process.stdout.write(`the desktop app written to ${out}\n`);
}
