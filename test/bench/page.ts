/** The page of the comparison: a section for each measure, with when, on what and how it was run. */
import { type Limit } from './machine.ts';
import type { Row } from './figures.ts';

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly rows: readonly Row[];
  readonly command: string;
  readonly at: Date;
  readonly machine: string;
  /** Of the last minute, before and after. */
  readonly load: readonly [number, number];
  readonly notes: readonly string[];
}

const head = `# Speed, as measured

Written by \`npm run bench -- compare\`, which runs Berth beside the registries that are on the machine: the same requests, in
turns, on the same disk, each registry with the log that it writes unless it is told otherwise. Figures are medians; a ratio is Berth
beside the best of the others: where the aim is \`>=\` how many times faster it is, where it is \`<=\` how much of what the best needs.
Times depend on the machine, so what it can do at most was measured in the same run.
`;

export function renderPage(sections: readonly string[]): string {
  return [head, ...sections].join('\n');
}

/** The sections of a page by their id. */
export function readSections(page: string): ReadonlyMap<string, string> {
  const sections = page.split(/^(?=## )/m).slice(1);
  return new Map(sections.map((text) => [/^## (\S+?)\.? /.exec(text)?.[1] ?? '', `${text.trimEnd()}\n`]));
}

export function renderSection({ id, title, rows, notes, ...run }: Section): string {
  const others = [...new Set(rows.flatMap((row) => Object.keys(row.others)))];
  const columns = ['', 'Berth', ...others, 'ratio', 'aim', 'holds'];
  const cells = rows.map(({ name, berth, others: theirs, ratio, aim = '', holds }) => [
    name,
    berth,
    ...others.map((other) => theirs[other] ?? ''),
    ratio?.toFixed(2) ?? '',
    aim,
    holds === undefined ? '' : holds ? 'yes' : '**no**',
  ]);
  return `## ${id}. ${title}

${table([columns, ...cells])}
${[origin(run), ...notes].map((line) => `\n- ${line}`).join('')}
`;
}

export function renderMachine(
  limits: readonly Limit[],
  run: Pick<Section, 'command' | 'at' | 'machine' | 'load'>,
): string {
  return `## machine at most

${table([['', ''], ...limits.map(({ name, value }) => [name, value])])}

- ${origin(run)}
`;
}

function origin({
  command,
  at,
  machine,
  load,
}: Pick<Section, 'command' | 'at' | 'machine' | 'load'>): string {
  const loads = load.map((each) => each.toFixed(1)).join(' before and ');
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC, ${machine}, load ${loads} after: \`${command}\``;
}

/** As Prettier lays it out. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, at) => (row[at] ?? '').padEnd(width)).join(' | ')} |`;
  const [first = [], ...rest] = rows;
  return [line(first), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)].join('\n');
}
