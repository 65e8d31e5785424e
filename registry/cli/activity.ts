/** berth activity: who pushes and pulls, who changed what, and what clients do wrong. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { escapeControls } from '../spec/log-line.ts';
import type { SessionRow } from '../spec/admin/activity.ts';
import { type AuditKind, auditKinds, type AuditRow } from '../spec/audit.ts';
import { AppError } from '../spec/errors.ts';
import type { AdminClient } from './client.ts';
import { formatBytes } from './format.ts';
import type { Io } from './io.ts';
import { parseSince } from './logs.ts';
import { type LookOptions, openFor, withLook } from './look.ts';
import { formatTable } from './table.ts';
import { done, writeJson } from './user.ts';

interface ActivityOptions extends LookOptions {
  readonly follow?: boolean;
  readonly kind?: AuditKind;
  readonly user?: string;
  readonly repository?: string;
  readonly since?: string;
  readonly until?: string;
  readonly filter?: string;
  readonly withoutChecks?: boolean;
  readonly limit?: string;
  readonly csv?: boolean;
  readonly export?: 'ndjson' | 'csv';
  readonly cancel?: string;
  readonly cards?: boolean;
  readonly dismiss?: string;
}

/** Adds `berth activity` to the program. */
export function registerActivity(program: Command, io: Io): void {
  withLook(program.command('activity'))
    .description('list who changed what, the newest first; or watch pushes and pulls as they happen')
    .option('-f, --follow', 'transfers under way and changes as they happen, until Ctrl-C')
    .addOption(new Option('--kind <kind>', 'only this kind of change').choices(auditKinds))
    .option('--user <name>', 'only what this user did')
    .option('--repository <name>', 'only what happened in this repository')
    .option('--since <when>', 'only what is younger: 10m, 24h, or a time')
    .option('--until <when>', 'only what is older')
    .option('--filter <text>', 'only lines that hold this text')
    .option('--without-checks', 'without what the doctor has pushed, pulled and deleted')
    .option('--limit <count>', 'at most so many lines; 100 for a table, all otherwise')
    .option('--csv', 'answer as comma-separated values, everything that matches')
    .addOption(
      new Option('--export <format>', 'everything that matches, one line each').choices(['ndjson', 'csv']),
    )
    .option('--cancel <id>', 'end the transfer of this number')
    .option('--cards', 'list what clients do wrong, with the command that mends it')
    .option('--dismiss <id>', 'take a card away until its mistake is made again')
    .action(async (options: ActivityOptions) => {
      using client = await openFor(io, options);
      if (options.cancel !== undefined) return await cancel(io, client, options, options.cancel);
      if (options.dismiss !== undefined)
        return void (await client.call('cards.dismiss', { id: options.dismiss }));
      if (options.cards === true) return await listCards(io, client, options);
      if (options.follow === true) return await follow(io, client, options);
      const format = options.export ?? (options.csv === true ? 'csv' : undefined);
      if (format !== undefined) return await exportAudit(io, client, { format, options });
      await listAudit(io, client, options);
    });
}

function filterOf({ kind, user, repository, filter: q, withoutChecks, ...options }: ActivityOptions) {
  return {
    kind,
    user,
    repository,
    q,
    withoutChecks,
    since: parseSince(options.since),
    until: parseSince(options.until),
  };
}

async function listAudit(io: Io, client: AdminClient, options: ActivityOptions): Promise<void> {
  const limit = parseLimit(options.limit) ?? (options.json === true ? Number.POSITIVE_INFINITY : 100);
  const rows: AuditRow[] = [];
  let after: string | undefined;
  do {
    const page = await client.call('audit.list', {
      ...filterOf(options),
      after,
      limit: Math.min(1000, limit),
    });
    rows.push(...page.rows.slice(0, limit - rows.length));
    after = page.next;
  } while (after !== undefined && rows.length < limit);
  if (options.json === true) return writeJson(io, rows);
  const table = rows.map((row) => [
    row.at,
    row.outcome === 'done' ? row.kind : `${row.kind} (failed)`,
    escapeControls(row.user ?? ''),
    whatOf(row),
    row.client ?? '',
    row.address ?? '',
  ]);
  io.out(formatTable(['WHEN', 'WHAT', 'WHO', 'OF', 'WITH', 'FROM'], table, io));
}

function parseLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new AppError('USAGE', { message: `"${text}" is not a number of lines.`, hint: 'Write --limit 20.' });
}

async function exportAudit(
  io: Io,
  client: AdminClient,
  { format, options }: { readonly format: 'ndjson' | 'csv'; readonly options: ActivityOptions },
): Promise<void> {
  let after: string | undefined;
  do {
    const page = await client.call('audit.export', { ...filterOf(options), format, after, limit: 1000 });
    io.out(page.text);
    after = page.next;
  } while (after !== undefined);
}

function whatOf({ repository, tag, digest, subject, detail, count }: AuditRow): string {
  const name = repository === undefined ? '' : `${repository}${tag === undefined ? '' : `:${tag}`}`;
  const parts = [
    name,
    tag === undefined || digest === undefined ? (digest ?? '') : digest.slice(0, 19),
    subject ?? '',
    detail ?? '',
    count === undefined ? '' : `${count} times`,
  ];
  return escapeControls(parts.filter((part) => part !== '').join(' '));
}

async function cancel(io: Io, client: AdminClient, options: LookOptions, text: string): Promise<void> {
  const id = Number(text);
  if (!Number.isSafeInteger(id) || id < 1) {
    throw new AppError('USAGE', { message: `"${text}" is not the number of a transfer.` });
  }
  const { requests } = await client.call('sessions.cancel', { id });
  done(
    io,
    options,
    { id, requests },
    requests === 0 ? 'Nothing was under way.' : `Ended ${requests} requests.`,
  );
}

async function listCards(io: Io, client: AdminClient, options: LookOptions): Promise<void> {
  const cards = await client.call('cards.list', {});
  if (options.json === true) return writeJson(io, cards);
  for (const { id, client: name, address, count, lastAt, message, action } of cards) {
    const times = count === 1 ? 'once' : `${count} times, last`;
    io.out(
      `${name ?? 'a client'} at ${address}, ${times} at ${lastAt}\n  ${escapeControls(message)}\n  ${escapeControls(action)}\n` +
        `  berth activity --dismiss '${escapeControls(id)}'\n`,
    );
  }
}

/** Sessions keep their lines on a terminal and are drawn anew; in a pipe each change is a line. */
async function follow(io: Io, client: AdminClient, options: ActivityOptions): Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const board = createBoard(io);
  const isWanted = ({
    user,
    repository,
  }: {
    readonly user?: string;
    readonly repository?: string;
  }): boolean =>
    (options.user === undefined || options.user === user) &&
    (options.repository === undefined || options.repository === repository);

  async function watchSessions(): Promise<void> {
    for await (const rows of client.subscribe('sessions', {}, { signal })) {
      for (const row of rows.filter(isWanted)) {
        if (options.json === true) io.out(`${JSON.stringify({ session: row })}\n`);
        else board.session(row);
      }
    }
  }

  async function watchAudit(): Promise<void> {
    for await (const items of client.subscribe('feed', {}, { signal })) {
      for (const { audit } of items) {
        if (audit === undefined || !isWanted(audit)) continue;
        if (options.kind !== undefined && audit.kind !== options.kind) continue;
        if (options.json === true) io.out(`${JSON.stringify({ audit })}\n`);
        else board.line(lineOf(audit));
      }
    }
  }

  try {
    await Promise.race([watchSessions(), watchAudit()]);
  } finally {
    stopping.abort();
  }
}

function lineOf(row: AuditRow): string {
  const by = row.user === undefined ? '' : `by ${escapeControls(row.user)}`;
  const from = [row.client, row.address].filter((part) => part !== undefined).join(' at ');
  return [row.at, row.kind, row.outcome === 'done' ? '' : 'failed', whatOf(row), by, from]
    .filter((part) => part !== '')
    .join('  ');
}

/** A line of `berth activity -f` for a session. */
export function sessionLine(row: SessionRow): string {
  const { id, kind, user, client, repository, tag, state, error, layers, totalBytes, bytesPerSecond } = row;
  const bytes = kind === 'push' ? row.bytesIn : row.bytesOut;
  const size = formatBytes(bytes);
  const counts = [
    `${layers.done}${layers.total === undefined ? '' : ` of ${layers.total}`} done`,
    ...(layers.reused === 0 ? [] : [`${layers.reused} reused`]),
    ...(layers.open === 0 ? [] : [`${layers.open} under way`]),
  ];
  return [
    `#${id}`,
    user === '' ? 'anonymous' : escapeControls(user),
    client,
    kind,
    `${repository}${tag === undefined ? '' : `:${tag}`}`,
    counts.join(', '),
    totalBytes === undefined ? size : `${size} of ${formatBytes(totalBytes)}`,
    ...(bytesPerSecond === 0 ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
    ...(state === 'active' ? [] : [state]),
    ...(error === undefined ? [] : [escapeControls(error)]),
  ].join('  ');
}

/** What `activity -f` shows: lines that stay, and below them the sessions that are under way. */
function createBoard({ out, isTTY }: Pick<Io, 'out' | 'isTTY'>) {
  const live = new Map<number, string>();
  let drawn = 0;

  function draw(above: readonly string[]): void {
    const width = process.stdout.columns || 80;
    const lines = [...live.values()].map((line) =>
      line.length < width ? line : `${line.slice(0, width - 2)}…`,
    );
    const up = drawn === 0 ? '' : `\u001b[${drawn}A\r\u001b[J`;
    out(up + [...above, ...lines].map((line) => `${line}\n`).join(''));
    drawn = lines.length;
  }

  return {
    line(text: string): void {
      if (isTTY) draw([text]);
      else out(`${text}\n`);
    },
    session(row: SessionRow): void {
      const text = sessionLine(row);
      if (!isTTY) return out(`${row.lastAt}  ${text}\n`);
      if (row.state === 'active') {
        live.set(row.id, text);
        draw([]);
      } else if (live.delete(row.id)) draw([`${row.lastAt}  ${text}`]);
    },
  };
}
