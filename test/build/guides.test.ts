import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { before, suite, test } from 'node:test';
import { smallPages } from '../../build/http-page.ts';
import { createProgram } from '../../registry/cli/main.ts';
import { fields } from '../../registry/config/fields.ts';
import { request } from '../support/http.ts';
import { startRegistry } from '../support/registry.ts';

const repository = join(import.meta.dirname, '..', '..');

interface Page {
  readonly file: string;
  readonly text: string;
}

suite('the texts for people', () => {
  let pages: readonly Page[] = [];
  before(async () => {
    const files = await Array.fromAsync(glob(['*.md', 'docs/**/*.md'], { cwd: repository }));
    pages = await Promise.all(
      files.map(async (file) => ({ file, text: await readFile(join(repository, file), 'utf8') })),
    );
  });

  test('name commands and options that berth has', () => {
    const commands = pages.flatMap(({ file, text }) => commandsIn(text).map((words) => ({ file, words })));

    assert.ok(commands.length > 40, String(commands.length));
    assert.deepEqual(
      commands.flatMap(({ file, words }) =>
        unknownWords(words).map((word) => `${file}: berth ${words.join(' ')}: ${word}`),
      ),
      [],
    );
  });

  test('name variables that the configuration has', () => {
    const known = new Set(fields.map(({ env }) => env));
    for (const name of ['BERTH_DATA', 'BERTH_CLI', 'REGISTRY_CONFIGURATION_PATH']) known.add(name);
    const written = pages.filter(({ file }) => !file.startsWith(join('docs', 'reference')));
    const named = written.flatMap(({ file, text }) =>
      [...text.matchAll(/\b(?:REGISTRY|BERTH)_[A-Z]+(?:_[A-Z0-9]+)*\b/g)].map(([name]) => ({ file, name })),
    );

    assert.deepEqual(
      named.filter(({ name }) => !known.has(name)),
      [],
    );
  });

  test('link to files that are there', () => {
    const broken = pages.flatMap(({ file, text }) =>
      [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(repository, dirname(file), target)))
        .map((target) => `${file}: ${target}`),
    );

    assert.deepEqual(broken, []);
  });
});

/** The words after `berth` in the shell blocks of a page. */
function commandsIn(page: string): readonly (readonly string[])[] {
  const blocks = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .flatMap((line) => /(?:^|\s|')berth ((?!dist)[a-z][^|>]*)/.exec(line)?.[1] ?? [])
    .map((rest) => rest.trim().split(/\s+/));
}

function ignore(): void {}

/** The words that are neither a command, nor an option of it, nor its arguments. */
function unknownWords(words: readonly string[]): readonly string[] {
  let command = createProgram({
    out: ignore,
    err: ignore,
    stdin: Readable.from([]),
    isTTY: false,
    canAsk: false,
    env: {},
  });
  let at = 0;
  for (; command.commands.length > 0; at += 1) {
    const next = command.commands.find((each) => each.name() === words[at]);
    if (next === undefined) return [words[at] ?? 'the command is missing'];
    command = next;
  }
  return words
    .slice(at)
    .filter((word) => /^-./.test(word) && word !== '[options]')
    .filter((word) => !command.options.some(({ long, short }) => word === long || word === short));
}

test('the pages beside /v2 that the reference lists are answered', async () => {
  await using registry = await startRegistry();

  for (const { path, methods } of smallPages) {
    for (const method of methods) {
      const { status } = await request(registry.url, { method, path, ca: registry.ca });
      assert.ok(![404, 405].includes(status), `${method} ${path}: ${status}`);
    }
  }
});
