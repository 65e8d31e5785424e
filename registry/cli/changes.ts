/** berth changes: what was changed on this computer, in place of what, and back again. */
import type { Command } from 'commander';
import { AppError } from '../spec/errors.ts';
import { bytesAfter, describePlace } from '../../main/engine/change.ts';
import { undoChange } from '../../main/engine/changes/apply.ts';
import { getEntry, isOpen, type LedgerEntry, readLedger } from '../../main/engine/changes/ledger.ts';
import { type ChangeState, findState } from '../../main/engine/changes/state.ts';
import { thisHost } from '../../main/engine/host.ts';
import { diffOf } from '../../main/engine/show-plan.ts';
import { withConfig } from './config.ts';
import type { Io } from './io.ts';
import type { ConfigOptions } from './load.ts';
import { formatTable } from './table.ts';
import { findTarget } from './target.ts';
import { openContext, report } from './trust.ts';
import { writeJson } from './user.ts';

interface ChangesOptions extends ConfigOptions {
  readonly json?: boolean;
}

/** Adds `berth changes ls|show|undo` to the program. */
export function registerChanges(program: Command, io: Io): void {
  const changes = program
    .command('changes')
    .description('look at and undo what berth changed on this computer');

  withConfig(changes.command('ls'))
    .description('list the changes, the newest last')
    .option('--json', 'answer in JSON')
    .action(async (options: ChangesOptions) => {
      const rows = await listStates(io, options);
      if (options.json === true)
        return writeJson(
          io,
          rows.map(({ entry, state }) => ({ ...summary(entry), state })),
        );
      const table = rows.map(({ entry, state }) => [
        entry.id,
        entry.plannedAt,
        state,
        entry.change.engine,
        describePlace(entry.change.place),
        entry.by,
      ]);
      io.out(formatTable(['ID', 'WHEN', 'STATE', 'ENGINE', 'WHERE', 'BY'], table, io));
    });

  withConfig(changes.command('show <id>'))
    .description('show one change: what it did, how, and what is there at the moment')
    .option('--json', 'answer in JSON')
    .action(async (id: string, options: ChangesOptions) => {
      const { root } = await findTarget(io, options);
      const entry = getEntry(await readLedger(root), id);
      const { change } = entry;
      const { state, current } = await findState(thisHost(io.env), entry);
      if (options.json === true) return writeJson(io, { ...summary(entry), state, change });
      const diff = diffOf(change, current, bytesAfter(change).toString('utf8'));
      io.out(
        [
          `${entry.id}  ${change.title}`,
          `where:    ${describePlace(change.place)}`,
          `state:    ${state}${entry.reason === undefined ? '' : ` (${entry.reason})`}`,
          `when:     ${entry.plannedAt} by ${entry.by}`,
          ...change.manual.map((line) => `by hand:  ${line}`),
          ...(state === 'in place' || diff === ''
            ? []
            : ['what is there (-) and what it put there (+):', diff]),
          '',
        ].join('\n'),
      );
    });

  withConfig(changes.command('undo [id]'))
    .description('undo a change: what is ours goes, later edits of others stay')
    .option('--all', 'undo every change, the newest first')
    .option('--json', 'answer in JSON')
    .action(async (id: string | undefined, options: ChangesOptions & { readonly all?: boolean }) => {
      const target = await findTarget(io, options);
      const entries = await readLedger(target.root);
      if ((id === undefined) === (options.all !== true)) {
        throw new AppError('USAGE', {
          message: 'Name one change, or say --all.',
          hint: 'berth changes ls lists them.',
        });
      }
      const open = entries.filter(({ state }) => isOpen(state));
      const wanted = id === undefined ? open.toReversed() : [getEntry(entries, id)];
      await using context = await openContext(thisHost(io.env), target);
      const outcomes = [];
      for (const entry of wanted) outcomes.push(await undoChange(context, entry.id));
      if (options.json === true) {
        return writeJson(
          io,
          outcomes.map(({ id: change, result }) => ({ id: change, result })),
        );
      }
      if (outcomes.length === 0) io.out('There is nothing to undo.\n');
      report(io, outcomes);
    });
}

/** Every change with what became of it, the oldest first. */
export async function listStates(
  io: Io,
  options: ConfigOptions,
): Promise<readonly { readonly entry: LedgerEntry; readonly state: ChangeState }[]> {
  const { root } = await findTarget(io, options);
  const host = thisHost(io.env);
  const entries = await readLedger(root);
  return await Promise.all(
    entries.map(async (entry) => ({ entry, state: (await findState(host, entry)).state })),
  );
}

export function summary({ id, change, by, plannedAt, changedAt, reason }: LedgerEntry) {
  const { title, engine, address, place } = change;
  return { id, title, engine, address, where: describePlace(place), by, plannedAt, changedAt, reason };
}
