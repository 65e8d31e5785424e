/** berth verify: whether all that is stored is what was pushed. */
import type { Command } from 'commander';
import type { DamageRow, ScrubRun } from '../spec/admin/integrity.ts';
import { AppError } from '../spec/errors.ts';
import type { AdminClient } from './client.ts';
import { formatBytes } from './format.ts';
import type { Io } from './io.ts';
import { allRows, type LookOptions, openFor, withLook } from './look.ts';
import { withProgress } from './progress.ts';
import { formatTable } from './table.ts';
import { done, writeJson } from './user.ts';

interface VerifyOptions extends LookOptions {
  readonly rebuildIndex?: boolean;
  readonly status?: boolean;
  readonly forget?: string;
}

/** Adds `berth verify` to the program. */
export function registerVerify(program: Command, io: Io): void {
  withLook(program.command('verify [repositories...]'))
    .description(
      'read all that is stored, or what some repositories need, and compare it with its digests; pushes and pulls go on. Ends with 1 when something is damaged',
    )
    .option('--rebuild-index', 'make the index anew from the disk before')
    .option('--status', 'check nothing; say what the last check has found')
    .option('--forget <digest>', 'drop damaged content from the list, and what was put aside of it')
    .action(async (repositories: readonly string[], options: VerifyOptions) => {
      using client = await openFor(io, options);
      if (options.forget !== undefined) {
        const { digest } = await client.call('damaged.forget', { digest: options.forget });
        return done(io, options, { digest }, `${digest} is forgotten.`);
      }
      const run =
        options.status === true
          ? (await client.call('scrub.status', {})).last
          : await verify(io, client, { repositories, ...options });
      const damaged = await allRows((after) => client.call('damaged.list', { after, limit: 1000 }));
      if (options.json === true) writeJson(io, { ...(run && { run }), damaged });
      else io.out(describe(run, damaged, io));
      if ((run !== undefined && countDamaged(run) > 0) || damaged.some(isOpen))
        throw new AppError('CONTENT_DAMAGED');
    });
}

async function verify(
  io: Io,
  client: AdminClient,
  { repositories, rebuildIndex, json }: VerifyOptions & { readonly repositories: readonly string[] },
): Promise<ScrubRun> {
  if (rebuildIndex === true) await client.call('index.rebuild', {});
  return await withProgress(io, client, { kind: 'scrub', json }, (signal) =>
    client.call('scrub.run', { repositories: [...repositories] }, { signal }),
  );
}

function isOpen({ state }: DamageRow): boolean {
  return state !== 'healed';
}

function countDamaged({ quarantined, missing, unlinked, unreadable }: ScrubRun): number {
  return quarantined + missing + unlinked + unreadable;
}

function describe(run: ScrubRun | undefined, damaged: readonly DamageRow[], io: Io): string {
  const checked =
    run === undefined
      ? 'Nothing was checked yet.\n'
      : `${run.blobs} blobs with ${formatBytes(run.bytes)} were checked, ${countDamaged(run)} are damaged.\n`;
  if (damaged.length === 0) return checked;
  const rows = damaged.map((row) => [
    row.digest,
    row.state,
    formatBytes(row.size),
    row.at,
    row.tags.join(' ') || row.repositories.join(' ') || 'no image needs it',
  ]);
  const hints = [...new Set(damaged.filter(isOpen).map(({ hint }) => hint))];
  const table = formatTable(['DIGEST', 'STATE', 'SIZE', 'FOUND', 'BREAKS'], rows, io);
  return [checked, table, ...hints.map((hint) => `${hint}\n`)].join('');
}
