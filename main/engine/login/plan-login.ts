/**
 * Decides how the login of this user to a registry is kept, and plans what that needs. Writes nothing.
 *
 *     helper   in Berth's private file; clients ask docker-credential-berth, which config.json names for this address
 *     engine   docker login or podman login, run by Berth: wherever that client keeps passwords
 *
 * The client's own way is taken where it is as good (a credential store, as Docker Desktop has one), and where clients
 * would not find the helper, which they look for on PATH.
 */
import { AppError } from '../../../registry/spec/errors.ts';
import type { Change, Plan } from '../change.ts';
import type { Host, RunResult } from '../host.ts';
import {
  type DockerLogin,
  planHelperEntry,
  planHelperEntryRemoval,
  readDockerLogin,
  usesBerth,
} from './docker-config.ts';
import { helperProgram } from './helper-protocol.ts';
import { findHelper } from './helper-shim.ts';
import { addressOf, loginsFile } from './logins.ts';
import { findHidingFiles, type HidingFile, podmanAuthFile } from './podman-auth.ts';

/** A client whose own login command Berth can run. */
export type LoginClient = 'docker' | 'podman';

export interface LoginRequest {
  /** As addressOf answers it. */
  readonly address: string;
  readonly user: string;
  /** The id of the engine whose client is meant; Docker's when absent, Podman's where there is no Docker. */
  readonly engine?: string | undefined;
  /** What the person chose; when absent the better one of what is possible. */
  readonly store?: 'helper' | 'engine' | undefined;
  /** What runs the helper: the absolute path of a program and its first arguments; `undefined` if none stays. */
  readonly helperCommand: readonly string[] | undefined;
}

interface PlannedLogin {
  /** What has to change first. */
  readonly plan: Plan;
  /** Keys of Docker's config.json with a readable password for the address; `docker logout` before the plan removes it. */
  readonly readableKeys: readonly string[];
  /** Files with a login that Podman, Skopeo and Buildah take first. */
  readonly hiding: readonly HidingFile[];
}

/** After the plan, `helper` needs saveLogin, and `engine` runEngineLogin with the client. */
export type LoginPlan =
  | (PlannedLogin & { readonly store: 'helper' })
  | (PlannedLogin & { readonly store: 'engine'; readonly client: LoginClient });

/** What logging out takes. */
export interface LogoutPlan {
  /** Takes Berth's own entry out. */
  readonly plan: Plan;
  /** Commands that remove what the clients themselves keep for the address. */
  readonly commands: readonly (readonly string[])[];
}

/**
 * Plans a login. Throws LOGIN_FAILED if there is no way, or not the one asked for, CHANGE_REFUSED if Docker's
 * config.json is broken, DATA_UNUSABLE if a file of Podman cannot be read.
 */
export async function planLogin(host: Host, request: LoginRequest): Promise<LoginPlan> {
  const { address, user, store } = request;
  const docker = await readDockerLogin(host, address);
  const hiding = await findHidingFiles(host, address);
  const client = await findClient(host, request.engine);
  const helper = await findHelper(host, request);
  const common = { readableKeys: docker.readableKeys, hiding };
  const plan = (changes: readonly (Change | undefined)[], effects: readonly string[]): Plan => ({
    title: `Keep the login of ${user} to ${address}?`,
    why: 'Push and pull then work without asking for a password.',
    changes: changes.filter((change) => change !== undefined),
    effects,
  });

  const isAsGood = client === 'docker' && (await hasStore(host, docker));
  const chosen = store ?? (isAsGood || helper.kind === 'unreachable' ? 'engine' : 'helper');
  if (chosen === 'helper') {
    if (helper.kind === 'unreachable') {
      throw new AppError('LOGIN_FAILED', {
        message: `Clients would not find ${helperProgram}: ${helper.why}.`,
        hint: 'Put ~/.local/bin on the PATH, or let Docker or Podman keep the login.',
      });
    }
    const changes = [helper.shim, await planHelperEntry(host, address)];
    return {
      ...common,
      store: 'helper',
      plan: plan(changes, helperEffects(host, { address, docker, hiding })),
    };
  }
  if (client === undefined) {
    throw new AppError('LOGIN_FAILED', {
      message: `There is no ${request.engine?.startsWith('podman') ? 'podman' : 'docker'} on the PATH to keep the login.`,
      hint: 'Install it, or put ~/.local/bin on the PATH so that clients find the helper of Berth.',
    });
  }
  // As long as the entry is there, docker login keeps the login with Berth's helper.
  const changes = client === 'docker' ? [await planHelperEntryRemoval(host, address)] : [];
  const effects = [
    client === 'docker' ? dockerEffect(docker) : podmanEffect(host),
    ...(store === undefined && !isAsGood && helper.kind === 'unreachable'
      ? [`Clients would not find the helper of Berth, which keeps passwords private: ${helper.why}.`]
      : []),
  ];
  return { ...common, store: 'engine', client, plan: plan(changes, effects) };
}

/**
 * Runs the login command of a client, which asks the registry and keeps the login in its own way; answers what it
 * said. The secret goes to its standard input. Throws LOGIN_FAILED with what the client said.
 */
export async function runEngineLogin(
  host: Host,
  {
    engine,
    address,
    user,
    secret,
    signal,
  }: {
    readonly engine: LoginClient;
    readonly address: string;
    readonly user: string;
    readonly secret: string;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<string> {
  const result = await host.run(engine, ['login', `--username=${user}`, '--password-stdin', address], {
    input: secret,
    timeoutMs: 60_000,
    ...(signal === undefined ? {} : { signal }),
  });
  if (result === undefined) {
    throw new AppError('LOGIN_FAILED', {
      message: `There is no ${engine} on the PATH.`,
      hint: `Install ${engine}.`,
    });
  }
  if (result.code === 0) return result.stdout.trim();
  const ending = result.code === undefined ? 'it took too long' : `it ended with ${result.code}`;
  const complaint = withoutSecret(complaintOf(result) || ending, user, secret);
  throw new AppError('LOGIN_FAILED', {
    message: `${engine} login failed: ${complaint}`,
    ...(/x509|certificate/i.test(complaint)
      ? { hint: 'Let the engine trust the registry first: berth trust' }
      : {}),
  });
}

/**
 * Plans a logout: our entry goes, those of others stay, and so does the helper, which other addresses may use. After
 * the plan: removeLogin. Throws CHANGE_REFUSED if Docker's config.json is broken, DATA_UNUSABLE if a file of Podman
 * cannot be read.
 */
export async function planLogout(host: Host, { address }: { readonly address: string }): Promise<LogoutPlan> {
  const docker = await readDockerLogin(host, address);
  const hiding = await findHidingFiles(host, address);
  const entry = await planHelperEntryRemoval(host, address);
  // What docker login kept in a store leaves an empty entry under auths; with our helper that store is ours.
  const dockerKeeps = usesBerth(docker) ? docker.readableKeys : docker.keys;
  const podman = hiding.find(({ file }) => file === podmanAuthFile(host));
  const podmanKeeps = podman?.keys.some((key) => addressOf(key) === address) === true;
  return {
    plan: {
      title: `Forget the login to ${address}?`,
      why: 'Push and pull then need a login again.',
      changes: entry === undefined ? [] : [entry],
      effects: [],
    },
    commands: [
      ...dockerKeeps.map((key) => ['docker', 'logout', key]),
      ...(podmanKeeps ? [['podman', 'logout', address]] : []),
    ],
  };
}

async function findClient(host: Host, engine: string | undefined): Promise<LoginClient | undefined> {
  const isPodman = engine?.startsWith('podman') === true;
  const clients: readonly LoginClient[] =
    engine === undefined ? ['docker', 'podman'] : [isPodman ? 'podman' : 'docker'];
  for (const client of clients) {
    if ((await host.find(client)) !== undefined) return client;
  }
  return undefined;
}

/** Who keeps what docker login is told, once our own entry is gone; `undefined`: config.json itself. */
function storeOf(docker: DockerLogin): string | undefined {
  return usesBerth(docker) ? docker.credsStore : (docker.helper ?? docker.credsStore);
}

/** True if Docker has a credential store for the address that works. Docker Desktop leaves its name behind. */
async function hasStore(host: Host, docker: DockerLogin): Promise<boolean> {
  const store = usesBerth(docker) ? undefined : storeOf(docker);
  return store !== undefined && (await host.find(`docker-credential-${store}`)) !== undefined;
}

function helperEffects(
  host: Host,
  {
    address,
    docker,
    hiding,
  }: { readonly address: string; readonly docker: DockerLogin; readonly hiding: readonly HidingFile[] },
): readonly string[] {
  return [
    `The login lies in ${loginsFile(host)}, which only you can read.`,
    ...(host.uid === 0 || host.platform === 'win32'
      ? []
      : ['sudo docker does not see it: it has the home of root.']),
    ...(docker.readableKeys.length > 0
      ? [
          `An older password for ${address} stays in ${docker.file}, readable (base64), though nobody uses it any more. Before this, docker logout ${docker.readableKeys[0] ?? address} removes it.`,
        ]
      : []),
    ...hiding.map(({ file, keys }) =>
      keys.length === 0
        ? `${file} is not valid JSON: Podman, Skopeo and Buildah fail until it is mended or removed.`
        : `Podman, Skopeo and Buildah take another login from ${file} first: podman logout --authfile ${file} ${keys[0] ?? address}`,
    ),
  ];
}

function dockerEffect(docker: DockerLogin): string {
  const store = storeOf(docker);
  return store === undefined
    ? `Docker keeps the password readable (base64) in ${docker.file}: every program that you run can read it.`
    : `Docker keeps the login in its credential store, docker-credential-${store}.`;
}

function podmanEffect(host: Host): string {
  const file = podmanAuthFile(host);
  const until = file.startsWith('/run/') ? ' It is gone after the next restart.' : '';
  return `Podman keeps the password readable (base64) in ${file}: every program that you run can read it.${until}`;
}

/** Clients send and keep it in base64 as well. */
function withoutSecret(text: string, user: string, secret: string): string {
  if (secret === '') return text;
  const encoded = Buffer.from(`${user}:${secret}`).toString('base64');
  return text.replaceAll(secret, '***').replaceAll(encoded, '***');
}

/** The errors of a client, less its warnings; some say them on standard output. */
function complaintOf({ stdout, stderr }: RunResult): string {
  return [stderr, stdout]
    .flatMap((text) => text.split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^WARNING|level=warning/i.test(line))
    .join('\n');
}
