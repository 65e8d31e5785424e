/** The data directory for the window: where it is, and its move, which a person agrees to by a plan. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { findDataIn } from '../../registry/disk/lock.ts';
import { AppError } from '../../registry/spec/errors.ts';
import type { dataArguments, DataRow, MovePlan } from '../contract/data.ts';
import type { MethodsOf } from '../contract/shell-api.ts';
import type { SupervisorState } from '../supervisor.ts';
import type { DataMover } from './data-mover.ts';
import type { DataPlace } from './data-place.ts';
import { type DataSize, measureData } from './data-tree.ts';
import { judgeTarget } from './judge-target.ts';

export interface DataMethodsOptions {
  readonly place: DataPlace;
  readonly mover: DataMover;
  readonly registry: () => SupervisorState;
  /** How many clients push or pull just now. */
  readonly transfers: () => number;
  /** Nothing was pushed yet. */
  readonly isUntouched: () => boolean;
  /** Asks for a folder in a dialog of the system. */
  readonly chooseFolder: () => Promise<string | undefined>;
}

export function createDataMethods({
  place,
  mover,
  registry,
  transfers,
  isUntouched,
  chooseFolder,
}: DataMethodsOptions): MethodsOf<typeof dataArguments> {
  let planned: { readonly plan: MovePlan; readonly size: DataSize | undefined } | undefined;
  const sizes = new Map<string, Promise<DataSize>>();

  async function read(): Promise<DataRow> {
    const state = registry();
    const { move, failure } = mover.state();
    const fixedBy = fixedIn(state);
    const other = place.other();
    return {
      path: state.kind === 'running' ? state.root : place.path(),
      ...(fixedBy === undefined ? {} : { fixedBy }),
      ...(other === undefined ? {} : { other: await describeOther(other) }),
      ...(mover.isBegun() ? { isBegun: true } : {}),
      ...(move === undefined ? {} : { move }),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  /** Nobody writes into it, so that it is measured once. */
  async function describeOther(path: string): Promise<NonNullable<DataRow['other']>> {
    const found = await findDataIn(path).catch(() => undefined);
    if (found !== 'whole') return { path, bytes: 0, isGone: true };
    const size = sizes.get(path) ?? measureData(path);
    sizes.set(path, size);
    const { bytes } = await size.catch(() => ({ bytes: 0 }));
    return { path, bytes, isGone: false };
  }

  function fixedIn(state: SupervisorState): string | undefined {
    if (place.fixedBy !== undefined) return `the variable ${place.fixedBy}`;
    if (state.kind !== 'running') return undefined;
    if (!state.isOwn) return 'another program, which runs the registry';
    return resolve(state.root) === resolve(place.path())
      ? undefined
      : 'the setting storage.filesystem.rootdirectory';
  }

  function mustBeFree({ isCopied }: { readonly isCopied: boolean }): void {
    const state = registry();
    const fixedBy = fixedIn(state);
    if (fixedBy !== undefined)
      throw new AppError('PATH_REFUSED', {
        message: `The data directory is fixed by ${fixedBy}.`,
        hint: 'Change it there.',
      });
    if (state.kind !== 'running') throw new AppError('NOT_RUNNING');
    if (!isCopied && !isUntouched())
      throw new AppError('PATH_REFUSED', {
        message: 'Something is stored already.',
        hint: 'Move the data directory instead: Storage has the button.',
      });
    const other = place.other();
    if (other !== undefined && (isCopied || !mover.isBegun()))
      throw new AppError('PATH_REFUSED', {
        message: `There is another data directory still, "${other}".`,
        hint: 'Delete it, or use it again: Storage shows both.',
      });
  }

  async function makePlan(to: string, isCopied: boolean): Promise<MovePlan> {
    const from = place.path();
    const size = isCopied ? await measureData(from) : undefined;
    const target = await judgeTarget({ from, to, size });
    const plan: MovePlan = {
      id: randomUUID(),
      from,
      to: target.path,
      files: size?.files ?? 0,
      bytes: size?.bytes ?? 0,
      freeBytes: target.freeBytes,
      warnings: target.warnings,
      transfers: transfers(),
      isFromDropped: !isCopied && mover.isBegun() && place.other() !== undefined,
      isUsed: (await findDataIn(target.path)) === 'whole',
    };
    planned = { plan, size };
    return plan;
  }

  return {
    'data.get': read,
    async 'data.plan'({ isCopied }) {
      mustBeFree({ isCopied });
      const to = await chooseFolder();
      return to === undefined ? undefined : await makePlan(to, isCopied);
    },
    async 'data.carryOut'({ plan: id }) {
      const taken = planned;
      planned = undefined;
      if (taken?.plan.id !== id)
        throw new AppError('PLAN_STALE', { message: 'That plan is not the last one any more.' });
      const { plan, size } = taken;
      mustBeFree({ isCopied: size !== undefined });
      // It may have been looked at for long.
      await judgeTarget({ from: plan.from, to: plan.to, size });
      if (size === undefined) {
        await mover.use(plan.to);
      } else {
        if (mover.state().move !== undefined) throw new AppError('UNAVAILABLE');
        void mover.move(plan.to, size);
      }
      return await read();
    },
    async 'data.cancel'() {
      await mover.cancel();
      return await read();
    },
    async 'data.useOther'() {
      await mover.useOther();
      sizes.clear();
      return await read();
    },
    async 'data.removeOther'() {
      await mover.removeOther();
      return await read();
    },
    async 'data.forgetFailure'() {
      mover.forgetFailure();
      return await read();
    },
  };
}
