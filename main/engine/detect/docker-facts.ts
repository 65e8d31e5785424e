/** Asks an API of Docker what it is: GET /version and GET /info. */
import { systemCode } from '../../../registry/disk/private-file.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { type EngineAnswer, engineMessage, requestEngine } from '../api/request.ts';
import type { Endpoint } from '../engine.ts';
import { listAt, membersAt, parseJson, textAt, valueAt } from './json.ts';

export interface DockerFacts {
  readonly version: string | undefined;
  /** Of the kernel that it runs on. */
  readonly kernel: string | undefined;
  /** Unique among Docker's daemons; Podman makes up another one for each answer. */
  readonly id: string | undefined;
  /** The host name where it runs. */
  readonly name: string;
  readonly operatingSystem: string;
  readonly rootDir: string;
  readonly isPodman: boolean;
  readonly isWindows: boolean;
  readonly isRootless: boolean;
  /** The folder of RootlessKit, where the engine says it (Docker 20.10 and later). */
  readonly rootlessState: string | undefined;
  readonly remapsUsers: boolean;
  readonly usesContainerdStore: boolean;
  /** Registries of insecure-registries, as host and port. */
  readonly insecure: readonly string[];
}

export type Answer =
  | { readonly kind: 'facts'; readonly facts: DockerFacts }
  /** There is a socket, and this user may not open it. */
  | { readonly kind: 'denied' }
  /** There is no socket. */
  | { readonly kind: 'absent' }
  /** Nobody answers, or not as an engine does. */
  | { readonly kind: 'silent'; readonly reason: string };

/** Asks; a broken or slow engine is an answer, too. Throws when `signal` is aborted. */
export async function askDocker(
  endpoint: Endpoint,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const both = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const [version, info] = await Promise.all(
      ['/version', '/info'].map((path) => requestEngine(endpoint, { path, timeoutMs, signal: both })),
    );
    return readAnswers(version, info);
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted) return { kind: 'silent', reason: `It does not answer within ${timeoutMs} ms.` };
    if (!isAppError(error, 'ENGINE_FAILED')) throw error;
    const code = systemCode(error.cause) ?? '';
    // Of TCP it would be a file of the TLS folder that is missing, or closed.
    if (endpoint.kind !== 'socket') return { kind: 'silent', reason: error.message };
    if (['EACCES', 'EPERM'].includes(code)) return { kind: 'denied' };
    if (['ENOENT', 'ENOTDIR'].includes(code)) return { kind: 'absent' };
    return { kind: 'silent', reason: error.message };
  }
}

function readAnswers(version: EngineAnswer | undefined, info: EngineAnswer | undefined): Answer {
  if (version === undefined || info === undefined) throw new Error('two requests have two answers');
  for (const answer of [version, info]) {
    const isObject = membersAt(parseJson(answer.body.toString('utf8'))).length > 0;
    if (answer.status !== 200 || !isObject) {
      return { kind: 'silent', reason: `It answers: ${engineMessage(answer).slice(0, 200)}` };
    }
  }
  return {
    kind: 'facts',
    facts: readFacts(parseJson(version.body.toString('utf8')), parseJson(info.body.toString('utf8'))),
  };
}

/** The facts in the values of /version and /info. */
function readFacts(version: unknown, info: unknown): DockerFacts {
  const components = listAt(version, 'Components');
  const component = (name: string): unknown => components.find((one) => textAt(one, 'Name') === name);
  const security = listAt(info, 'SecurityOptions').map(String);
  const has = (option: string): boolean => security.some((text) => text.split(',')[0] === `name=${option}`);
  const indexes = membersAt(info, 'RegistryConfig', 'IndexConfigs');
  return {
    version: textAt(version, 'Version') ?? textAt(info, 'ServerVersion'),
    kernel: textAt(version, 'KernelVersion') ?? textAt(info, 'KernelVersion'),
    id: textAt(info, 'ID'),
    name: textAt(info, 'Name') ?? '',
    operatingSystem: textAt(info, 'OperatingSystem') ?? '',
    rootDir: textAt(info, 'DockerRootDir') ?? '',
    isPodman: component('Podman Engine') !== undefined,
    isWindows: textAt(info, 'OSType') === 'windows',
    isRootless: has('rootless'),
    rootlessState: textAt(component('rootlesskit'), 'Details', 'StateDir'),
    remapsUsers: has('userns'),
    usesContainerdStore: listAt(info, 'DriverStatus').some(
      (pair) =>
        Array.isArray(pair) && pair[0] === 'driver-type' && pair[1] === 'io.containerd.snapshotter.v1',
    ),
    insecure: indexes.filter(([, index]) => valueAt(index, 'Secure') === false).map(([name]) => name),
  };
}
