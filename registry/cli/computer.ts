/** What the registry's control plane answers about the computer, where the command line has started it. */
import type { ComputerMethods } from '../index.ts';
import type { ChangeRow, EngineRow } from '../spec/admin/computer.ts';
import { dockerKinds, podmanKinds } from '../spec/engine-kinds.ts';
import { isAppError } from '../spec/errors.ts';
import { bytesAfter } from '../../main/engine/change.ts';
import { undoByHand } from '../../main/engine/changes/by-hand.ts';
import { getEntry, type LedgerEntry, readLedger } from '../../main/engine/changes/ledger.ts';
import { type ChangeState, findState } from '../../main/engine/changes/state.ts';
import { detectEngines } from '../../main/engine/detect/detect.ts';
import type { Engine, Need } from '../../main/engine/engine.ts';
import { type Host, thisHost } from '../../main/engine/host.ts';
import { describeLogin } from '../../main/engine/login/describe-login.ts';
import { diffOf } from '../../main/engine/show-plan.ts';
import { listStates, summary } from './changes.ts';
import { runDoctor } from './doctor.ts';
import type { Io } from './io.ts';
import type { ConfigOptions } from './load.ts';
import { findSnippets } from './snippets.ts';
import { findTarget } from './target.ts';

/** Their clients keep logins in files of the user. */
const hasLogins: ReadonlySet<string> = new Set([...dockerKinds, ...podmanKinds]);

/** `options` are those that the registry was started with. */
export function createComputerMethods(io: Io, options: ConfigOptions): ComputerMethods {
  const host = thisHost(io.env);
  return {
    async 'engines.list'() {
      const { registry } = await findTarget(io, options);
      const engines = await detectEngines(host, registry);
      return await Promise.all(
        engines.map(async (engine) => ({ ...engineRow(engine), ...(await loginOf(host, engine)) })),
      );
    },
    async 'changes.list'() {
      return (await listStates(io, options)).map(({ entry, state }) => changeRow(entry, state));
    },
    async 'changes.get'({ id }) {
      const { root } = await findTarget(io, options);
      const entry = getEntry(await readLedger(root), id);
      const { state, current } = await findState(host, entry);
      const { change } = entry;
      return {
        ...changeRow(entry, state),
        diff: diffOf(change, current, bytesAfter(change).toString('utf8')),
        manual: change.manual,
        undoByHand: undoByHand(entry, root),
      };
    },
    'snippets.list': (wanted) => findSnippets(io, options, wanted),
    async 'checks.run'(_, { signal }) {
      const target = await findTarget(io, options);
      const { checks } = await runDoctor(host, target, () => undefined, signal);
      return checks;
    },
  };
}

/** A file with logins that is broken is told by the doctor. */
async function loginOf(host: Host, engine: Engine): Promise<Pick<EngineRow, 'login'>> {
  if (!hasLogins.has(engine.kind)) return {};
  const login = await describeLogin(host, engine).catch((error: unknown) => {
    if (!isAppError(error)) throw error;
  });
  return login === undefined ? {} : { login };
}

function engineRow(engine: Engine): EngineRow {
  const { id, title, kind, version, state, address, need, certainty, notes } = engine;
  return {
    id,
    title,
    kind,
    ...(version === undefined ? {} : { version }),
    state,
    address,
    need: { kind: need.kind, sentence: sentenceOf(need) },
    certainty,
    notes,
  };
}

function sentenceOf(need: Need): string {
  if (need.kind === 'certificate') return `The certificate of the registry in ${need.where}.`;
  return need.kind === 'nothing' || need.kind === 'cannot' ? need.why : need.what;
}

function changeRow(entry: LedgerEntry, state: ChangeState): ChangeRow {
  const { reason, ...rest } = summary(entry);
  return { ...rest, state, ...(reason === undefined ? {} : { reason }) };
}
