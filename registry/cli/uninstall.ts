/** berth uninstall: all that berth has put on this computer beside its data directory, taken back. */
import type { Command } from 'commander';
import { describePlace, sha256 } from '../../main/engine/change.ts';
import { isOpen, type LedgerEntry, readLedger } from '../../main/engine/changes/ledger.ts';
import { undoChanges } from '../../main/engine/changes/undo-changes.ts';
import { autostartFile, isAutostarted, setAutostart } from '../../main/engine/files/autostart.ts';
import { type Host, thisHost } from '../../main/engine/host.ts';
import { endToken } from '../../main/engine/login/keep-login.ts';
import { configFolder, listLogins, type LoginName, removeLogin } from '../../main/engine/login/logins.ts';
import { isAppError } from '../spec/errors.ts';
import { type Left, leftOf, refuseLeft } from './changes.ts';
import { withConfig } from './config.ts';
import { type Asked, askAbout, type ConsentOptions, sheetRow, withConsent } from './consent.ts';
import type { Io } from './io.ts';
import type { ConfigOptions } from './load.ts';
import { tokensOf } from './login.ts';
import { findTarget, type Target } from './target.ts';
import { openContext, report } from './trust.ts';
import { writeJson } from './user.ts';

type UninstallOptions = ConfigOptions & ConsentOptions;

/** What is there, in the order in which it is taken back. */
interface Found {
  /** The newest first. */
  readonly changes: readonly LedgerEntry[];
  readonly logins: readonly LoginName[];
  /** The file that starts the app when this user logs in. */
  readonly autostart: string | undefined;
}

/** Adds `berth uninstall` to the program. */
export function registerUninstall(program: Command, io: Io): void {
  withConsent(withConfig(program.command('uninstall')))
    .description(
      'take back all that berth has put on this computer: trust, logins, the start at login; data and users stay',
    )
    .action((options: UninstallOptions) => uninstall(io, options));
}

async function uninstall(io: Io, options: UninstallOptions): Promise<void> {
  const host = thisHost(io.env);
  const target = await findTarget(io, options);
  const found = await look(host, target);
  const things = describe(found);
  if (things.length === 0 && options.dryRun !== true) {
    if (options.json === true) return writeJson(io, { takenBack: 0, left: [], stays: target.root });
    return io.out(`Nothing of Berth is left outside of ${target.root}.\n`);
  }
  const hash = await askAbout(io, sheetOf(things, target), options);
  if (hash === undefined) return;
  const left = await takeBack(io, { host, target, found, isQuiet: options.json === true });
  if (options.json === true) {
    writeJson(io, {
      takenBack: things.length - left.length,
      left: left.map(({ title, error, byHand }) => ({ title, error: error.message, byHand })),
      stays: target.root,
    });
  } else io.out(`${stays(target)}\n`);
  refuseLeft(left);
}

async function look(host: Host, { root }: Target): Promise<Found> {
  const changes = (await readLedger(root)).filter(({ state }) => isOpen(state)).toReversed();
  const logins = await listLogins(host);
  // Elsewhere the system keeps it, and only the app itself can change it.
  const autostart = host.platform === 'linux' ? autostartFile(configFolder(host)) : undefined;
  const isStarted = autostart !== undefined && (await isAutostarted(autostart));
  return { changes, logins, autostart: isStarted ? autostart : undefined };
}

function describe({ changes, logins, autostart }: Found): readonly string[] {
  return [
    ...changes.map(({ id, change }) => `${id}  ${change.title} (${describePlace(change.place)})`),
    ...logins.map(sayLogin),
    ...(autostart === undefined ? [] : [`The start when you log in to this computer (${autostart})`]),
  ];
}

function sayLogin({ address, user }: LoginName): string {
  return `The login of ${user} at ${address}, with its token`;
}

function sheetOf(things: readonly string[], target: Target): Asked {
  const hash = sha256(Buffer.from(JSON.stringify(things))).slice(0, 16);
  const rows = [
    '',
    'Take back all that Berth has put on this computer?',
    '',
    ...sheetRow('What', things.length === 0 ? ['Nothing is there.'] : things),
    ...sheetRow('Effect', ['Engines no longer trust this registry, and are logged out.']),
    ...sheetRow('Safety', ['Edits of others are left alone. What cannot be taken back is named at the end.']),
    ...sheetRow('Stays', [stays(target)]),
    ...sheetRow('Plan', [hash]),
    '',
    '',
  ];
  return { hash, value: { changes: things, stays: target.root }, text: async () => rows.join('\n') };
}

function stays({ root, pid }: Target): string {
  const running = pid === undefined ? '' : ' The registry runs on: berth down stops it.';
  return `Images, users, keys, settings and logs are in ${root} until you delete that folder.${running}`;
}

/** Answers what could not be taken back. */
async function takeBack(
  io: Io,
  {
    host,
    target,
    found: { changes, logins, autostart },
    isQuiet,
  }: { readonly host: Host; readonly target: Target; readonly found: Found; readonly isQuiet: boolean },
): Promise<readonly Left[]> {
  await using context = await openContext(host, target);
  const undone = await undoChanges(context, changes);
  if (!isQuiet) report(io, undone.outcomes);
  const more = [];
  for (const login of logins) {
    more.push(
      await attempt(sayLogin(login), [`berth logout --address ${login.address}`], async () => {
        await removeLogin(host, login.address);
        await endToken(tokensOf(target), login.tokenId);
      }),
    );
  }
  if (autostart !== undefined) {
    more.push(
      await attempt('The start at login', [`rm ${autostart}`], () => setAutostart(autostart, undefined)),
    );
  }
  return [...leftOf(undone, target.root), ...more.flatMap((each) => each ?? [])];
}

async function attempt(
  title: string,
  byHand: readonly string[],
  act: () => Promise<void>,
): Promise<Left | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (isAppError(error)) return { title, error, byHand };
    throw error;
  }
}
