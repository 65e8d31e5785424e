import { type ReactNode, useCallback, useState } from 'react';
import type { EngineTicks } from '../../../main/contract/setup.ts';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { desktopParts } from '../../frame/desktop-parts.ts';
import { PartPlace } from '../../frame/part-place.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { useRefresh } from '../../state/calls.ts';
import { preferences, setPreferences } from '../../state/preferences.ts';
import { needsTrust } from './engine-steps.ts';

export type SetupPhase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'working'; readonly on: 'trust' | 'login' | 'proof' }
  /** The person did not want it; nothing was changed by it. */
  | { readonly kind: 'refused'; readonly what: 'trust' | 'login' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'proved'; readonly ticks: EngineTicks };

export interface EngineSetup {
  readonly phase: SetupPhase;
  /** Does what is missing, asks where something on the computer changes, and tries from the side of the engine. */
  readonly start: () => Promise<void>;
}

/** `onReady`: the engine was proved to be able to push. */
export function useEngineSetup(shell: Shell, engine: EngineRow, onReady: () => void): EngineSetup {
  const [phase, setPhase] = useState<SetupPhase>({ kind: 'idle' });
  const refresh = useRefresh();

  async function run(): Promise<SetupPhase> {
    setPhase({ kind: 'working', on: 'trust' });
    if (needsTrust(engine) && !(await isTrusted(shell, engine))) return { kind: 'refused', what: 'trust' };
    setPhase({ kind: 'working', on: 'login' });
    if (!(await isLoggedIn(shell, engine))) return { kind: 'refused', what: 'login' };
    setPhase({ kind: 'working', on: 'proof' });
    const ticks = await shell.call('setup.prove', { engine: engine.id });
    if (Object.values(ticks).every(({ state }) => state !== 'no') && ticks.loggedIn.state === 'yes')
      onReady();
    return { kind: 'proved', ticks };
  }

  return {
    phase,
    async start() {
      setPhase(await run().catch((error: unknown) => ({ kind: 'failed', error }) as const));
      refresh('engines.list');
    },
  };
}

async function isTrusted(shell: Shell, engine: EngineRow): Promise<boolean> {
  return await isAgreed((onDone, close) => (
    <PartPlace part={desktopParts.trust} props={{ shell, engine, onDone, onClose: close }} />
  ));
}

async function isLoggedIn(shell: Shell, engine: EngineRow): Promise<boolean> {
  const planned = await shell.call('login.plan', { engine: engine.id });
  // What lies in a file of Berth's own changes nothing else on the computer.
  const isOwn = planned.changes.length === 0 && planned.keptBy === 'berth';
  if (isOwn) await shell.call('login.apply', { engine: engine.id, hash: planned.hash });
  const isDone =
    isOwn ||
    (await isAgreed((onDone, close) => (
      <PartPlace part={desktopParts.login} props={{ shell, engine, planned, onDone, onClose: close }} />
    )));
  noteLogin(engine.id, isDone);
  return isDone;
}

/** Home tells of a login that was refused, until there is one. */
function noteLogin(engine: string, isDone: boolean): void {
  const others = preferences().refusedLogins.filter((id) => id !== engine);
  setPreferences({ refusedLogins: isDone ? others : [...others, engine] });
}

/** Shows a sheet, and answers whether what it asks for was agreed to and done. */
async function isAgreed(sheet: (onDone: () => void, close: () => void) => ReactNode): Promise<boolean> {
  let isDone = false;
  await openDialog((close) => sheet(() => (isDone = true), close));
  return isDone;
}

/** Asks for one missing thing, outside of a set-up. */
export function useFix(shell: Shell): (engine: EngineRow, what: 'engine' | 'login') => Promise<void> {
  const refresh = useRefresh();
  return useCallback(
    async (engine, what) => {
      if (what === 'engine') await isTrusted(shell, engine);
      else await isLoggedIn(shell, engine);
      refresh('engines.list');
    },
    [shell, refresh],
  );
}
