/**
 * `npm run bench -- compare [MEASURE ...]`: Berth beside the other registries that are on the machine, and the page
 * docs/reference/performance.md with what came out. A measure is named by its number or a word of its title; without any all are
 * run. RUNS (default 5) and the sizes of each measure come from the environment. Nothing here is a test: times depend on the machine.
 */
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeBundle } from '../../build/bundle.ts';
import { measureCollection } from './collect.ts';
import { measureDocker } from './docker.ts';
import { type Row, runs } from './figures.ts';
import { measureLists, measureReferrers } from './lists.ts';
import { describeMachine, measureMachine } from './machine.ts';
import { findOthers } from './others.ts';
import { readSections, renderMachine, renderPage, renderSection } from './page.ts';
import { measureProcess } from './process.ts';
import { measureRequests } from './requests.ts';
import { type Place, preparePlace } from './servers.ts';
import { measurePulls, measurePushes, measureSmallBlobs } from './transfers.ts';

interface Measure {
  readonly id: string;
  readonly title: string;
  readonly run: (place: Place) => Promise<readonly Row[]>;
}

const measures: readonly Measure[] = [
  { id: '1', title: 'Pushes of large blobs', run: measurePushes },
  { id: '2', title: 'Pulls of large blobs, and by 100 clients', run: measurePulls },
  { id: '3', title: 'Small requests', run: measureRequests },
  { id: '4', title: 'docker push and docker pull', run: measureDocker },
  { id: '5', title: 'Many small blobs', run: measureSmallBlobs },
  { id: '6', title: 'Long lists', run: measureLists },
  { id: '7', title: 'Referrers', run: measureReferrers },
  { id: '8', title: 'Start, memory, event loop', run: measureProcess },
  { id: '9', title: 'A collection', run: measureCollection },
];
const sizes = ['RUNS', 'LARGE_MIB', 'BLOBS', 'REQUESTS', 'TAGS', 'REPOSITORIES', 'REFERRERS'];
const settings = [...sizes, 'START_TAGS', 'GARBAGE'].flatMap((name) =>
  process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`],
);

const page = join(import.meta.dirname, '../../docs/reference/performance.md');
const wanted = process.argv.slice(3);
const chosen = wanted.length === 0 ? measures : wanted.map(findMeasure);

await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-bench-run-'));
await writeBundle(join(directory.path, 'cli'));
const cli = join(directory.path, 'cli', 'berth.mjs');
// What the measures take from the tests' support starts the same program.
process.env['BERTH_CLI'] = cli;
const place = await preparePlace(directory.path, cli);

const sections = new Map(readSections(await readFile(page, 'utf8').catch(() => '')));
const machine = describeMachine();
print(`${machine}; medians of ${runs} runs in turns\n`);
await section('machine', async () => {
  const limits = await measureMachine();
  return (run) => renderMachine(limits, run);
});
for (const { id, title, run: measure } of chosen) {
  await section(id, async () => {
    const rows = await measure(place);
    const notes = findOthers().flatMap(({ program, title: other, source }) =>
      program === undefined ? [`${other} was not on the machine: ${source}`] : [],
    );
    return (run) => renderSection({ id, title, rows, notes, ...run });
  });
}

/** Runs one and writes the page, since a later one may fail. */
async function section(
  id: string,
  measure: () => Promise<
    (run: {
      readonly command: string;
      readonly at: Date;
      readonly machine: string;
      readonly load: readonly [number, number];
    }) => string
  >,
): Promise<void> {
  const [before = 0] = loadavg();
  const at = new Date();
  const render = await measure();
  const [after = 0] = loadavg();
  const command = [...settings, `npm run bench -- compare ${id === 'machine' ? wanted.join(' ') : id}`];
  const text = render({ command: command.join(' ').trim(), at, machine, load: [before, after] });
  print(text);
  sections.set(id, text);
  const order = ['machine', ...measures.map((each) => each.id)];
  await writeFile(page, renderPage(order.flatMap((each) => sections.get(each) ?? [])));
}

function findMeasure(word: string): Measure {
  const byId = measures.filter(({ id }) => id === word);
  const byTitle = measures.filter(({ title }) => title.toLowerCase().includes(word.toLowerCase()));
  const [found, ...more] = byId.length > 0 ? byId : byTitle;
  if (found !== undefined && more.length === 0) return found;
  const all = measures.map(({ id, title }) => `${id} ${title}`).join('\n');
  throw new Error(`${word} names ${byTitle.length} of the measures:\n${all}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
