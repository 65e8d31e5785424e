import type { CheckRow } from '../../../registry/spec/admin/computer.ts';
import { formatPlural } from '../../format.ts';

/** `2 problems, 1 muted`, `No problems found`. */
export function countOf(checks: readonly CheckRow[], muted: readonly string[]): string {
  const problems = checks.filter(({ status }) => status === 'fail' || status === 'warn');
  const open = problems.filter(({ id }) => !muted.includes(id)).length;
  const silent = problems.length - open;
  const words = open === 0 ? 'No problems found' : formatPlural(open, 'problem');
  return silent === 0 ? words : `${words}, ${silent} muted`;
}

/** The checks as text for somebody who helps. The registry has left secrets out of what programs said. */
export function reportOf(checks: readonly CheckRow[]): string {
  return checks
    .map(({ id, status, sentence, evidence, fix }) =>
      [
        `${status.toUpperCase()} ${id}: ${sentence}`,
        ...(evidence === undefined ? [] : evidence.split('\n').map((line) => `    ${line}`)),
        ...(fix === undefined
          ? []
          : [`    fix: ${fix.sentence}${fix.command === undefined ? '' : ` (${fix.command})`}`]),
      ].join('\n'),
    )
    .join('\n');
}
