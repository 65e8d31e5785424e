/** berth rules and protect: what keeps a registry tidy by itself. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { AppError } from '../spec/errors.ts';
import { parseLifetime } from '../spec/lifetime.ts';
import type { AdminInput } from '../spec/admin-api.ts';
import type { Outcome, RuleSet } from '../spec/admin/rules.ts';
import type { AdminClient } from './client.ts';
import { isAgreed } from './consent.ts';
import { formatBytes } from './format.ts';
import type { Io } from './io.ts';
import { type LookOptions, openFor, withLook } from './look.ts';
import { describeExpiry, describeQuota, describeReason, describeRetention } from './rule-sentences.ts';
import { formatTable } from './table.ts';
import { done, writeJson } from './user.ts';

interface SimulateOptions extends LookOptions {
  readonly all?: boolean;
}

interface ExpiringOptions extends LookOptions {
  readonly within: string;
  readonly limit: string;
}

interface SetOptions extends LookOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly plan?: string;
  readonly count?: string;
}

type Sections = AdminInput<'rules.set'>['rules'];

/** Adds `berth rules ls|expiring|simulate|set|run|export` and `berth protect add|ls|rm` to the program. */
export function registerRules(program: Command, io: Io): void {
  const rules = program
    .command('rules')
    .description('retention, expiring tags and quotas: what keeps the registry tidy by itself');

  withLook(rules.command('ls [id]'))
    .description('say what the rules are, or one of them')
    .action(async (id: string | undefined, options: LookOptions) => {
      using client = await openFor(io, options);
      const found = await client.call('rules.get', id === undefined ? {} : { id });
      if (options.json === true) return writeJson(io, found);
      io.out(formatTable(['ID', 'RULE'], sentencesOf(found), io));
    });

  withLook(rules.command('expiring'))
    .description('list the tags that rules delete soon, the next first')
    .option('--within <time>', 'how soon: 36h, 7d', '24h')
    .option('--limit <n>', 'how many are listed at most', '100')
    .action(async (options: ExpiringOptions) => {
      const withinMs = parseLifetime(options.within);
      if (withinMs === undefined)
        throw new AppError('USAGE', {
          message: `"${options.within}" is no time.`,
          hint: 'A number and one of s, m, h, d and w: 36h.',
        });
      const asked = { withinMs, limit: Number(options.limit) };
      using client = await openFor(io, options);
      const found = await client.call('rules.expiring', asked);
      if (options.json === true) return writeJson(io, found);
      const rows = found.rows.map(({ repository, tag, expiresAt, rule }) => [
        `${repository}:${tag}`,
        expiresAt,
        rule,
      ]);
      io.out(formatTable(['TAG', 'EXPIRES', 'RULE'], rows, io));
    });

  withLook(rules.command('export'))
    .description('print the rules as JSON, for berth rules set')
    .action(async (options: LookOptions) => {
      using client = await openFor(io, options);
      writeJson(io, await client.call('rules.get', {}));
    });

  withLook(rules.command('simulate [file]'))
    .description(
      'say what the rules, or those of a file (- is standard input), would delete, and delete nothing',
    )
    .option('--all', 'list the tags that stay as well')
    .action(async (file: string | undefined, options: SimulateOptions) => {
      using client = await openFor(io, options);
      const sections = file === undefined ? undefined : await readSections(io, file);
      await simulate(io, client, sections, options);
    });

  withLook(rules.command('set <file>'))
    .description('take the rules of a file (- is standard input); sections that it leaves out stay')
    .option('--dry-run', 'say what they would delete, and change nothing')
    .option('--yes', 'agree without being asked; only together with --plan')
    .option('--plan <hash>', 'the plan agreed to, as --dry-run printed it')
    .option('--count <n>', 'the number of deletions, where a repository would lose every tag')
    .action((file: string, options: SetOptions) => set(io, file, options));

  withLook(rules.command('run'))
    .description('delete now what the rules do not keep; it lies in the trash then')
    .action(async (options: LookOptions) => {
      using client = await openFor(io, options);
      const result = await client.call('rules.run', {});
      const spared = result.sparedTags === 0 ? '' : ` ${result.sparedTags} were in use meanwhile and stay.`;
      done(
        io,
        options,
        result,
        `Deleted ${result.deletedTags} tags and ${result.manifests} manifests.${spared}`,
      );
    });

  const protect = program.command('protect').description('tags that are neither moved nor deleted');
  withLook(protect.command('add <rule>', { isDefault: true }))
    .description('protect tags by patterns of repositories and tags, such as team/**:v*')
    .action(async (rule: string, options: LookOptions) => {
      using client = await openFor(io, options);
      const rows = await client.call('protect.add', { rule });
      const wider = widen(rule);
      const hint = wider === undefined ? '' : ` To protect all of its kind: berth protect add '${wider}'`;
      done(io, options, rows, `Protected: ${rule}.${hint}`);
    });
  withLook(protect.command('ls'))
    .description('list the patterns of protected tags, and where they stand')
    .action(async (options: LookOptions) => {
      using client = await openFor(io, options);
      const rows = await client.call('protect.list', {});
      if (options.json === true) return writeJson(io, rows);
      io.out(
        formatTable(
          ['RULE', 'SOURCE'],
          rows.map(({ rule, source }) => [rule, source]),
          io,
        ),
      );
    });
  withLook(protect.command('rm <rule>'))
    .description('take a protection back')
    .action(async (rule: string, options: LookOptions) => {
      using client = await openFor(io, options);
      const rows = await client.call('protect.remove', { rule });
      done(io, options, rows, `No longer protected by the rule: ${rule}.`);
    });
}

function sentencesOf({ retention, expiry, quotas, protected: protections }: RuleSet) {
  return [
    ...retention.map((rule) => [rule.id, describeRetention(rule)]),
    ...expiry.map((rule) => [rule.id, describeExpiry(rule)]),
    ...quotas.map((quota) => [quota.id, describeQuota(quota)]),
    ...protections.map((rule) => [rule, 'Neither move nor delete these tags.']),
  ];
}

async function simulate(
  io: Io,
  client: AdminClient,
  sections: Sections | undefined,
  options: SimulateOptions,
): Promise<Outcome> {
  const only = options.all === true ? undefined : ('delete' as const);
  const asked = { rules: sections, only, limit: 1000 };
  const first = await client.call('rules.simulate', asked);
  const rows = [...first.rows];
  for (let { next } = first; next !== undefined;) {
    const page = await client.call('rules.simulate', { ...asked, after: next });
    rows.push(...page.rows);
    next = page.next;
  }
  if (options.json === true) {
    writeJson(io, { rows, outcome: first.outcome });
    return first.outcome;
  }
  const table = rows.map((row) => [
    row.decision,
    `${row.repository}:${row.tag}`,
    describeReason(row.reason, row.rule),
    formatBytes(row.bytes),
    row.pushedAt,
  ]);
  io.out(formatTable(['WHAT', 'TAG', 'WHY', 'SIZE', 'PUSHED'], table, io));
  io.out(`${describeOutcome(first.outcome)}\n`);
  return first.outcome;
}

async function set(io: Io, file: string, options: SetOptions): Promise<void> {
  const sections = await readSections(io, file);
  using client = await openFor(io, options);
  if (options.yes === true && options.plan === undefined) {
    throw new AppError('USAGE', {
      message: '--yes needs --plan with the hash of the plan that you have seen.',
      hint: 'Run the command with --dry-run: it shows the plan and its hash.',
    });
  }
  if (options.yes === true && options.plan !== undefined) {
    await save(io, client, { rules: sections, plan: options.plan, ...countOf(options) }, options);
    return;
  }
  if (options.dryRun === true) {
    await simulate(io, client, sections, options);
    return;
  }
  // What is asked belongs to the person, not into a pipe that reads the answer.
  const shown = { ...io, out: io.err };
  const outcome = await simulate(shown, client, sections, { ...options, json: false });
  if (outcome.deletedTags > 0) await agree(io, outcome);
  await save(io, client, { rules: sections, plan: outcome.plan, ...countOf(options) }, options);
}

async function save(
  io: Io,
  client: AdminClient,
  input: AdminInput<'rules.set'>,
  options: LookOptions,
): Promise<void> {
  done(io, options, await client.call('rules.set', input), 'The rules are in force.');
}

async function agree(io: Io, { deletedTags, emptiedRepositories, plan }: Outcome): Promise<void> {
  if (!io.canAsk) {
    const count = emptiedRepositories === 0 ? '' : ` --count ${deletedTags}`;
    throw new AppError('CONSENT_NEEDED', {
      message: 'These rules delete tags, and there is no terminal to ask on.',
      hint: `To agree to exactly this, repeat the command with: --yes --plan ${plan}${count}`,
    });
  }
  const all = emptiedRepositories === 0 ? '' : `, every one of ${emptiedRepositories} repositories`;
  if (await isAgreed(io, `Take these rules? They delete ${deletedTags} tags${all}. [y/N] `)) return;
  throw new AppError('CONSENT_NEEDED', { message: 'Nothing was changed.', hint: '' });
}

function countOf({ count }: SetOptions): { readonly confirmCount?: number } {
  if (count === undefined) return {};
  if (/^\d{1,9}$/.test(count)) return { confirmCount: Number(count) };
  throw new AppError('USAGE', { message: `--count is not a number: "${count}".` });
}

function describeOutcome(outcome: Outcome): string {
  const { deletedTags, keptTags, manifests, freedBytes, emptied, emptiedRepositories, plan } = outcome;
  const more = emptiedRepositories > emptied.length ? ' and more' : '';
  return [
    `${deletedTags} tags go, ${keptTags} stay; ${manifests} manifests go with their last tag.`,
    `Frees ${formatBytes(freedBytes)}, once the trash is over.`,
    ...(emptiedRepositories === 0 ? [] : [`Nothing is left of: ${emptied.join(', ')}${more}`]),
    `Plan: ${plan}`,
  ].join('\n');
}

/** The schema is the registry's: it answers what does not fit. */
async function readSections(io: Io, file: string): Promise<Sections> {
  const text = file === '-' ? await readAll(io) : await readNamed(file);
  try {
    const { version: _, ...sections } = Object(JSON.parse(text)) as Sections & { readonly version?: unknown };
    return sections;
  } catch (cause) {
    const place = cause instanceof SyntaxError ? /line \d+ column \d+/.exec(cause.message)?.[0] : undefined;
    throw new AppError('RULES_INVALID', {
      message: `"${file}" is not JSON text${place === undefined ? '' : ` (${place})`}.`,
      hint: 'berth rules export prints rules to start from.',
    });
  }
}

async function readNamed(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new AppError('USAGE', { message: `Cannot read "${file}": ${cause.code ?? 'unknown error'}.` });
  });
}

async function readAll(io: Io): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of io.stdin as AsyncIterable<Buffer | string>)
    parts.push(Buffer.from(part as Buffer));
  return Buffer.concat(parts).toString('utf8');
}

/** `team/app:v1.2` is one of `team/app:v*`. */
function widen(rule: string): string | undefined {
  const [, repositories, letters] = /^([^:]+):([A-Za-z]*)\d[^*]*$/.exec(rule) ?? [];
  return repositories === undefined || letters === undefined || letters === ''
    ? undefined
    : `${repositories}:${letters}*`;
}
