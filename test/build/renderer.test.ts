/** What the page of the window is made of, as it is delivered. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { packageOf } from '../../build/bundle.ts';
import { writeRenderer } from '../../build/renderer.ts';

/** What our own code may import. A new one is a new line here, and a sentence in the commit that says why. */
const allowed = ['@tanstack/react-query', 'lucide-react', 'react', 'react-aria-components', 'react-dom'];

/** Of all scripts together, compressed, and of those that a browser loads when all screens were seen. */
const scriptLimit = 295_000;
const browserLimit = 284_500;
/** Chunks that no browser loads. */
const ofDesktop = /^(?:desktop|push-images)-/;
/** Of what the connection to the registry waits for, and of what the first screen waits for. */
const beginLimit = 8_000;
const firstLimit = 195_000;

/** What `build/lean-code.ts` leaves out. */
const gone = [
  ['names and keys of icons', /lucide|key:`[a-z0-9]{6}`\}/],
  ['when the registry throws an error', /A Range header asks for no byte/],
  ['words in other languages', /["'`]ar-AE["'`]/],
  ['React by its properties', /\.jsx\)\(/],
  ['classes by their long names', /`_\w+_[a-z0-9]{5}_\d+`/],
  ['a helper for imports', /vite:preloadError/],
  ['validity of selects', /valueMissing/],
] as const;

suite('the page of the window', () => {
  test('our code imports the packages of the list, and all of them', async () => {
    const folder = join(import.meta.dirname, '..', '..', 'renderer');
    const names = (await readdir(folder, { recursive: true })).filter((name) =>
      /(?<!\.test)\.tsx?$/.test(name),
    );
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    const imported = texts.flatMap((text) =>
      [...text.matchAll(/^import (?:[^;]*? from )?'([^'.][^']*)';/gm)].map(([, name = '']) =>
        packageOf(`node_modules/${name}`),
      ),
    );

    assert.deepEqual(new Set(imported), new Set(allowed));
  });

  test(`scripts take at most ${scriptLimit} bytes, and nothing is fetched from elsewhere`, async (t) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-renderer-'));
    await writeRenderer(directory.path);
    const assets = join(directory.path, 'assets');
    const names = await readdir(assets);
    const scripts = names.filter((name) => name.endsWith('.js.gz'));
    const sizes = await Promise.all(scripts.map(async (name) => (await stat(join(assets, name))).size));
    const sumOf = (isCounted: (name: string) => boolean): number =>
      sizes.reduce((sum, size, index) => sum + (isCounted(scripts[index] ?? '') ? size : 0), 0);
    const bytes = sumOf(() => true);
    const browserBytes = sumOf((name) => !ofDesktop.test(name));
    const html = await readFile(join(directory.path, 'index.html'), 'utf8');
    const styles = await Promise.all(
      names.filter((name) => name.endsWith('.css')).map((name) => readFile(join(assets, name), 'utf8')),
    );

    t.diagnostic(`${bytes} bytes of script, compressed; ${browserBytes} in a browser`);
    assert.ok(bytes > 0 && bytes <= scriptLimit, String(bytes));
    assert.ok(browserBytes < bytes && browserBytes <= browserLimit, String(browserBytes));
    const code = (
      await Promise.all(
        names.filter((name) => name.endsWith('.js')).map((name) => readFile(join(assets, name), 'utf8')),
      )
    ).join('\n');
    const css = styles.join('\n');
    const scriptOf = async (name: string): Promise<readonly [string, string]> => [
      name,
      await readFile(join(assets, name), 'utf8'),
    ];
    const ofBrowser = await Promise.all(
      names.filter((name) => name.endsWith('.js') && !ofDesktop.test(name)).map(scriptOf),
    );
    assert.deepEqual(
      ofBrowser.filter(([, text]) => /(?:from|import)["'`]\.\/desktop-/.test(text)).map(([name]) => name),
      [],
      'what a browser loads imports nothing of the desktop',
    );
    for (const [what, text] of gone) assert.doesNotMatch(code, text, what);
    assert.ok(code.includes('The registry is not running.'), 'what the window says itself');
    // Classes of modules are strings where they are used, and their rules are there.
    const ruled = new Set([...css.matchAll(/\.([a-z]{2}\d+)/g)].map(([, name = '']) => name));
    const used = [...code.matchAll(/className:`([a-z]{2}\d+)`/g)].map(([, name = '']) => name);
    assert.ok(used.length > 300, String(used.length));
    assert.deepEqual(
      used.filter((name) => !ruled.has(name)),
      [],
    );

    const sizeOf = async (links: readonly string[]): Promise<number> => {
      const files = await Promise.all(links.map((name) => stat(join(directory.path, `${name}.gz`))));
      return files.reduce((sum, { size }) => sum + size, 0);
    };
    const begins = await sizeOf([...html.matchAll(/src="([^"]*)"/g)].map(([, name = '']) => name));
    const first = await sizeOf(
      [...html.matchAll(/(?:src|href)="([^"]*\.js)"/g)].map(([, name = '']) => name),
    );
    t.diagnostic(`${begins} bytes to begin with, ${first} for a window without a screen`);
    assert.ok(begins > 0 && begins <= beginLimit, String(begins));
    assert.ok(first > begins && first <= firstLimit, String(first));
    const links = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link = '']) => link);
    assert.ok(links.length >= 3 && links.every((link) => link.startsWith('./')), links.join(' '));
    assert.doesNotMatch(html, /<style|style=|<script(?! type="module"[^>]* src=)/);
    assert.doesNotMatch(css, /url\((?!["']?data:)/);
  });
});
