/** berth ls, tags, history, du and status: what a running registry holds. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Page } from '../spec/admin/arguments.ts';
import { repositorySorts, tagOrders } from '../spec/admin/content.ts';
import type { DiskRow, StatusRow } from '../spec/admin/process.ts';
import { AppError } from '../spec/errors.ts';
import { parseTag } from '../spec/names.ts';
import { invalidQuery, parseQuery, type QueriedList, type QueryProblem } from '../spec/query.ts';
import { type AdminClient, openClient } from './client.ts';
import { withConfig } from './config.ts';
import { formatBytes, printable } from './format.ts';
import type { Io } from './io.ts';
import { type ConfigOptions, loadFor } from './load.ts';
import { formatTable } from './table.ts';
import { writeJson } from './user.ts';

export interface LookOptions extends ConfigOptions {
  readonly json?: boolean;
}

interface ListOptions extends LookOptions {
  readonly sort: string;
  readonly filter?: string;
  readonly reverse?: boolean;
  readonly quiet?: boolean;
}

/** Adds `berth ls|tags|history|du|status` to the program. */
export function registerLook(program: Command, io: Io): void {
  withList(program.command('ls [repository]'))
    .description('list the repositories, or the tags of one')
    .addOption(
      new Option('--sort <order>', 'the order of repositories').choices(repositorySorts).default('name'),
    )
    .action(async (repository: string | undefined, options: ListOptions) => {
      if (repository !== undefined) return await listTags(io, repository, { ...options, sort: 'pushed' });
      const sort = repositorySorts.find((each) => each === options.sort) ?? 'name';
      const asked = { sort, ...filterOf(io, 'repositories', options), descending: downOf(sort, options) };
      using client = await openFor(io, options);
      const rows = await allRows((after) =>
        client.call('repositories.list', { ...asked, after, limit: 1000 }),
      );
      if (options.json === true) return writeJson(io, rows);
      if (options.quiet === true)
        return writeNames(
          io,
          rows.map(({ name }) => name),
        );
      const table = rows.map((row) => [
        row.name,
        row.kind ?? '',
        String(row.tagCount),
        formatBytes(row.exclusiveBytes),
        formatBytes(row.sharedBytes),
        row.pushedAt ?? '',
        row.lastPulledAt ?? '',
      ]);
      io.out(
        formatTable(['REPOSITORY', 'KIND', 'TAGS', 'OWN', 'SHARED', 'PUSHED', 'LAST PULLED'], table, io),
      );
    });

  withList(program.command('tags <repository>'))
    .description('list the tags of a repository')
    .addOption(new Option('--sort <order>', 'the order').choices(tagOrders).default('pushed'))
    .action((repository: string, options: ListOptions) => listTags(io, repository, options));

  withLook(program.command('history <reference>'))
    .description('list the moves of the tags of a repository, or of one tag (repository:tag)')
    .action(async (name: string, options: LookOptions) => {
      using client = await openFor(io, options);
      const { repository, tag } = splitName(name);
      const rows = await allRows((after) =>
        client.call('history.list', { repository, tag, after, limit: 1000 }),
      );
      if (options.json === true) return writeJson(io, rows);
      const table = rows.map((row) => [
        row.at,
        row.tag,
        row.from !== undefined && row.from === row.to ? 'again' : row.kind,
        row.from ?? '',
        row.to ?? '',
        row.by ?? '',
        row.client ?? '',
      ]);
      io.out(formatTable(['WHEN', 'TAG', 'WHAT', 'FROM', 'TO', 'BY', 'WITH'], table, io));
    });

  withLook(program.command('du'))
    .description('show what takes room, and what a collection would free')
    .action(async (options: LookOptions) => {
      using client = await openFor(io, options);
      const usage = await client.call('usage.get', {});
      if (options.json === true) return writeJson(io, usage);
      const rows = usage.repositories.map(({ name, exclusiveBytes, sharedBytes }) => [
        name,
        formatBytes(exclusiveBytes),
        formatBytes(sharedBytes),
      ]);
      io.out(formatTable(['REPOSITORY', 'OWN', 'SHARED'], rows, io));
      const quotas = usage.quotas.map((quota) => {
        const { usedBytes, limitBytes, usedTags, limitTags } = quota;
        const used = `${formatBytes(usedBytes)} of ${formatBytes(limitBytes)}`;
        return `quota ${quota.id}: ${used}${limitTags === undefined ? '' : `, ${usedTags} of ${limitTags} tags`}`;
      });
      io.out(
        [
          '',
          `all:          ${formatBytes(usage.totalBytes)}`,
          `trash:        ${formatBytes(usage.trashBytes)}`,
          `reclaimable:  ${formatBytes(usage.reclaimableBytes)}`,
          ...(usage.quarantinedBytes === 0 ? [] : [`put aside:    ${formatBytes(usage.quarantinedBytes)}`]),
          ...(usage.freeBytes === undefined ? [] : [`free on disk: ${formatBytes(usage.freeBytes)}`]),
          ...quotas,
          '',
        ].join('\n'),
      );
    });

  withLook(program.command('status'))
    .description('show the running registry')
    .action(async (options: LookOptions) => {
      using client = await openFor(io, options);
      const status = await client.call('status.get', {});
      if (options.json === true) return writeJson(io, status);
      io.out(
        [
          `running:  ${status.urls.join(' ')}`,
          `window:   ${status.ui ?? 'switched off'}`,
          `version:  ${status.version}`,
          `since:    ${status.startedAt}`,
          `writes:   ${status.isReadOnly ? 'refused, read-only' : 'taken'}`,
          `index:    ${status.index}`,
          `disk:     ${describeDisk(status.disk)}`,
          ...warningsOf(status),
          '',
        ].join('\n'),
      );
    });
}

/** What everybody who looks should know, a line each. */
function warningsOf({ isOpen, isPlain, unheeded }: StatusRow): readonly string[] {
  return [
    ...(isOpen ? ['warning:  login is switched off, everybody may do everything'] : []),
    ...(isPlain ? ['warning:  other computers are served without TLS'] : []),
    ...unheeded.map((line) => `warning:  ${line}`),
  ];
}

function describeDisk({ state, freeBytes }: DiskRow): string {
  const words = { ok: 'has room', low: 'getting full', full: 'full, pushes are refused' };
  return `${words[state]}${freeBytes === undefined ? '' : `, ${formatBytes(freeBytes)} free`}`;
}

/** Adds the options of verbs that ask a running registry. */
export function withLook(command: Command): Command {
  return withConfig(command).option('--json', 'answer in JSON');
}

const queryHelp = `
The query of --filter: terms separated by spaces, all of which must hold; a minus before one denies it.
  api "two words"      in the name
  :latest  :v1.*       a tag; with a star, tags that begin so
  sha256:2c26          the start of a digest
  arch:arm64 os:linux kind:helm by:anna
  pushed:<7d pulled:>90d pulled:never   how long ago: s m h d w y
  size:>1g size:<10m   k m g t, or ki mi gi ti
  is:untagged is:unsigned is:signed is:multiplatform is:stale is:fallback
`;

function withList(command: Command): Command {
  return withLook(command)
    .option('--filter <query>', 'only what the query finds')
    .option('--reverse', 'the other way round')
    .option('-q, --quiet', 'names only, one a line')
    .addHelpText('after', queryHelp);
}

/** Throws QUERY_INVALID; a person sees each problem marked under the query. */
function filterOf(io: Io, list: QueriedList, { filter }: ListOptions): { readonly q?: string } {
  if (filter === undefined) return {};
  const { problems } = parseQuery(filter, list);
  if (problems.length > 0)
    throw invalidQuery(problems, io.isTTY ? markProblems(filter, problems) : undefined);
  return { q: filter };
}

/** The query, and under it a line of carets for each problem, as compilers do it. */
function markProblems(query: string, problems: readonly QueryProblem[]): string {
  // What is printed of a control character is longer than it.
  const widthOf = (start: number, end: number): number => printable(query.slice(start, end)).length;
  const marks = problems.map(
    ({ start, end, message }) =>
      `  ${' '.repeat(widthOf(0, start))}${'^'.repeat(widthOf(start, end))} ${printable(message)}`,
  );
  return [`  ${printable(query)}`, ...marks].join('\n');
}

/** Names go up by themselves, everything else down. */
function downOf(sort: string, { reverse }: ListOptions): boolean {
  return (sort !== 'name') !== (reverse === true);
}

function writeNames(io: Io, names: readonly string[]): void {
  io.out(names.map((name) => `${printable(name)}\n`).join(''));
}

/** Connects to the registry of a data directory. Throws NOT_RUNNING, DATA_UNUSABLE. */
export async function openFor(io: Io, options: ConfigOptions): Promise<AdminClient> {
  return await openClient((await loadFor(io, options)).root);
}

/** Splits `repository:tag`; the tag is `undefined` without one. Throws USAGE for a malformed tag. */
export function splitName(name: string): { readonly repository: string; readonly tag: string | undefined } {
  const colon = name.lastIndexOf(':');
  if (colon < 0) return { repository: name, tag: undefined };
  const tag = name.slice(colon + 1);
  if (parseTag(tag) === undefined) {
    throw new AppError('USAGE', { message: `"${name}" is not repository:tag.`, hint: 'Write team/app:1.' });
  }
  return { repository: name.slice(0, colon), tag };
}

/** All rows of a list, page by page. */
export async function allRows<Row>(
  page: (after: string | undefined) => Promise<Page<Row>>,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let after: string | undefined;
  do {
    const answer = await page(after);
    rows.push(...answer.rows);
    after = answer.next;
  } while (after !== undefined);
  return rows;
}

async function listTags(io: Io, repository: string, options: ListOptions): Promise<void> {
  const sort = tagOrders.find((each) => each === options.sort) ?? 'pushed';
  const asked = { repository, sort, ...filterOf(io, 'tags', options), descending: downOf(sort, options) };
  using client = await openFor(io, options);
  const rows = await allRows((after) => client.call('tags.list', { ...asked, after, limit: 1000 }));
  if (options.json === true) return writeJson(io, rows);
  if (options.quiet === true)
    return writeNames(
      io,
      rows.map(({ tag }) => tag),
    );
  const table = rows.map((row) => [
    row.tag,
    row.digest.slice(0, 19),
    row.platforms.join(' '),
    formatBytes(row.totalBytes),
    row.pushedAt,
    row.pushedBy ?? '',
    String(row.pullCount),
  ]);
  io.out(formatTable(['TAG', 'DIGEST', 'PLATFORMS', 'SIZE', 'PUSHED', 'BY', 'PULLS'], table, io));
}
