/**
 * Plans what makes an engine accept the registry, the least change first: nothing, the authority's certificate in a
 * folder of this registry alone, an entry of daemon.json, the trust store of the system. Reads, and writes nothing.
 */
import { access, constants } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { AppError, assertNever } from '../../../registry/spec/errors.ts';
import { readEngineInfo } from '../api/engine-info.ts';
import { type Activation, type Change, type Place, type Plan, type Proof, sha256 } from '../change.ts';
import { openPlace } from '../changes/places.ts';
import {
  certsFolder,
  daemonJsonPath,
  pathOf,
  certificatePath,
  trustFolders,
} from '../detect/certs-folders.ts';
import type { Endpoint, Engine, EngineKind, RegistryTarget } from '../engine.ts';
import { conflictingFlags, hasLiveRestore, planDaemonEdit } from '../files/daemon-json.ts';
import { readJsonObject } from '../files/json-edit.ts';
import type { Host } from '../host.ts';
import type { SnippetClient } from '../login/snippets.ts';
import { shellWord } from '../shell.ts';
import { dockerdCommandLine, reloadCommand, restartCommand } from './daemon.ts';
import { planNssTrust } from './nss.ts';
import { type AuthorityToTrust, findSystemStore, planSystemTrust } from './system-store.ts';

export const trustWays = ['certificate', 'insecure', 'mirror', 'system', 'browsers'] as const;
/**
 * `certificate`: the engine verifies this registry by our authority. `insecure`: it verifies nothing at this address.
 * `mirror`: it asks this registry for images of Docker Hub first. `system`: the whole computer trusts the authority.
 * `browsers`: the certificate databases of Chromium and Firefox of this user do.
 */
export type TrustWay = (typeof trustWays)[number];

export interface TrustRequest {
  readonly host: Host;
  readonly engine: Engine;
  readonly target: RegistryTarget;
  /** The host and port that image names will have; the engine's own suggestion when absent. */
  readonly address?: string | undefined;
  readonly way: TrustWay;
}

/**
 * The plan for one engine; without changes when nothing has to be done (`why` says the reason). Throws CHANGE_REFUSED
 * where it cannot be done from here, with the way to do it by hand.
 */
export async function planTrust(request: TrustRequest): Promise<Plan> {
  switch (request.way) {
    case 'certificate':
      return await planCertificate(request);
    case 'insecure':
      return await planDaemonJson(request, 'insecure-registries');
    case 'mirror':
      return await planDaemonJson(request, 'registry-mirrors');
    case 'system':
    case 'browsers':
      return await planSystem(request);
    default:
      return assertNever(request.way);
  }
}

/** How the engine proves that it accepts the registry; `none` for those that cannot be asked from here. */
export function proofOf({ engine, address = engine.address }: TrustRequest): Proof {
  const { kind, endpoint } = engine;
  if (engine.state !== 'running') return { kind: 'none' };
  if (kind === 'podman') return { kind: 'client-login', program: 'podman', address };
  const isDocker = kind.startsWith('docker') || isVirtualMachine(engine);
  return isDocker && endpoint !== undefined ? { kind: 'engine-login', endpoint, address } : { kind: 'none' };
}

async function planCertificate(request: TrustRequest): Promise<Plan> {
  const { engine, target, address = engine.address } = request;
  const title = `Let ${engine.title} trust the registry at ${address}?`;
  const isOwnAddress = address === engine.address;
  if (isOwnAddress && engine.need.kind === 'nothing')
    return { title, why: engine.need.why, changes: [], effects: [] };
  if (isOwnAddress && engine.need.kind === 'cannot') {
    throw new AppError('CHANGE_REFUSED', { message: `${engine.title}: ${engine.need.why}` });
  }
  const { authority } = target;
  if (authority === undefined) throw ownCertificate();
  const changes = await certificateChanges(request, authority, address);
  const effects = changes.flatMap(({ place, activation, needsRoot }) => [
    ...(place.kind === 'engine-file'
      ? [
          'The engine itself writes the file, by a container that is made and never started. Who may talk to the engine may do everything on this computer; no password is asked for.',
        ]
      : []),
    ...(needsRoot ? ['The file belongs to the administrator: the system asks for a password.'] : []),
    ...(activation.kind === 'restart' ? [activation.effect] : []),
  ]);
  return {
    title,
    why: `${engine.title} refuses certificates that it does not know (x509: certificate signed by unknown authority).`,
    changes,
    effects:
      effects.length === 0
        ? ['No restart and no reload: the folder is read at each request.']
        : [...new Set(effects)],
  };
}

async function certificateChanges(
  request: TrustRequest,
  authority: string,
  address: string,
): Promise<readonly Change[]> {
  const { host, engine } = request;
  const proof = proofOf(request);
  const { endpoint } = engine;
  const folder = certsFolder(engine.kind, host);
  if (folder === undefined || (folder.side === 'engine' && !isVirtualMachine(engine))) {
    throw new AppError('CHANGE_REFUSED', {
      message: `Berth cannot place the certificate for ${engine.title} from here.`,
      hint: byHand(engine),
    });
  }
  const inEngine = (at: Endpoint): Place => ({
    kind: 'engine-file',
    endpoint: at,
    folder: '/etc/docker',
    path: `certs.d/${address}/${basename(certificatePath(folder, address, host))}`,
    mode: 0o644,
  });
  const file = (path: string): string => certificatePath({ ...folder, path, side: 'host' }, address, host);
  const throughApi =
    engine.kind === 'docker' && engine.state === 'running' && (await isForRoot(host, file(folder.path)));
  if (endpoint !== undefined && (folder.side === 'engine' || throughApi)) {
    const now: File = { place: inEngine(endpoint), text: authority, activation: none, proof };
    // What the machine copies from the user's folder at its next start: without it the certificate would be gone then.
    const later = trustFolders(engine.kind, host).map((certs): File => {
      const place: Place = { kind: 'file', path: file(certs), mode: 0o644 };
      return { place, text: authority, activation: none, proof: { kind: 'none' } };
    });
    return await withoutDone(request, folder.side === 'engine' ? [...later, now] : [now]);
  }
  const path = file(folder.path);
  const activation = folder.takesEffect === 'at once' ? none : restartOf(engine);
  const files: File[] = [{ place: { kind: 'file', path, mode: 0o644 }, text: authority, activation, proof }];
  if (engine.kind === 'containerd' || engine.kind === 'microk8s') {
    const hosts: Place = { kind: 'file', path: pathOf(host).join(dirname(path), 'hosts.toml'), mode: 0o644 };
    files.unshift({
      place: hosts,
      text: hostsToml(address, path),
      activation: none,
      proof: { kind: 'none' },
    });
  }
  return await withoutDone(request, files);
}

const none: Activation = { kind: 'none' };

interface File {
  readonly place: Place;
  readonly text: string;
  readonly activation: Activation;
  readonly proof: Proof;
}

/** Makes changes of files that are ours as a whole; those that are in place already are left out. */
async function withoutDone(
  { host, engine, address = engine.address }: TrustRequest,
  files: readonly File[],
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const { place, text, activation, proof } of files) {
    const bytes = Buffer.from(text);
    const current = await openPlace(host, place).read();
    if (current?.equals(bytes) === true) continue;
    const path = place.kind === 'file' ? place.path : '';
    const needsRoot = place.kind === 'file' && (await isForRoot(host, path));
    changes.push({
      title: `${engine.title}: trust the registry at ${address}`,
      engine: engine.id,
      address,
      place,
      edit: { kind: 'whole' },
      before: current === undefined ? undefined : sha256(current),
      after: bytes.toString('base64'),
      needsRoot,
      activation,
      proof,
      manual: place.kind === 'store' ? [] : manualCopy(host, place, text),
    });
  }
  return changes;
}

/** Every version of containerd reads this form: 1.6 ignores what stands outside of a host's table. */
function hostsToml(address: string, caFile: string): string {
  return [
    `server = "https://${address}"`,
    '',
    `[host."https://${address}"]`,
    '  capabilities = ["pull", "resolve", "push"]',
    `  ca = "${caFile}"`,
    '',
  ].join('\n');
}

function manualCopy(host: Host, place: Exclude<Place, { kind: 'store' }>, text: string): readonly string[] {
  const path = place.kind === 'file' ? place.path : `${place.folder}/${place.path}`;
  const isCertificate = path.endsWith('.crt');
  if (host.platform === 'win32') {
    const folder = path.slice(0, path.lastIndexOf('\\'));
    return [`mkdir "${folder}"`, `berth cert export-ca > "${path}"`];
  }
  const sudo =
    place.kind === 'engine-file' || path.startsWith('/etc/') || path.startsWith('/var/') ? 'sudo ' : '';
  const source = isCertificate
    ? 'berth cert export-ca'
    : `printf '%s\\n' ${text.trimEnd().split('\n').map(shellWord).join(' ')}`;
  return [`${sudo}mkdir -p ${shellWord(dirname(path))}`, `${source} | ${sudo}tee ${shellWord(path)}`];
}

function byHand({ kind }: Engine): string {
  return `berth connect ${clients[kind] ?? 'docker'} prints what to do by hand.`;
}

/** Whose snippets are for an engine that is none of Docker's. */
const clients: Readonly<Partial<Record<EngineKind, SnippetClient>>> = {
  podman: 'podman',
  'podman-machine': 'podman',
  containerd: 'containerd',
  buildkit: 'buildx',
  kind: 'kind',
  k3d: 'k3d',
  minikube: 'minikube',
  microk8s: 'kubernetes',
};

/** Engines whose virtual machine has an /etc/docker that their API reaches. */
function isVirtualMachine({ kind, endpoint }: Engine): boolean {
  return endpoint !== undefined && ['colima', 'rancher-desktop', 'orbstack'].includes(kind);
}

function restartOf(engine: Engine): Activation {
  const command = restartCommand(engine);
  return {
    kind: 'restart',
    command,
    effect: `${engine.title} takes it over when it is started again (${command.join(' ')}); running containers stop then.`,
  };
}

/** True if this user cannot write there. */
async function isForRoot(host: Host, path: string): Promise<boolean> {
  if (host.platform === 'win32' || host.uid === 0) return false;
  for (let folder = host.systemPath(path); ; folder = dirname(folder)) {
    try {
      await access(folder, constants.W_OK);
      return false;
    } catch (error) {
      const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isAbsent || folder === dirname(folder)) return true;
    }
  }
}

async function planSystem({
  host,
  engine,
  target,
  address = engine.address,
  way,
}: TrustRequest): Promise<Plan> {
  const { authority, authorityFile } = target;
  if (authority === undefined) throw ownCertificate();
  const request = { authority, authorityFile, address };
  if (way === 'browsers') return await planBrowsers(host, request);
  if ((await findSystemStore(host)) === undefined) {
    throw new AppError('CHANGE_REFUSED', {
      message: 'Berth does not know the trust store of this system.',
      hint: 'Install the certificate that berth cert export-ca prints as the documentation of the system says.',
    });
  }
  const changes = await planSystemTrust(host, request);
  return {
    title: 'Let this whole computer trust the authority of this registry?',
    why:
      changes.length === 0
        ? 'This computer trusts it already.'
        : 'Browsers, curl, helm and other programs look in the trust store of the system. The authority can sign private names and the names of this computer only.',
    changes,
    effects: [
      'Engines that run see it after their next restart.',
      ...(changes.some(({ needsRoot }) => needsRoot) ? ['The system asks for a password.'] : []),
    ],
  };
}

async function planBrowsers(host: Host, request: AuthorityToTrust): Promise<Plan> {
  const found = await planNssTrust(host, request);
  if (found.kind === 'needs-tool') {
    throw new AppError('CHANGE_REFUSED', {
      message: `The databases of the browsers are changed by the program ${found.program}, which is not there.`,
      hint: found.hint,
    });
  }
  return {
    title: 'Let the browsers of this user trust the authority of this registry?',
    why:
      found.changes.length === 0
        ? 'There is no browser that does not trust it.'
        : 'Chromium and Firefox have databases of their own. The authority can sign private names and the names of this computer only.',
    changes: found.changes,
    effects: ['Browsers see it when they are started again.'],
  };
}

function ownCertificate(): AppError {
  return new AppError('CHANGE_REFUSED', {
    message: "The registry shows the user's own certificate; Berth does not have its authority.",
    hint: 'Install the authority where the certificate was made.',
  });
}

async function planDaemonJson(
  request: TrustRequest,
  key: 'insecure-registries' | 'registry-mirrors',
): Promise<Plan> {
  const { host, engine, address = engine.address } = request;
  const path = daemonJsonPath(engine.kind, host);
  const { endpoint } = engine;
  if (path === undefined || endpoint === undefined) {
    throw new AppError('CHANGE_REFUSED', {
      message: `${engine.title} has no daemon.json that can be edited from here.`,
      hint: byHand(engine),
    });
  }
  const isInsecure = key === 'insecure-registries';
  const entry = isInsecure ? address : `https://${address}`;
  const commandLine = engine.isLocal ? await dockerdCommandLine(host) : [];
  if (conflictingFlags(commandLine, key)) {
    throw new AppError('CHANGE_REFUSED', {
      message: `dockerd was started with a flag for ${key}; with the key in ${path} too it would not start again.`,
      hint: 'Add the entry to the flags of the service, or move them into daemon.json first.',
    });
  }
  const place: Place = { kind: 'file', path, mode: 0o644 };
  const current = await openPlace(host, place).read();
  const { after } = planDaemonEdit(current, path, { key, entry, serverVersion: engine.version });
  const isDone = current !== undefined && sha256(current) === sha256(after);
  const isReloadable = engine.kind === 'docker' || engine.kind === 'docker-rootless';
  const info = engine.state === 'running' ? await readEngineInfo(endpoint) : undefined;
  const reload = isReloadable ? await reloadCommand(host, engine) : undefined;
  const activation: Activation =
    reload === undefined ? restartOf(engine) : { kind: 'reload', endpoint, command: reload };
  const change: Change = {
    title: `${engine.title}: ${isInsecure ? `do not verify the registry at ${address}` : `use ${entry} as a mirror of Docker Hub`}`,
    engine: engine.id,
    address,
    place,
    edit: { kind: 'json-entry', key, entry },
    before: current === undefined ? undefined : sha256(current),
    after: Buffer.from(after).toString('base64'),
    needsRoot: await isForRoot(host, path),
    activation,
    proof:
      engine.state === 'running' ? { kind: 'engine-info', endpoint, list: key, entry } : { kind: 'none' },
    manual: [
      `Add "${entry}" to the list "${key}" in ${path}`,
      ...(reload === undefined ? [] : [reload.join(' ')]),
    ],
  };
  return {
    title: `Change the configuration of ${engine.title}?`,
    why: isInsecure
      ? `With ${address} in insecure-registries nobody checks who answers there. Trusting the certificate is better.`
      : 'Docker asks a mirror first, without a login: repositories there have to be open to everybody.',
    changes: isDone ? [] : [change],
    effects: [
      reload !== undefined
        ? reloadEffect(info, after)
        : `It takes effect when ${engine.title} is started again.`,
      ...(change.needsRoot ? ['The file belongs to the administrator: the system asks for a password.'] : []),
      'It is put back if the engine does not take it over within 20 s.',
    ],
  };
}

function reloadEffect(info: { readonly containersRunning: number } | undefined, after: Uint8Array): string {
  if (info === undefined) return 'The engine is not running; it takes effect at its next start.';
  const count = info.containersRunning;
  const stay = count === 1 ? '1 container runs and stays' : `${count} containers run and stay`;
  return `Reload, no restart: ${stay}.${hasLiveRestore(readJsonObject(after, '')) ? '' : ' (A restart would stop them: live-restore is off.)'}`;
}
