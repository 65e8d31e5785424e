/** The page of what the long form of the tests found. */
import type { Row } from './programme.ts';

/** The row as it was run: `smaller` names what was less than the row says, `NAME=VALUE`. */
export interface Outcome {
  readonly smaller: readonly string[];
  readonly passed: number;
  /** Names of tests. */
  readonly failed: readonly string[];
  /** What the tests said about what they did. */
  readonly figures: readonly string[];
  readonly seconds: number;
  readonly at: Date;
  readonly machine: string;
}

const head = `# Reliability, as measured

Written by \`npm run test:full\`, which runs the tests of \`npm test\` longer; each part says when it was run, on what, and how to
run it alone. A part that failed says so.
`;

export function renderPage(sections: readonly string[]): string {
  return [head, ...sections].join('\n');
}

/** The sections of a page by the id of their row. */
export function readSections(page: string): readonly (readonly [id: string, section: string])[] {
  return page
    .split(/^(?=## )/m)
    .slice(1)
    .map((section) => [/^## (\S+)/.exec(section)?.[1] ?? '', `${section.trimEnd()}\n`]);
}

export function renderRow(row: Row, outcome: Outcome): string {
  const { id, env = {}, takes } = row;
  const { passed, failed, figures, smaller, seconds, at, machine } = outcome;
  const verdict =
    failed.length === 0 ? `${passed} tests passed` : `**Failed**: ${failed.join('; ')} (${passed} passed)`;
  const command = [...smaller, `npm run test:full ${id}`].join(' ');
  const wanted = smaller.map((setting) => setting.split('=')[0] ?? '').map((name) => `${name}=${env[name]}`);
  return joinParagraphs([
    ...headOf(row),
    smaller.length === 0
      ? ''
      : `Not the whole of it${takes === undefined ? '' : `, which takes ${takes} on two processors`}: run with ${smaller.join(', ')} in place of ${wanted.join(', ')}.`,
    `${verdict} in ${duration(seconds)}, ${at.toISOString().slice(0, 10)}, ${machine}: \`${command}\``,
    figures.map((figure) => `- ${figure}`).join('\n'),
  ]);
}

/** A row whose figures are on another page. */
export function renderElsewhere(row: Row, { command, page }: NonNullable<Row['elsewhere']>): string {
  return joinParagraphs([...headOf(row), `Measured by \`${command}\`: [what came out](${page}).`]);
}

function headOf({ id, title, target, shortfall }: Row): readonly string[] {
  return [
    `## ${id} ${title}`,
    `Target: ${target}.`,
    shortfall === undefined ? '' : `Not reached: ${shortfall}.`,
  ];
}

function joinParagraphs(paragraphs: readonly string[]): string {
  return `${paragraphs.filter((text) => text !== '').join('\n\n')}\n`;
}

function duration(seconds: number): string {
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
