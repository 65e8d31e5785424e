/** berth uninstall: all that berth has put on this computer beside its data directory, taken back. */
import type { Command } from 'commander';
import { describePlace, sha256 } from '../../main/engine/change.ts';
import { isOpen, type LedgerEntry, readLedger } from '../../main/engine/changes/ledger.ts';
import { undoChanges } from '../../main/engine/changes/undo-changes.ts';
import { findLoginStart, type LoginStart, unseenLoginStart } from '../../main/engine/files/login-start.ts';
import { type Host, thisHost } from '../../main/engine/host.ts';
import { endToken } from '../../main/engine/login/keep-login.ts';
import { listLogins, type LoginName, removeLogin } from '../../main/engine/login/logins.ts';
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
  /** What starts the app when this user logs in. */
  readonly loginStart: LoginStart | undefined;
  /** What to do about a start that cannot be seen. */
  readonly unseen: string | undefined;
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
    const unseen = found.unseen === undefined ? '' : ` ${found.unseen}`;
    if (options.json === true)
      return writeJson(io, { takenBack: 0, left: [], ...unseenIn(found), stays: target.root });
    return io.out(`Nothing of Berth is left outside of ${target.root}.${unseen}\n`);
  }
  const hash = await askAbout(io, sheetOf({ things, found, target }), options);
  if (hash === undefined) return;
  const left = await takeBack(io, { host, target, found, isQuiet: options.json === true });
  if (options.json === true) {
    writeJson(io, {
      takenBack: things.length - left.length,
      left: left.map(({ title, error, byHand }) => ({ title, error: error.message, byHand })),
      ...unseenIn(found),
      stays: target.root,
    });
  } else io.out([...(found.unseen === undefined ? [] : [found.unseen]), stays(target), ''].join('\n'));
  refuseLeft(left);
}

async function look(host: Host, { root }: Target): Promise<Found> {
  const changes = (await readLedger(root)).filter(({ state }) => isOpen(state)).toReversed();
  const logins = await listLogins(host);
  return { changes, logins, loginStart: await findLoginStart(host), unseen: unseenLoginStart(host) };
}

function describe({ changes, logins, loginStart }: Found): readonly string[] {
  return [
    ...changes.map(({ id, change }) => `${id}  ${change.title} (${describePlace(change.place)})`),
    ...logins.map(sayLogin),
    ...(loginStart === undefined ? [] : [`The start when you log in to this computer (${loginStart.place})`]),
  ];
}

function sayLogin({ address, user }: LoginName): string {
  return `The login of ${user} at ${address}, with its token`;
}

function unseenIn({ unseen }: Found) {
  return unseen === undefined ? {} : { unseen };
}

function sheetOf({
  things,
  found,
  target,
}: {
  readonly things: readonly string[];
  readonly found: Found;
  readonly target: Target;
}): Asked {
  const hash = sha256(Buffer.from(JSON.stringify(things))).slice(0, 16);
  const rows = [
    '',
    'Take back all that Berth has put on this computer?',
    '',
    ...sheetRow('What', things.length === 0 ? ['Nothing is there.'] : things),
    ...sheetRow('Effect', ['Engines no longer trust this registry, and are logged out.']),
    ...sheetRow('Safety', ['Edits of others are left alone. What cannot be taken back is named at the end.']),
    ...sheetRow('Stays', [stays(target)]),
    ...(found.unseen === undefined ? [] : sheetRow('By hand', [found.unseen])),
    ...sheetRow('Plan', [hash]),
    '',
    '',
  ];
  return {
    hash,
    value: { changes: things, ...unseenIn(found), stays: target.root },
    text: async () => rows.join('\n'),
  };
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
    found: { changes, logins, loginStart },
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
  if (loginStart !== undefined)
    more.push(await attempt('The start at login', loginStart.byHand, loginStart.end));
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
