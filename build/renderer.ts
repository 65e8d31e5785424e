/**
 * Makes the window: one page that the browser gets below /ui/ and that the desktop shows.
 *
 *     node build/renderer.ts [directory]      dist/ui when absent
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { build } from 'vite';
import {
  namedReact,
  oneLanguage,
  ownErrors,
  ownStore,
  plainIcons,
  plainImports,
  plainSelects,
  shortClasses,
  stillPage,
} from './lean-code.ts';

const root = join(import.meta.dirname, '..', 'renderer');

/** The chunks that every screen needs. */
const preloaded = ['window', 'rolldown-runtime'];

/** What is asked for by `renderer/frame/desktop-parts.ts` alone: one chunk, which no browser loads. */
const desktopOnly =
  /\/pages\/(?:push\/(?!target-name)|consent\/|home\/(?:first-run|first-password|engine-setup|choose-port)\.|settings\/(?:desktop|updates|uninstall)\.|changes\/(?:undo-all|take-back)\.)|\/frame\/process-notice\./;

/**
 * Writes the page into a directory, which it empties before: index.html, and assets with their hash in the name. Answers
 * the paths of the modules inside.
 */
export async function writeRenderer(out: string): Promise<readonly string[]> {
  const modules: string[] = [];
  const { plugins: shortNames, nameClass } = shortClasses(root);
  await build({
    root,
    configFile: false,
    // The page may lie at any path.
    base: './',
    logLevel: 'warn',
    // No page is rendered elsewhere.
    define: { 'typeof window': '"object"', 'typeof document': '"object"' },
    css: { modules: { generateScopedName: nameClass } },
    plugins: [
      namedReact(),
      ...shortNames,
      plainImports(),
      plainSelects(),
      ownStore(),
      plainIcons(root),
      ownErrors(root),
      oneLanguage(),
      stillPage(),
      {
        name: 'berth',
        generateBundle(_, files) {
          for (const file of Object.values(files)) if (file.type === 'chunk') modules.push(...file.moduleIds);
        },
        // What the page begins with asks for the window: the browser shall fetch it before that.
        transformIndexHtml: {
          order: 'post',
          handler: (_, { bundle = {} }) =>
            Object.values(bundle)
              .filter((file) => file.type === 'chunk' && preloaded.includes(file.name))
              .map(({ fileName }) => ({
                tag: 'link',
                attrs: { rel: 'modulepreload', crossorigin: true, href: `./${fileName}` },
                injectTo: 'head',
              })),
        },
      },
    ],
    // The policy admits nothing that is inlined.
    build: {
      outDir: out,
      emptyOutDir: true,
      target: 'es2023',
      assetsInlineLimit: 0,
      cssCodeSplit: false,
      modulePreload: false,
      reportCompressedSize: false,
      chunkSizeWarningLimit: 4096,
      rolldownOptions: {
        onLog(level, log, report) {
          // "use client" is for servers that render, of which there is none.
          if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
        },
        treeshake: { unknownGlobalSideEffects: false },
        optimization: { inlineConst: { mode: 'all', pass: 3 } },
        output: {
          // What the page begins with, the window, and each part alone: many small files cost more than they spare.
          codeSplitting: {
            includeDependenciesRecursively: false,
            groups: [
              { name: 'index', tags: ['$initial'], priority: 1 },
              { name: 'desktop', test: desktopOnly, priority: 2 },
              { name: 'window', minShareCount: 2 },
            ],
          },
        },
      },
    },
  });
  await compress(out);
  return modules;
}

/** Writes `name.gz` beside each file that browsers take compressed. */
async function compress(out: string): Promise<void> {
  const names = (await readdir(out, { recursive: true })).filter((name) =>
    /\.(?:js|css|svg|html)$/.test(name),
  );
  await Promise.all(
    names.map(async (name) => {
      const path = join(out, name);
      await writeFile(`${path}.gz`, await promisify(gzip)(await readFile(path), { level: 9, memLevel: 9 }));
    }),
  );
}

if (import.meta.main) {
  const out = process.argv[2] ?? join(root, '..', 'dist', 'ui');
  await writeRenderer(out);
  process.stdout.write(`the window written to ${out}\n`);
}
