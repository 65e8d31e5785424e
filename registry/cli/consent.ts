/** Consent on the command line: the whole plan is shown, a person agrees, or an earlier look at it is named by its hash. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { AppError } from '../spec/errors.ts';
import { type Plan, planHash } from '../../main/engine/change.ts';
import type { Host } from '../../main/engine/host.ts';
import { type ShownChange, showPlan } from '../../main/engine/show-plan.ts';
import type { Io } from './io.ts';

export interface ConsentOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly plan?: string;
  readonly json?: boolean;
}

/** Adds the options of commands that change the computer. */
export function withConsent(command: Command): Command {
  return command
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--yes', 'agree without being asked; only together with --plan')
    .option('--plan <hash>', 'the plan agreed to, as --dry-run printed it')
    .option('--json', 'answer in JSON');
}

/**
 * Shows the plan and answers its hash once it is agreed to; `undefined` for a dry run. Throws CONSENT_NEEDED (nobody
 * to ask, a no, or another plan than the one named) and USAGE.
 */
export async function askConsent(
  io: Io,
  host: Host,
  plan: Plan,
  options: ConsentOptions,
): Promise<string | undefined> {
  return await askAbout(
    io,
    { hash: planHash(plan), value: plan, text: () => renderPlan(host, plan) },
    options,
  );
}

/** What somebody agrees to. */
export interface Asked {
  readonly hash: string;
  /** What `--json` shows of it, an object. */
  readonly value: object;
  readonly text: () => Promise<string>;
}

/** The same for what is no plan of changes. */
export async function askAbout(
  io: Io,
  { hash, value, text }: Asked,
  options: ConsentOptions,
): Promise<string | undefined> {
  if (options.dryRun === true) {
    io.out(
      options.json === true ? `${JSON.stringify({ plan: hash, ...value }, undefined, 2)}\n` : await text(),
    );
    return undefined;
  }
  if (options.yes === true) {
    if (options.plan === undefined) {
      throw new AppError('USAGE', {
        message: '--yes needs --plan with the hash of the plan that you have seen.',
        hint: 'Run the command with --dry-run: it shows the plan and its hash.',
      });
    }
    if (options.plan === hash) return hash;
    throw new AppError('CONSENT_NEEDED', {
      message: `The plan is not ${options.plan} any more: it is ${hash}.`,
      hint: 'Look at it with --dry-run.',
    });
  }
  // What is asked belongs to the person, not into a pipe that reads the answer.
  io.err(await text());
  if (!io.canAsk) {
    throw new AppError('CONSENT_NEEDED', {
      message: 'This changes the computer, and there is no terminal to ask on.',
      hint: `To agree to exactly this, repeat the command with: --yes --plan ${hash}`,
    });
  }
  if (await isAgreed(io, 'Do it? [y/N] ')) return hash;
  throw new AppError('CONSENT_NEEDED', { message: 'Nothing was changed.', hint: '' });
}

/** Asks a question whose answer is yes or no; anything but a yes is a no. */
export async function isAgreed(io: Io, question: string): Promise<boolean> {
  const lines = createInterface({ input: io.stdin, output: process.stderr, terminal: false });
  try {
    return /^y(?:es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}

/** The plan as a sheet of text. */
async function renderPlan(host: Host, plan: Plan): Promise<string> {
  const { title, why, changes, effects, hash } = await showPlan(host, plan);
  const rows: string[] = ['', title, '', ...sheetRow('Why', [why])];
  for (const change of changes) rows.push(...sheetRow('What', describeChange(change)));
  const manual = changes.flatMap((change) => change.manual);
  if (manual.length > 0) rows.push(...sheetRow('By hand', manual));
  if (effects.length > 0) rows.push(...sheetRow('Effect', effects));
  rows.push(
    ...sheetRow('Safety', ['What was there is kept, and put back if it does not work.']),
    ...sheetRow('Undo', ['berth changes undo ID (berth changes ls shows the id)']),
    ...sheetRow('Plan', [hash]),
    '',
    '',
  );
  return rows.join('\n');
}

/** Lines of a sheet under a head. */
export function sheetRow(head: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => `  ${(at === 0 ? head : '').padEnd(8)}${line}`.trimEnd());
}

function describeChange({ where, isNew, how, diff, certificate }: ShownChange): readonly string[] {
  const head = `${isNew ? '+' : '~'} ${where}${how.length === 0 ? '' : `   (${how.join('; ')})`}`;
  const lines =
    certificate === undefined
      ? diff.split('\n')
      : [
          `certificate "${certificate.subject}", valid to ${certificate.validTo.slice(0, 10)}, SHA-256 ${certificate.fingerprint}`,
        ];
  return [head, ...lines.map((line) => `    ${line}`)];
}
