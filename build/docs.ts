/**
 * Writes the pages under docs/reference from the tables that the product itself uses. `--check` writes nothing and
 * exits with 1 if a page differs. `--out DIR` uses another directory than the repository.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { renderConfigPage } from '../registry/config/describe.ts';
import { renderAdminPage } from './admin-page.ts';
import { renderCliPage } from './cli-page.ts';
import { renderErrorsPage } from './errors-page.ts';
import { renderHttpPage } from './http-page.ts';

/** A page and what writes it; the text need not be formatted. */
interface Page {
  readonly file: string;
  readonly render: () => string | Promise<string>;
}

const pages: readonly Page[] = [
  { file: 'docs/reference/control-plane.md', render: renderAdminPage },
  { file: 'docs/reference/cli.md', render: renderCliPage },
  { file: 'docs/reference/config.md', render: renderConfigPage },
  { file: 'docs/reference/errors.md', render: renderErrorsPage },
  { file: 'docs/reference/http.md', render: renderHttpPage },
];

const repository = join(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: { check: { type: 'boolean', default: false }, out: { type: 'string', default: repository } },
});

for (const { file, render } of pages) {
  const style = await resolveConfig(join(repository, file));
  const text = await format(await render(), { ...style, parser: 'markdown' });
  const path = join(options.out, file);
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (text === present) continue;
  if (options.check) {
    process.stderr.write(`${file} differs from what it is made of. Run: npm run docs\n`);
    process.exitCode = 1;
  } else {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    process.stdout.write(`${file} written\n`);
  }
}
