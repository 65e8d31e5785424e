/**
 * `npm run test:full [ROW ...]`: the long form of the tests, and docs/reference/reliability.md with what came out. With rows
 * only those are run, and the others keep what the page says. Needs what .ci/run installs, and root.
 */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, release } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeBundle } from '../../build/bundle.ts';
import { childEnv } from '../support/process.ts';
import { programme, type Row } from './programme.ts';
import { readSections, renderPage, renderRow, type Outcome } from './page.ts';

const root = join(import.meta.dirname, '../..');
const page = join(root, 'docs/reference/reliability.md');

const wanted = process.argv.slice(2);
const unknown = wanted.filter((id) => programme.every((row) => row.id !== id));
if (unknown.length > 0) {
  process.stderr.write(`There is no row ${unknown.join(', ')}: ${programme.map(({ id }) => id).join(' ')}\n`);
  process.exit(2);
}

await writeBundle(join(root, 'dist'));
const sections = new Map(readSections(await readFile(page, 'utf8').catch(() => '')));
for (const row of programme) {
  if (wanted.length > 0 && !wanted.includes(row.id)) continue;
  process.stdout.write(`${row.id} ${row.title} ...\n`);
  const outcome = await runRow(row);
  process.stdout.write(
    `${row.id} ${outcome.failed.length === 0 ? 'passed' : 'FAILED'} in ${Math.round(outcome.seconds)} s\n`,
  );
  if (outcome.failed.length > 0) process.exitCode = 1;
  // After each row: the programme takes hours.
  sections.set(row.id, renderRow(row, outcome));
  await writeFile(page, renderPage(programme.flatMap(({ id }) => sections.get(id) ?? [])));
}

async function runRow({ files, env = {} }: Row): Promise<Outcome> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=tap', ...files], {
    cwd: root,
    env: childEnv({ ...env, CI: 'true', BERTH_CLI: 'dist/berth.mjs' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const failed: string[] = [];
  const figures: string[] = [];
  let passed = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    process.stdout.write(`${line}\n`);
    const [, not, name = ''] = /^\s*(not )?ok \d+ - (.*?)(?: # SKIP.*)?$/.exec(line) ?? [];
    if (not !== undefined) failed.push(name);
    else if (name !== '') passed++;
    const [, said] =
      /^\s*# (?!Subtest: |(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) )(.+)$/.exec(line) ??
      [];
    if (said !== undefined) figures.push(said);
  }
  return {
    passed,
    failed,
    figures,
    seconds: (performance.now() - startedAt) / 1000,
    at: new Date(),
    machine: `Linux ${release()}, ${availableParallelism()} processors, Node ${process.versions.node}`,
  };
}
