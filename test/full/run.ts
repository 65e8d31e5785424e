/**
 * `npm run test:full [ROW ...]`: the long form of the tests, and docs/reference/reliability.md with what came out. With rows
 * only those are run, and the others keep what the page says. Needs what .ci/run installs, and root. What a row reads from the
 * environment may be set there to something smaller, which the page then says: `HISTORIES=100 npm run test:full C3`.
 */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeBundle } from '../../build/bundle.ts';
import { npmSettings } from '../support/npm.ts';
import { childEnv } from '../support/process.ts';
import { missingPackages } from '../support/tools.ts';
import { type Outcome, readSections, renderElsewhere, renderPage, renderRow } from './page.ts';
import { programme, type Row } from './programme.ts';

const root = join(import.meta.dirname, '../..');
const page = join(root, 'docs/reference/reliability.md');

/** What electron-builder and rolldown write of themselves. */
const noise = new RegExp(
  `•|${String.fromCodePoint(27)}|^using custom unpacked|^(?:no|searching for) node modules|callbacks|plugin vite:|rolldown\\.rs`,
);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((id) => programme.every((row) => row.id !== id));
if (unknown.length > 0) {
  process.stderr.write(`There is no row ${unknown.join(', ')}: ${programme.map(({ id }) => id).join(' ')}\n`);
  process.exit(2);
}

const missing = missingPackages();
if (missing.length > 0 || process.getuid?.() !== 0) {
  const install =
    missing.length === 0 ? '' : `; apt-get install --no-install-recommends ${missing.join(' ')}`;
  process.stderr.write(`The long form of the tests runs as root on Debian${install}\n`);
  process.exit(2);
}

await writeBundle(join(root, 'dist'));
for (const row of programme) {
  if (wanted.length > 0 && !wanted.includes(row.id)) continue;
  if (row.elsewhere !== undefined) {
    await writeSection(row, renderElsewhere(row, row.elsewhere));
    continue;
  }
  process.stdout.write(`${row.id} ${row.title} ...\n`);
  const outcome = await runRow(row);
  process.stdout.write(
    `${row.id} ${outcome.failed.length === 0 ? 'passed' : 'FAILED'} in ${Math.round(outcome.seconds)} s\n`,
  );
  if (outcome.failed.length > 0) process.exitCode = 1;
  await writeSection(row, renderRow(row, outcome));
}

/** After each row, and into what is there by then: the programme takes hours. */
async function writeSection({ id }: Row, section: string): Promise<void> {
  const sections = new Map(readSections(await readFile(page, 'utf8').catch(() => '')));
  sections.set(id, section);
  await writeFile(page, renderPage(programme.flatMap((row) => sections.get(row.id) ?? [])));
}

async function runRow({ files, env = {} }: Row): Promise<Outcome> {
  const startedAt = performance.now();
  const chosen = Object.fromEntries(
    Object.entries(env).map(([name, size]) => [name, process.env[name] ?? size]),
  );
  const child = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=tap', ...files], {
    cwd: root,
    env: childEnv({ ...npmSettings(), ...chosen, CI: 'true', BERTH_CLI: 'dist/berth.mjs' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const failed: string[] = [];
  const figures: string[] = [];
  let passed = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    process.stdout.write(`${line}\n`);
    const [, not, name = '', reason] = /^\s*(not )?ok \d+ - (.*?)(?: # SKIP ?(.*))?$/.exec(line) ?? [];
    if (reason !== undefined) figures.push(`not run: ${name}: ${reason}`);
    else if (not !== undefined) failed.push(name);
    else if (name !== '') passed++;
    const [, said] =
      /^\s*# (?!Subtest: |(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) )(.+)$/.exec(line) ??
      [];
    if (said !== undefined && !noise.test(said)) figures.push(said);
  }
  return {
    passed,
    failed,
    figures,
    smaller: Object.entries(chosen).flatMap(([name, size]) =>
      size === env[name] ? [] : [`${name}=${size}`],
    ),
    seconds: (performance.now() - startedAt) / 1000,
    at: new Date(),
    machine: `Linux ${release()}, ${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(0)}, Node ${process.versions.node}`,
  };
}
