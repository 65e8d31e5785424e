/** berth changes: what was changed on this computer, in place of what, and back again. */
import type { Command } from 'commander';
import { AppError } from '../spec/errors.ts';
import { bytesAfter, describePlace } from '../../main/engine/change.ts';
import { undoChange } from '../../main/engine/changes/apply.ts';
import { undoByHand } from '../../main/engine/changes/by-hand.ts';
import { getEntry, isOpen, type LedgerEntry, readLedger } from '../../main/engine/changes/ledger.ts';
import { type ChangeState, findState } from '../../main/engine/changes/state.ts';
import { type Undone, undoChanges } from '../../main/engine/changes/undo-changes.ts';
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
      const wanted = entries.filter(({ state }) => isOpen(state)).toReversed();
      await using context = await openContext(thisHost(io.env), target);
      if (id !== undefined) {
        const outcome = await undoChange(context, id);
        if (options.json === true) return writeJson(io, [{ id, result: outcome.result }]);
        return report(io, [outcome]);
      }
      const undone = await undoChanges(context, wanted);
      const { outcomes, left } = undone;
      if (options.json === true) {
        writeJson(io, [
          ...outcomes.map(({ id: change, result }) => ({ id: change, result })),
          ...left.map(({ entry, error }) => ({ id: entry.id, result: 'left', error: error.message })),
        ]);
      } else {
        if (wanted.length === 0) io.out('There is nothing to undo.\n');
        report(io, outcomes);
      }
      refuseLeft(leftOf(undone, target.root));
    });
}

/** What could not be taken back. */
export interface Left {
  readonly title: string;
  readonly error: AppError;
  /** How a person takes it back. */
  readonly byHand: readonly string[];
}

/** `root` is the data directory. */
export function leftOf({ left }: Undone, root: string): readonly Left[] {
  return left.map(({ entry, error }) => ({
    title: `${entry.id}  ${entry.change.title}`,
    error,
    byHand: undoByHand(entry, root),
  }));
}

/** Throws CHANGE_FAILED where something is left, with why, and what to do about each. */
export function refuseLeft(left: readonly Left[]): void {
  if (left.length === 0) return;
  const lines = left.flatMap(({ title, error, byHand }) => [
    `  ${title}: ${error.message}`,
    ...byHand.map((line) => `      ${line}`),
  ]);
  throw new AppError('CHANGE_FAILED', {
    message: [`${left.length} could not be taken back:`, ...lines].join('\n'),
    hint: 'Do by hand what stands below each, or mend what is in the way and repeat the command.',
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
