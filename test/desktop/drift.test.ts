/** What the shell takes from Electron is there: in its types, and in the stand-in that the tests run in. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

interface Imported {
  readonly name: string;
  readonly isType: boolean;
}

suite('names of Electron', () => {
  let imported: readonly Imported[] = [];
  before(async () => {
    const files = (await readdir(join(root, 'main'), { recursive: true })).filter((name) =>
      /(?<!\.test)\.ts$/.test(name),
    );
    const texts = await Promise.all(files.map((name) => readFile(join(root, 'main', name), 'utf8')));
    imported = texts.flatMap(importsOf);
  });

  test('main takes some', () => {
    const names = imported.map(({ name }) => name);

    assert.ok(
      ['app', 'BrowserWindow', 'ipcRenderer', 'utilityProcess'].every((each) => names.includes(each)),
    );
  });

  test('each is in electron.d.ts', async () => {
    const types = await readFile(join(root, 'node_modules/electron/electron.d.ts'), 'utf8');
    const declared = new Set(
      [...types.matchAll(/^ {4}(?:const|class|type|interface) (\w+)\b/gm)].map(([, name = '']) => name),
    );

    assert.deepEqual(
      imported.filter(({ name }) => !declared.has(name)),
      [],
    );
  });

  test('each value is in the stand-in, and nothing besides', async () => {
    // Not loaded: it would make a profile of Chromium.
    const [host, page] = await Promise.all(
      ['electron', 'page'].map((name) => readFile(join(root, `test/host/${name}.ts`), 'utf8')),
    );
    const values = new Set(imported.filter(({ isType }) => !isType).map(({ name }) => name));
    const exported = [...(host ?? '').matchAll(/^export (?:const|class) (\w+)/gm)].map(
      ([, name = '']) => name,
    );
    const reexported = [...(/^export \{ ([^}]*) \};$/m.exec(host ?? '')?.[1]?.split(', ') ?? [])];
    const inPage = [...(page ?? '').matchAll(/^ {4}(ipcRenderer|contextBridge|webUtils): \{$/gm)].map(
      ([, name = '']) => name,
    );
    // `net` is for electron-updater, `standIn` for the tests, the port for our own types.
    const own = new Set(['net', 'standIn', 'MessagePortMain']);
    const present = [...exported, ...reexported, ...inPage].filter((name) => !own.has(name));

    assert.deepEqual(new Set(present), values);
  });
});

function importsOf(text: string): readonly Imported[] {
  return [...text.matchAll(/^import (type )?\{([^}]*)\} from 'electron';$/gm)].flatMap(
    ([, type, list = '']) =>
      list
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '')
        .map((each) => ({
          name: each.replace(/^type /, '').replace(/ as .*/, ''),
          isType: type !== undefined || each.startsWith('type '),
        })),
  );
}
