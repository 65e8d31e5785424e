/** Consent on the command line: the whole plan is shown, a person agrees, or an earlier look at it is named by its hash. */
import { X509Certificate } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { AppError } from '../spec/errors.ts';
import { bytesAfter, type Change, describePlace, type Plan, planHash } from '../../main/engine/change.ts';
import { openPlace } from '../../main/engine/changes/places.ts';
import { renderDiff } from '../../main/engine/files/diff.ts';
import type { Host } from '../../main/engine/host.ts';
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
  const hash = planHash(plan);
  if (options.dryRun === true) {
    io.out(
      options.json === true
        ? `${JSON.stringify({ plan: hash, ...plan }, undefined, 2)}\n`
        : await renderPlan(host, plan),
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
  io.err(await renderPlan(host, plan));
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
  const rows: string[] = ['', plan.title, '', ...row('Why', [plan.why])];
  for (const change of plan.changes) rows.push(...row('What', await describeChange(host, change)));
  const manual = plan.changes.flatMap((change) => change.manual);
  if (manual.length > 0) rows.push(...row('By hand', manual));
  if (plan.effects.length > 0) rows.push(...row('Effect', plan.effects));
  rows.push(
    ...row('Safety', ['What was there is kept, and put back if it does not work.']),
    ...row('Undo', ['berth changes undo ID (berth changes ls shows the id)']),
    ...row('Plan', [planHash(plan)]),
    '',
    '',
  );
  return rows.join('\n');
}

function row(head: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => `  ${(at === 0 ? head : '').padEnd(8)}${line}`.trimEnd());
}

async function describeChange(host: Host, change: Change): Promise<readonly string[]> {
  const { place, needsRoot, activation } = change;
  const current = await openPlace(host, place).read();
  const after = bytesAfter(change).toString('utf8');
  const how = [
    ...(place.kind === 'engine-file' ? ["through the engine's own API"] : []),
    ...(needsRoot ? ['as an administrator'] : []),
    ...(activation.kind === 'run' || activation.kind === 'reload'
      ? [`then: ${activation.command.join(' ')}`]
      : []),
  ];
  const sign = current === undefined ? '+' : '~';
  const head = `${sign} ${describePlace(place)}${how.length === 0 ? '' : `   (${how.join('; ')})`}`;
  const certificate = findCertificate(after);
  const lines = certificate === undefined ? renderChange(change, current, after).split('\n') : [certificate];
  return [head, ...lines.map((line) => `    ${line}`)];
}

/** What a person wants to know of a certificate; `undefined` if the text is none. */
function findCertificate(text: string): string | undefined {
  if (!text.startsWith('-----BEGIN CERTIFICATE-----')) return undefined;
  const { subject, fingerprint256, validToDate } = new X509Certificate(text);
  const name = subject.replace(/^CN=/, '');
  return `certificate "${name}", valid to ${validToDate.toISOString().slice(0, 10)}, SHA-256 ${fingerprint256}`;
}

/** The diff of a change. Lines beside ours may hold a password: Docker's config.json, or a proxy in daemon.json. */
export function renderChange(change: Change, current: Uint8Array | undefined, after: string): string {
  const before = current === undefined ? '' : Buffer.from(current).toString('utf8');
  const context = change.edit.kind === 'json-member' ? 0 : 2;
  return renderDiff(before, after, { context }).replaceAll(/:\/\/[^/\s"]*@/g, '://***@');
}
