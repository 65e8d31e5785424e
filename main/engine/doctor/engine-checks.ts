/** Checks of one engine, from its own side: does it run, is it set up, does it accept the registry, push and pull. */
import { isAppError } from '../../../registry/spec/errors.ts';
import { readEngineInfo } from '../api/engine-info.ts';
import { openPlace } from '../changes/places.ts';
import { prove } from '../changes/prove.ts';
import { daemonJsonPath } from '../detect/certs-folders.ts';
import type { Engine } from '../engine.ts';
import { checkDaemonJson } from '../files/daemon-json.ts';
import { dockerdCommandLine } from '../trust/daemon.ts';
import { proofOf } from '../trust/plan-trust.ts';
import { attempt, type Check, type DoctorInput, type Fix, noCredentials, readOnly } from './check.ts';
import { canPushItself, pushByEngine } from './engine-push.ts';

/** All checks of an engine; those that need the registry are skipped when it is not up. */
export async function* checkEngine(input: DoctorInput, engine: Engine, isUp: boolean): AsyncGenerator<Check> {
  const group = engine.title;
  const { id } = engine;
  if (engine.state !== 'running') {
    const denied = engine.state === 'denied';
    yield {
      id: `${id}.running`,
      group,
      status: denied ? 'warn' : 'skip',
      sentence: denied ? 'It runs, and this user may not talk to it.' : 'It is not running.',
      ...(engine.notes.length === 0 ? {} : { evidence: engine.notes.join(' ') }),
      ...(denied ? { fix: { sentence: 'Join the group docker, or run the command with sudo.' } } : {}),
    };
    return;
  }
  const version = engine.version === undefined ? '' : `, version ${engine.version}`;
  yield {
    id: `${id}.running`,
    group,
    status: 'pass',
    sentence: `It runs${version}; its address of the registry is ${engine.address}.`,
  };
  const configuration = await checkConfiguration(input, engine);
  if (configuration !== undefined) yield configuration;
  const clock = await checkClock(engine);
  if (clock !== undefined) yield clock;
  if (engine.need.kind === 'cannot') {
    yield { id: `${id}.handshake`, group, status: 'warn', sentence: engine.need.why };
    return;
  }
  if (!isUp) {
    yield {
      id: `${id}.handshake`,
      group,
      status: 'skip',
      sentence: 'Not tried: the registry is not running.',
    };
    return;
  }
  const handshake = await checkHandshake(input, engine);
  yield handshake;
  yield await checkLogin(input, engine);
  if (handshake.status !== 'pass') {
    yield {
      id: `${id}.push`,
      group,
      status: 'skip',
      sentence: 'Push and pull not tried: it does not accept the registry yet.',
    };
  } else yield await checkPush(input, engine);
}

async function checkHandshake(input: DoctorInput, engine: Engine): Promise<Check> {
  const { host, credentials, registry } = input;
  const base = { id: `${engine.id}.handshake`, group: engine.title };
  const proof = proofOf({ host, engine, target: registry, way: 'certificate' });
  if (proof.kind === 'none') {
    const status = engine.need.kind === 'nothing' ? 'pass' : 'warn';
    return {
      ...base,
      status,
      sentence: `Not tried from its side. ${needSentence(engine)}`,
      ...trustFix(engine),
    };
  }
  const check = await attempt(
    {
      ...base,
      sentence:
        `It accepts the registry at ${engine.address}. ${engine.need.kind === 'nothing' ? engine.need.why : ''}`.trim(),
    },
    () => prove(proof, { host, credentials, signal: input.signal }),
    `It does not accept the registry at ${engine.address}.`,
  );
  if (check.status !== 'fail') return check;
  const isTrust = engine.need.kind !== 'nothing' && /x509|certificate/i.test(check.evidence ?? '');
  return isTrust ? { ...check, ...trustFix(engine) } : check;
}

function trustFix(engine: Engine): { readonly fix?: Fix } {
  if (engine.need.kind === 'nothing' || engine.need.kind === 'cannot') return {};
  return {
    fix: {
      sentence: `Let it trust the authority of this registry: ${needSentence(engine)}`,
      command: `berth trust add ${engine.id}`,
      repair: { kind: 'trust', engine: engine.id },
    },
  };
}

function needSentence({ need }: Engine): string {
  if (need.kind === 'certificate') return `one file, ${need.where}.`;
  return need.kind === 'nothing' || need.kind === 'cannot' ? need.why : need.what;
}

/** Has its client a login; a file with logins that it cannot read either is the answer, and no end of the checks. */
export async function checkLogin(
  { findLogin, isOpen }: Pick<DoctorInput, 'findLogin' | 'isOpen'>,
  engine: Pick<Engine, 'id' | 'title' | 'address' | 'kind'>,
): Promise<Check> {
  const base = { id: `${engine.id}.login`, group: engine.title };
  if (isOpen) return { ...base, status: 'pass', sentence: 'No login is needed.' };
  let where: string | undefined;
  try {
    where = await findLogin(engine);
  } catch (error) {
    if (!isAppError(error)) throw error;
    const { message, hint } = error;
    const sentence = 'The file with its logins cannot be read.';
    return { ...base, status: 'fail', sentence, evidence: message, fix: { sentence: hint } };
  }
  if (where !== undefined)
    return { ...base, status: 'pass', sentence: `It has a login for ${engine.address} (${where}).` };
  return {
    ...base,
    status: 'fail',
    sentence: `It has no login for ${engine.address}.`,
    fix: {
      sentence: 'Log it in.',
      command: `berth login --engine ${engine.id}`,
      repair: { kind: 'login', engine: engine.id },
    },
  };
}

/** Push and pull of the built-in image by the engine itself. */
async function checkPush(input: DoctorInput, engine: Engine): Promise<Check> {
  const { credentials, isOpen, isReadOnly } = input;
  const base = { id: `${engine.id}.push`, group: engine.title };
  if (!canPushItself(engine))
    return { ...base, status: 'skip', sentence: 'Push and pull are not tried for it.' };
  if (isReadOnly) return { ...readOnly(engine.title), ...base };
  if (credentials === undefined && !isOpen) return noCredentials(base.id, base.group);
  return await attempt(
    { ...base, sentence: 'It pushed a small image, and pulled it back.' },
    () => pushByEngine({ ...input, engine }),
    'It could not push and pull a small image.',
  );
}

async function checkConfiguration({ host }: DoctorInput, engine: Engine): Promise<Check | undefined> {
  const path = engine.isLocal ? daemonJsonPath(engine.kind, host) : undefined;
  if (path === undefined) return undefined;
  const base = { id: `${engine.id}.configuration`, group: engine.title };
  const check = await attempt(
    { ...base, sentence: `${path} means what it says.` },
    async () => {
      const bytes = await openPlace(host, { kind: 'file', path, mode: 0o644 }).read();
      if (bytes === undefined) return;
      checkDaemonJson(bytes, path, {
        serverVersion: engine.version,
        commandLine: await dockerdCommandLine(host),
      });
    },
    `${path} holds something that Docker may refuse at its next start.`,
  );
  return check.status === 'fail' ? { ...check, fix: { sentence: `Mend ${path} by hand.` } } : check;
}

/** Certificates are judged by the clock of the engine: that of a virtual machine stands still while a laptop sleeps. */
async function checkClock(engine: Engine): Promise<Check | undefined> {
  if (engine.endpoint === undefined || engine.isLocal) return undefined;
  const base = { id: `${engine.id}.clock`, group: engine.title };
  const { systemTime } = await readEngineInfo(engine.endpoint);
  const clock = Date.parse(systemTime ?? '');
  if (Number.isNaN(clock)) return undefined;
  const seconds = Math.round(Math.abs(clock - Date.now()) / 1000);
  if (seconds <= 60)
    return { ...base, status: 'pass', sentence: 'Its clock agrees with that of this computer.' };
  const fix = { sentence: 'Restart the engine; its virtual machine then takes the time over.' };
  return {
    ...base,
    status: 'warn',
    sentence: `Its clock differs from that of this computer by ${seconds} s.`,
    fix,
  };
}
