/** The page of what the long form of the tests found. */
import type { Row } from './programme.ts';

export interface Outcome {
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

export function renderRow({ id, title, target, shortfall }: Row, outcome: Outcome): string {
  const { passed, failed, figures, seconds, at, machine } = outcome;
  const verdict =
    failed.length === 0 ? `${passed} tests passed` : `**Failed**: ${failed.join('; ')} (${passed} passed)`;
  const section = `## ${id} ${title}

Target: ${target}.
${shortfall === undefined ? '' : `\nNot reached: ${shortfall}.\n`}
${verdict} in ${duration(seconds)}, ${at.toISOString().slice(0, 10)}, ${machine}: \`npm run test:full ${id}\`
${figures.map((figure) => `\n- ${figure}`).join('')}`;
  return `${section.replaceAll(/\n{3,}/g, '\n\n').trimEnd()}\n`;
}

function duration(seconds: number): string {
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
