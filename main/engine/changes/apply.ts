/**
 * Carries out what was agreed to, and takes it back. One consent is one plan: all of its changes work, or none is left.
 *
 *   apply   lock > is all as it was when planned? > ledger > write > activate > prove > ledger
 *           on failure: take out > activate > ledger, then CHANGE_FAILED
 *   undo    lock > what of it is ours? > ledger > write > activate (per step) > is it gone? > ledger
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, assertNever, isAppError } from '../../../registry/spec/errors.ts';
import { waitForReload } from '../api/engine-events.ts';
import { requestEngine } from '../api/request.ts';
import {
  type Change,
  bytesAfter,
  describePlace,
  type Plan,
  planHash,
  type Proof,
  sha256,
} from '../change.ts';
import { runElevated } from '../elevate/elevate.ts';
import { getPrivilegedCommand, type PrivilegedStep } from '../elevate/steps.ts';
import type { Endpoint } from '../engine.ts';
import type { Host } from '../host.ts';
import { getEntry, isOpen, type Ledger, type LedgerEntry, withLedger } from './ledger.ts';
import { openPlace } from './places.ts';
import type { Credentials } from '../api/engine-auth.ts';
import { prove, proveGone } from './prove.ts';
import { takeOutSteps } from './take-out.ts';

export interface ChangeContext {
  readonly host: Host;
  /** The data directory, whose ledger is kept. */
  readonly root: string;
  /** The user who agreed. */
  readonly by: string;
  /** For proofs. */
  readonly credentials: Credentials | undefined;
  /** Agreed to separately: the restart that a change needs may be done now. */
  readonly mayRestart: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Outcome {
  readonly id: string;
  readonly change: Change;
  /** `already`: it was there. `restart`: in place, and felt once the engine was restarted by this command. */
  readonly result: 'applied' | 'already' | 'undone' | 'restart';
}

/**
 * Applies a plan as it was shown: `hash` is that of the plan agreed to. Durable when it resolves. Throws CONSENT_NEEDED
 * (another plan), CHANGE_STALE (a file changed meanwhile; nothing is touched), CHANGE_REFUSED, ELEVATION_FAILED,
 * CHANGE_FAILED (all of it was taken back), DATA_UNUSABLE.
 */
export async function applyPlan(
  context: ChangeContext,
  plan: Plan,
  hash: string,
): Promise<readonly Outcome[]> {
  if (hash !== planHash(plan)) {
    throw new AppError('CONSENT_NEEDED', { message: `The plan ${hash} is not what has to be done now.` });
  }
  const places = new Set(plan.changes.map(({ place }) => describePlace(place)));
  if (places.size < plan.changes.length) throw new Error('two changes of a plan are for one place');
  return await withLedger(context.root, async (ledger) => {
    const todo: Planned[] = [];
    const already: Outcome[] = [];
    for (const change of plan.changes) {
      const place = openPlace(context.host, change.place);
      const current = await place.read();
      if (current !== undefined && sha256(current) === sha256(bytesAfter(change))) {
        already.push({ id: '', change, result: 'already' });
        continue;
      }
      if (hashOf(current) !== change.before) {
        throw new AppError('CHANGE_STALE', {
          message: `${describePlace(change.place)} changed since the plan was made.`,
        });
      }
      todo.push({ change, current, folders: await place.missingFolders() });
    }
    return [...already, ...(await applyAll(context, ledger, todo))];
  });
}

/**
 * Undoes a change: takes out what it put in place, and leaves later edits of others. Throws CHANGE_UNKNOWN,
 * CHANGE_CONFLICT (nothing is touched), ELEVATION_FAILED, ENGINE_FAILED, DATA_UNUSABLE.
 */
export async function undoChange(context: ChangeContext, id: string): Promise<Outcome> {
  return await withLedger(context.root, async (ledger) => {
    const entry = getEntry(ledger.entries, id);
    const { change } = entry;
    if (!isOpen(entry.state)) return { id, change, result: 'already' };
    const needsRestart = await takeOut(context, ledger, entry);
    await ledger.append(id, { event: 'undone' });
    await ledger.forget(id);
    return { id, change, result: needsRestart ? 'restart' : 'undone' };
  });
}

const restartTimeoutMs = 120_000;

interface Planned {
  readonly change: Change;
  readonly current: Buffer | undefined;
  readonly folders: readonly string[];
}

async function applyAll(
  context: ChangeContext,
  ledger: Ledger,
  todo: readonly Planned[],
): Promise<readonly Outcome[]> {
  const ids: string[] = [];
  for (const { change, current, folders } of todo) {
    ids.push(await ledger.plan({ change, by: context.by, folders, before: current }));
  }
  try {
    const writes = todo.map(({ change, current, folders }) => ({
      change,
      folders,
      current: hashOf(current),
      bytes: bytesAfter(change),
    }));
    await carryOut(context, writes, 'apply');
    const waits = todo.filter(({ change }) => waitsForRestart(context, change)).map(({ change }) => change);
    for (const { change } of todo) {
      if (!waits.includes(change)) await proveChange(context, change);
    }
    for (const id of ids) await ledger.append(id, { event: 'applied' });
    return todo.map(({ change }, at) => ({
      id: ids[at] ?? '',
      change,
      result: waits.includes(change) ? 'restart' : 'applied',
    }));
  } catch (error) {
    throw await rollBack(context, ledger, ids, error);
  }
}

/** Takes back what was done of a plan, the last first, and answers the error to throw. */
async function rollBack(
  context: ChangeContext,
  ledger: Ledger,
  ids: readonly string[],
  cause: unknown,
): Promise<unknown> {
  const reason = cause instanceof Error ? cause.message : String(cause);
  // An interrupt ends the change, not its taking back.
  const { signal: _, ...undisturbed } = context;
  for (const id of ids.toReversed()) {
    try {
      await takeOut(undisturbed, ledger, getEntry(ledger.entries, id));
    } catch (error) {
      throw new AppError('CHANGE_FAILED', {
        message: `${reason} Taking it back failed too: ${error instanceof Error ? error.message : String(error)}`,
        hint: `Once that is mended: berth changes undo ${id}`,
        cause: error,
      });
    }
    await ledger.append(id, { event: 'rolledBack', reason });
    await ledger.forget(id);
  }
  if (!isAppError(cause) || isAppError(cause, 'ELEVATION_FAILED')) return cause;
  return new AppError('CHANGE_FAILED', {
    message: `${reason} The change was taken back.`,
    hint: 'Nothing is left of it. berth doctor looks for the cause.',
    cause,
  });
}

/** Answers true if an engine has to be restarted to feel it. */
async function takeOut(context: ChangeContext, ledger: Ledger, entry: LedgerEntry): Promise<boolean> {
  const { id, change, folders, interim } = entry;
  const place = openPlace(context.host, change.place);
  const before = await ledger.readBefore(entry);
  if (!isElevated(context, change)) await place.tidy();
  const current = await place.read();
  const steps = takeOutSteps({ change, current, before, interim });
  if (steps.length > 1) {
    await ledger.append(id, {
      event: 'undoing',
      interim: steps.slice(0, -1).map((step) => hashOf(step) ?? ''),
    });
  }
  let there = hashOf(current);
  for (const bytes of steps) {
    await carryOut(context, [{ change, folders, current: there, bytes }], 'undo');
    there = hashOf(bytes);
  }
  // A crash may have made the folders and no file.
  if (there === undefined && !isElevated(context, change)) await place.remove(folders);
  if (steps.length > 0 && !waitsForRestart(context, change) && (await isReachable(change.proof))) {
    await proveGone(change.proof, context);
  }
  return steps.length > 0 && waitsForRestart(context, change);
}

interface Write {
  readonly change: Change;
  readonly folders: readonly string[];
  /** SHA-256 of what is there. */
  readonly current: string | undefined;
  /** What shall be there; `undefined` removes it. */
  readonly bytes: Uint8Array | undefined;
}

/** Writes and activates; the part that needs an administrator in one go, so that the question comes once. */
async function carryOut(
  context: ChangeContext,
  writes: readonly Write[],
  direction: 'apply' | 'undo',
): Promise<void> {
  const elevated = writes.filter(({ change }) => isElevated(context, change));
  const own = writes.filter(({ change }) => !isElevated(context, change));
  const reloads = writes.map(({ change }) => change.activation).find(({ kind }) => kind === 'reload');
  // An engine that is down reads its file when it starts.
  const isEngineUp = reloads?.kind === 'reload' && (await answers(reloads.endpoint));
  const act = async (): Promise<void> => {
    for (const { change, bytes, folders } of own) {
      const place = openPlace(context.host, change.place);
      await (bytes === undefined ? place.remove(folders) : place.write(bytes));
    }
    if (elevated.length > 0) {
      const steps = elevated.flatMap((write) => privilegedSteps(context, write, { direction, isEngineUp }));
      await runElevated(context.host, steps, { signal: context.signal });
    }
    for (const { change } of own) await activate(context, change, direction);
  };
  if (reloads?.kind !== 'reload' || !isEngineUp) return await act();
  const timeoutMs = direction === 'apply' ? 20_000 : 5_000;
  try {
    await waitForReload(reloads.endpoint, { trigger: act, timeoutMs, signal: context.signal });
  } catch (error) {
    // An engine that refuses what its file said before us reloads nothing; its info then tells whether ours is gone.
    if (direction === 'apply' || !isAppError(error, 'ENGINE_FAILED')) throw error;
  }
}

async function activate(
  context: ChangeContext,
  { activation }: Change,
  direction: 'apply' | 'undo',
): Promise<void> {
  switch (activation.kind) {
    case 'none':
      return;
    case 'run':
      return await mustRun(context, direction === 'apply' ? activation.command : activation.undo);
    case 'reload':
      // An engine that is down reads its file when it starts.
      if (await answers(activation.endpoint)) await mustRun(context, activation.command);
      return;
    case 'restart':
      if (context.mayRestart) await mustRun(context, activation.command);
      return;
    default:
      assertNever(activation);
  }
}

async function mustRun({ host, signal }: ChangeContext, command: readonly string[]): Promise<void> {
  const [program = '', ...args] = command;
  const result = await host.run(program, args, {
    timeoutMs: 180_000,
    ...(signal === undefined ? {} : { signal }),
  });
  if (result?.code === 0) return;
  const why =
    result === undefined
      ? 'there is no such program'
      : result.stderr.trim() || `it ended with ${result.code ?? 'a signal'}`;
  throw new AppError('CHANGE_FAILED', { message: `${command.join(' ')} failed: ${why}.` });
}

function privilegedSteps(
  context: ChangeContext,
  { change, current, bytes }: Write,
  { direction, isEngineUp }: { readonly direction: 'apply' | 'undo'; readonly isEngineUp: boolean },
): readonly PrivilegedStep[] {
  if (change.place.kind !== 'file') throw new Error('only files are written by the helper');
  const { path } = change.place;
  const steps: PrivilegedStep[] = [];
  if (bytes !== undefined) steps.push({ kind: 'write', path, before: current, bytes, mode: 0o644 });
  else if (current !== undefined) steps.push({ kind: 'remove', path, before: current });
  const { activation } = change;
  if (activation.kind === 'run') {
    const command = direction === 'apply' ? activation.command : activation.undo;
    steps.push({ kind: 'run', command: getPrivilegedCommand(command) });
  } else if (
    (activation.kind === 'reload' && isEngineUp) ||
    (activation.kind === 'restart' && context.mayRestart)
  ) {
    steps.push({ kind: 'run', command: getPrivilegedCommand(activation.command) });
  }
  return steps;
}

/** An engine that was restarted takes its time; there is no event to wait for while its API is gone. */
async function proveChange(context: ChangeContext, change: Change): Promise<void> {
  const deadline = Date.now() + (change.activation.kind === 'restart' ? restartTimeoutMs : 0);
  for (;;) {
    try {
      return await prove(change.proof, context);
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await delay(1000, undefined, { signal: context.signal });
    }
  }
}

function isElevated({ host }: ChangeContext, change: Change): boolean {
  return change.needsRoot && host.uid !== 0;
}

function waitsForRestart({ mayRestart }: ChangeContext, { activation }: Change): boolean {
  return activation.kind === 'restart' && !mayRestart;
}

async function isReachable(proof: Proof): Promise<boolean> {
  return proof.kind !== 'engine-info' || (await answers(proof.endpoint));
}

async function answers(endpoint: Endpoint): Promise<boolean> {
  try {
    await requestEngine(endpoint, { path: '/_ping', timeoutMs: 5_000 });
    return true;
  } catch (error) {
    if (isAppError(error, 'ENGINE_FAILED')) return false;
    throw error;
  }
}

function hashOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : sha256(bytes);
}
