/** berth login, logout and connect: clients that push and pull without being asked for a password. */
import { hostname } from 'node:os';
import { Argument, Option } from 'commander';
import type { Command } from 'commander';
import { accountFiles, createToken, listAccounts, revokeToken } from '../auth/accounts.ts';
import { verbs } from '../spec/admin/access.ts';
import { AppError } from '../spec/errors.ts';
import type { Credentials } from '../../main/engine/api/engine-auth.ts';
import { applyPlan, undoChange } from '../../main/engine/changes/apply.ts';
import { isOpen, readLedger } from '../../main/engine/changes/ledger.ts';
import { detectEngines } from '../../main/engine/detect/detect.ts';
import { requestRegistry } from '../../main/engine/doctor/registry-client.ts';
import { planHash } from '../../main/engine/change.ts';
import { type Host, thisHost } from '../../main/engine/host.ts';
import { addressOf, readLogin, removeLogin } from '../../main/engine/login/logins.ts';
import { endToken, keepLogin, type PlannedLogin, type Tokens } from '../../main/engine/login/keep-login.ts';
import { planLogin, planLogout } from '../../main/engine/login/plan-login.ts';
import { type SnippetClient, snippetClients } from '../../main/engine/login/snippets.ts';
import { findSnippets } from './snippets.ts';
import { withConfig } from './config.ts';
import { askConsent, type ConsentOptions, withConsent } from './consent.ts';
import { helperCommand } from './helper-command.ts';
import type { Io } from './io.ts';
import type { ConfigOptions } from './load.ts';
import { findTarget, getRunningTarget, type Target } from './target.ts';
import { getEngine, openContext } from './trust.ts';
import { done, readPassword, writeJson } from './user.ts';

interface LoginOptions extends ConfigOptions, ConsentOptions {
  readonly engine?: string;
  readonly address?: string;
  readonly user?: string;
  readonly passwordStdin?: boolean;
  readonly store?: 'helper' | 'engine';
}

/** Adds `berth login`, `berth logout` and `berth connect` to the program. */
export function registerLogin(program: Command, io: Io): void {
  withConsent(withConfig(program.command('login')))
    .description('let Docker, Podman and their like push and pull without asking for a password')
    .option('--engine <id>', 'the engine whose address and client are meant; berth trust ls lists them')
    .option('--address <host:port>', 'the address that image names have; that of the engine if absent')
    .option('--user <name>', 'the user; the first administrator if absent')
    .option('--password-stdin', 'read the password of the user from stdin; a token is made if absent')
    .addOption(
      new Option('--store <where>', 'who keeps the login: the helper of Berth, or the engine').choices([
        'helper',
        'engine',
      ]),
    )
    .action((options: LoginOptions) => login(io, options));

  withConsent(withConfig(program.command('logout')))
    .description('forget the login, and end the token that was made for it')
    .option('--engine <id>', 'the engine whose address is meant')
    .option('--address <host:port>', 'the address; that of the engine if absent')
    .action((options: LoginOptions) => logout(io, options));

  withConfig(program.command('connect'))
    .description('print what to type, or to write into a file, for one client')
    .addArgument(new Argument('<client>', 'the client').choices(snippetClients))
    .option('--address <host:port>', 'the address that image names have; what the engine needs if absent')
    .option('--user <name>', 'the user', 'dev')
    .option('--image <name:tag>', 'the image', 'team/app:1')
    .option('--json', 'answer in JSON')
    .action((client: SnippetClient, options: ConnectOptions) => connect(io, client, options));
}

interface ConnectOptions extends ConfigOptions {
  readonly address?: string;
  readonly user: string;
  readonly image: string;
  readonly json?: boolean;
}

async function connect(io: Io, client: SnippetClient, options: ConnectOptions): Promise<void> {
  const snippets = (await findSnippets(io, options, options)).filter((each) => each.client === client);
  if (options.json === true) return writeJson(io, snippets);
  for (const { title, text, note } of snippets) {
    io.out(`# ${title}\n${note === undefined ? '' : `# ${note}\n`}${text.trimEnd()}\n\n`);
  }
  if (snippets.length === 0) io.out(`Nothing has to be set up for ${client}.\n`);
}

/** Plans the login of one engine with a user of the registry. Throws USER_UNKNOWN, LOGIN_FAILED, CHANGE_REFUSED. */
export async function planLoginOf(
  host: Host,
  target: Target,
  {
    address,
    engine,
    user,
    store,
  }: {
    readonly address: string;
    readonly engine: string | undefined;
    readonly user?: string | undefined;
    readonly store?: 'helper' | 'engine' | undefined;
  },
): Promise<PlannedLogin> {
  const name = user ?? (await firstAdmin(target));
  return {
    address,
    user: name,
    plan: await planLogin(host, { address, user: name, engine, store, helperCommand }),
  };
}

async function login(io: Io, options: LoginOptions): Promise<void> {
  const host = thisHost(io.env);
  const target = await getRunningTarget(io, options);
  if (target.loaded.config.auth.none) {
    return io.out('Nothing to do: this registry asks for no login.\n');
  }
  if (options.passwordStdin === true && options.user === undefined) {
    throw new AppError('USAGE', {
      message: '--password-stdin needs --user.',
      hint: 'Name the user of the password.',
    });
  }
  const password = options.passwordStdin === true ? await readPassword(io) : undefined;
  const address = await addressFor(host, target, options);
  const planned = await planLoginOf(host, target, { ...options, address, engine: options.engine });
  if (password !== undefined) await checkPassword(target, { user: planned.user, password });
  const { plan } = planned.plan;
  // Where everything is in place already a login changes nothing but the login itself.
  const isAsked = plan.changes.length > 0 || planned.plan.store === 'engine' || options.dryRun === true;
  const hash = isAsked ? await askConsent(io, host, plan, options) : planHash(plan);
  if (hash === undefined) return;
  await using context = await openContext(host, target);
  await applyPlan(context, plan, hash);
  await keepLogin(host, tokensOf(target), planned, password);
  const where = planned.plan.store === 'helper' ? "Berth's credential helper" : planned.plan.client;
  const value = { address, user: planned.user, store: planned.plan.store };
  done(io, options, value, `${planned.user} is logged in at ${address}; ${where} keeps the login.`);
}

async function logout(io: Io, options: LoginOptions): Promise<void> {
  const host = thisHost(io.env);
  const target = await findTarget(io, options);
  const address = await addressFor(host, target, options);
  const isUndone = options.dryRun !== true && (await undoEntries(host, target, address));
  const { plan, commands } = await planLogout(host, { address });
  const former = await readLogin(host, address);
  if (!isUndone && plan.changes.length === 0 && former === undefined && commands.length === 0) {
    return done(io, options, { address, removed: false }, `There is no login to ${address}.`);
  }
  if (plan.changes.length > 0 || options.dryRun === true) {
    const hash = await askConsent(io, host, plan, options);
    if (hash === undefined) return;
    await using context = await openContext(host, target);
    await applyPlan(context, plan, hash);
  }
  await removeLogin(host, address);
  await endToken(tokensOf(target), former?.tokenId);
  for (const [program = '', ...args] of commands) await host.run(program, args);
  done(io, options, { address, removed: true }, `The login to ${address} is forgotten.`);
}

/** Undoes the entries that our logins made for the address: what the ledger knows is not planned anew. */
async function undoEntries(host: Host, target: Target, address: string): Promise<boolean> {
  const entries = (await readLedger(target.root)).filter(
    ({ state, change: { edit } }) => isOpen(state) && edit.kind === 'json-member' && edit.member === address,
  );
  if (entries.length === 0) return false;
  await using context = await openContext(host, target);
  for (const { id } of entries.toReversed()) await undoChange(context, id);
  return true;
}

async function addressFor(host: Host, target: Target, options: LoginOptions): Promise<string> {
  if (options.address !== undefined) {
    const address = addressOf(options.address);
    if (address !== undefined) return address;
    throw new AppError('USAGE', { message: `"${options.address}" is no address.`, hint: 'Write host:port.' });
  }
  if (options.engine === undefined) return `localhost:${target.registry.port}`;
  return getEngine(await detectEngines(host, target.registry), options.engine).address;
}

/** A password that the registry refuses must not be kept. */
async function checkPassword({ registry }: Target, credentials: Credentials): Promise<void> {
  const client = { address: `localhost:${registry.port}`, ca: registry.authority, credentials };
  const { status } = await requestRegistry(client, { path: '/v2/' });
  if (status === 200) return;
  throw new AppError('LOGIN_FAILED', {
    message: `The registry refuses the password of ${credentials.user} (status ${status}).`,
    hint: 'berth user passwd sets another password.',
  });
}

async function firstAdmin(target: Target): Promise<string> {
  const accounts = await listAccounts(filesOf(target));
  const admin = accounts.find(({ role, state }) => role === 'admin' && state === 'active');
  if (admin !== undefined) return admin.name;
  throw new AppError('USER_UNKNOWN', {
    message: 'There is no administrator who can log in.',
    hint: 'Name a user with --user.',
  });
}

/** The token of a login shows in berth token ls. */
export function tokensOf(target: Target): Tokens {
  const files = filesOf(target);
  return {
    async make(owner) {
      const label = `berth login on ${hostname()}`;
      const { token, text } = await createToken(files, { owner, label, verbs });
      return { id: token.id, text };
    },
    end: (id) => revokeToken(files, id),
  };
}

function filesOf({ root, loaded }: Target) {
  return accountFiles(root, loaded.config.auth.htpasswd.path);
}
