/**
 * What the helper with administrator rights can do, as values, and the plan: the text of it that the helper reads.
 *
 *     berth-plan 1
 *     write PATH BEFORE CONTENT      BEFORE: SHA-256 of what is there now, or `absent`; CONTENT: base64
 *     remove PATH BEFORE
 *     run COMMAND
 *     end
 *
 * One line per step, fields separated by one space, a line break after each line. At most 100 steps and 1 MiB. The
 * paths and the commands are closed lists. The helper checks all of it once more: posix-script.ts, windows-script.ts.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { AppError, assertNever } from '../../../registry/spec/errors.ts';

/**
 * The programs that may be run. `reload docker` is `systemctl reload docker`, or SIGHUP where docker is no service of
 * systemd; `restart docker` goes through systemd, `service` without it, or the service manager of Windows.
 */
export const privilegedCommands = [
  'update-ca-certificates',
  'update-ca-certificates --fresh',
  'update-ca-trust extract',
  'trust extract-compat',
  'reload docker',
  'restart docker',
  'snap restart docker',
  'snap restart microk8s',
] as const;
export type PrivilegedCommand = (typeof privilegedCommands)[number];

/** What a person would type for what the helper does in its own way. */
const otherWords: ReadonlyMap<string, PrivilegedCommand> = new Map([
  ['systemctl reload docker', 'reload docker'],
  ['/bin/sh -c kill -HUP "$(cat /var/run/docker.pid)"', 'reload docker'],
  ['systemctl restart docker', 'restart docker'],
]);

/** The helper's name for a command of an activation. Throws CHANGE_REFUSED for one that it does not run. */
export function getPrivilegedCommand(command: readonly string[]): PrivilegedCommand {
  const text = command.join(' ');
  const found = privilegedCommands.find((known) => known === text) ?? otherWords.get(text);
  if (found === undefined) throw refused(`An administrator is not asked for the command "${text}"`);
  return found;
}

export type PrivilegedStep =
  /** Puts the bytes in place, whole. A file that is replaced keeps its owner and its mode. */
  | {
      readonly kind: 'write';
      readonly path: string;
      /** SHA-256 of what must be there, hexadecimal; `undefined` when there must be nothing. */
      readonly before: string | undefined;
      readonly bytes: Uint8Array;
      readonly mode: 0o644;
    }
  /** Deletes the file, and the folder of the registry with its last file. */
  | { readonly kind: 'remove'; readonly path: string; readonly before: string }
  | { readonly kind: 'run'; readonly command: PrivilegedCommand };

const firstLine = 'berth-plan 1';
const lastLine = 'end';
const maxSteps = 100;
const maxBytes = 1 << 20;

const singleFiles: ReadonlySet<string> = new Set([
  '/etc/docker/daemon.json',
  '/etc/buildkit/buildkitd.toml',
  '/var/snap/docker/current/config/daemon.json',
]);

/** Folders that have a folder per registry, and the files in those. */
const hostFolders: Readonly<Record<string, readonly string[]>> = {
  '/etc/docker/certs.d': ['berth.crt'],
  '/etc/containers/certs.d': ['berth.crt'],
  '/etc/containerd/certs.d': ['berth.crt', 'hosts.toml'],
  '/etc/buildkit/certs': ['berth.crt'],
  '/var/snap/docker/current/etc/docker/certs.d': ['berth.crt'],
  '/var/snap/microk8s/current/args/certs.d': ['berth.crt', 'hosts.toml'],
};

/** Folders of certificate authorities, and the ending that the distribution wants there. */
const anchorFolders: Readonly<Record<string, string>> = {
  '/etc/pki/ca-trust/source/anchors': 'pem',
  '/usr/local/share/ca-certificates': 'crt',
  '/etc/ca-certificates/trust-source/anchors': 'crt',
  '/usr/share/pki/trust/anchors': 'pem',
};

/** True for the files that the helper writes and removes. */
export function isPrivilegedPath(path: string): boolean {
  if (singleFiles.has(path)) return true;
  const [, folder = '', file = ''] = /^(.*)\/([^/]*)$/s.exec(path) ?? [];
  const ending = Object.hasOwn(anchorFolders, folder) ? anchorFolders[folder] : undefined;
  if (ending !== undefined) return new RegExp(`^berth-[0-9a-f]{8}\\.${ending}$`).test(file);
  const [, above = '', host = ''] = /^(.*)\/([^/]*)$/s.exec(folder) ?? [];
  const files = Object.hasOwn(hostFolders, above) ? hostFolders[above] : undefined;
  return files === undefined ? isWindowsPath(path) : files.includes(file) && isHost(host);
}

/** Answers the plan for the helper. Throws CHANGE_REFUSED for steps that it would refuse. */
export function renderPlan(steps: readonly PrivilegedStep[]): Buffer {
  const lines = [firstLine, ...steps.map(renderStep), lastLine];
  const plan = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  // A path with a line break in it would be more steps than were shown.
  if (parsePlan(plan).length !== steps.length) throw refused('A step of the plan has a line break');
  return plan;
}

/** Answers the steps of a plan. Throws CHANGE_REFUSED unless it is exactly what `renderPlan` makes. */
export function parsePlan(plan: Uint8Array): readonly PrivilegedStep[] {
  if (plan.length > maxBytes) throw refused('The plan for the administrator is larger than 1 MiB');
  // Bytes as characters: whatever is not ASCII fits none of the patterns.
  const lines = Buffer.from(plan).toString('latin1').split('\n');
  const [first, ...rest] = lines;
  if (first !== firstLine) throw refused('The plan for the administrator is of another version');
  if (rest.at(-2) !== lastLine || rest.at(-1) !== '') {
    throw refused('The plan for the administrator is cut off');
  }
  const texts = rest.slice(0, -2);
  if (texts.length === 0 || texts.length > maxSteps) {
    throw refused(`The plan for the administrator has ${texts.length} steps, not 1 to ${maxSteps}`);
  }
  const steps = texts.map((text, index) => {
    const step = parseStep(text);
    if (step === undefined) {
      throw refused(`Step ${index + 1} of the plan is none that an administrator is asked for`);
    }
    return step;
  });
  if (new Set(steps.map((step) => (step.kind === 'run' ? step.command : step.path))).size < steps.length)
    throw refused('The plan has two steps for one thing');
  return steps;
}

function renderStep(step: PrivilegedStep): string {
  switch (step.kind) {
    case 'write':
      return `write ${step.path} ${step.before ?? 'absent'} ${Buffer.from(step.bytes).toString('base64')}`;
    case 'remove':
      return `remove ${step.path} ${step.before}`;
    case 'run':
      return `run ${step.command}`;
    default:
      return assertNever(step);
  }
}

function parseStep(line: string): PrivilegedStep | undefined {
  const command = privilegedCommands.find((known) => line === `run ${known}`);
  if (command !== undefined) return { kind: 'run', command };

  const [verb, path = '', before = '', content, ...more] = line.split(' ');
  if (more.length > 0 || !isPrivilegedPath(path)) return undefined;
  if (verb === 'remove' && content === undefined && isSha256(before)) return { kind: 'remove', path, before };
  if (verb !== 'write' || content === undefined || content === '') return undefined;
  if (before !== 'absent' && !isSha256(before)) return undefined;
  const bytes = Buffer.from(content, 'base64');
  if (bytes.toString('base64') !== content) return undefined;
  return { kind: 'write', path, before: before === 'absent' ? undefined : before, bytes, mode: 0o644 };
}

function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** A lower-case DNS name, an IPv4 address or a bracketed IPv6 address, with or without a port. */
function isHost(text: string): boolean {
  const [, address = '', port] = /^(\[[0-9a-f:]+\]|[0-9a-z.-]+)(?::([1-9][0-9]{0,4}))?$/.exec(text) ?? [];
  if (text.length > 255 || Number(port ?? 1) > 65_535) return false;
  return address.startsWith('[') ? isIPv6(address.slice(1, -1)) : isName(address);
}

function isName(text: string): boolean {
  const labels = text.split('.');
  // A name whose last label is a number would be read as an address by many programs.
  if (/^[0-9]+$/.test(labels.at(-1) ?? '')) return isIPv4(text);
  return text.length <= 253 && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
}

/** Docker for Windows: %ProgramData%, and the registry's folder without the colon that Windows does not allow. */
function isWindowsPath(path: string): boolean {
  const [, below = ''] = /^[A-Z]:\\ProgramData\\docker\\(.*)$/s.exec(path) ?? [];
  return (
    below === 'config\\daemon.json' ||
    /^certs\.d\\[a-z0-9](?!.*\.\.)[a-z0-9.-]{0,200}[a-z0-9]\\berth\.crt$/.test(below)
  );
}

function refused(what: string): AppError {
  return new AppError('CHANGE_REFUSED', {
    message: `${what}.`,
    hint: 'Make the change by hand, as an administrator.',
  });
}
