/**
 * Gets a reviewed plan carried out with administrator rights: the system asks the person, and starts one fixed helper.
 *
 *   Linux     root: the helper at once > pkexec where there is a display > sudo, which asks in the terminal
 *   macOS     root > osascript, which shows the question of the system > sudo
 *   Windows   UAC
 *
 * A way that does not exist here leads to the next; a question that was dismissed is an answer. The helper gets its
 * text and the plan's SHA-256 as arguments and the plan on standard input. Where no standard input gets through, the
 * plan lies in a private file that the helper reads once and believes for its hash alone.
 */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../../registry/spec/errors.ts';
import { sha256 } from '../change.ts';
import type { Host, RunOptions, RunResult } from '../host.ts';
import { shellWord } from '../shell.ts';
import { manualCommands } from './manual.ts';
import { posixScript } from './posix-script.ts';
import { type PrivilegedStep, renderPlan } from './steps.ts';
import { powershellArguments, windowsExit, windowsPayload } from './windows-script.ts';

export interface ElevateOptions {
  /** The helper checks everything and changes nothing. */
  readonly dryRun?: boolean;
  /** Ends the waiting. A question on the screen stays there, and the helper that it starts still does the plan. */
  readonly signal?: AbortSignal | undefined;
}

export interface ElevatedResult {
  /** What the helper said of each step: `did write PATH`, `did run COMMAND`; in a dry run `would ...`. */
  readonly report: readonly string[];
}

/**
 * Carries out the steps in their order; durable when it resolves. A command that several steps name runs once, the
 * last time. Throws CHANGE_REFUSED (no step of the closed lists, or an unsafe folder) and CHANGE_STALE (a file is not
 * what `before` says), both before anything is changed; ELEVATION_FAILED with the commands for doing it by hand when
 * nobody could be asked or the answer was no; CHANGE_FAILED when it stopped midway, with `{ done }` as its detail: the
 * number of steps that are carried out.
 */
export async function runElevated(
  host: Host,
  steps: readonly PrivilegedStep[],
  options: ElevateOptions = {},
): Promise<ElevatedResult> {
  const { dryRun = false, signal } = options;
  const once = steps.filter((step, at) => step.kind !== 'run' || !isNamedLater(steps, at));
  const plan = renderPlan(once);
  const task: Task = { steps: once, plan, mode: dryRun ? 'dry-run' : 'apply', signal };
  if (host.platform === 'win32') return await askWindows(host, task);

  if (host.uid === 0) {
    // Whatever the environment of this process holds, the helper gets none of it.
    const result = await run(host, 'env', ['-i', ...helper(task)], task, plan);
    return readReport(task, result) ?? failToStart(task, host, result?.stderr);
  }
  let complaint: string | undefined;
  for (const ask of [host.platform === 'darwin' ? askMac : askPolkit, askSudo]) {
    const result = await ask(host, task);
    const report = readReport(task, result);
    if (report !== undefined) return report;
    complaint = result?.stderr.trim() || complaint;
  }
  return failToStart(task, host, complaint);
}

interface Task {
  readonly steps: readonly PrivilegedStep[];
  readonly plan: Buffer;
  readonly mode: 'apply' | 'dry-run';
  readonly signal: AbortSignal | undefined;
}

/** A person looks for the password, and services take a while to restart. */
const timeoutMs = 600_000;

function isNamedLater(steps: readonly PrivilegedStep[], at: number): boolean {
  const step = steps[at];
  return steps
    .slice(at + 1)
    .some((later) => step?.kind === 'run' && later.kind === 'run' && step.command === later.command);
}

function helper({ mode, plan }: Task): readonly string[] {
  return ['/bin/sh', '-c', posixScript, 'berth-helper', mode, sha256(plan)];
}

async function askPolkit(host: Host, task: Task): Promise<RunResult | undefined> {
  if (host.env['DISPLAY'] === undefined && host.env['WAYLAND_DISPLAY'] === undefined) return undefined;
  const result = await run(host, 'pkexec', helper(task), task, task.plan);
  // pkexec(1): 126 when the person dismissed the question; 127 without an agent or a right, when sudo may still do.
  if (result?.code === 126)
    throw notGiven(task, host, 'The question for administrator rights was dismissed.');
  return result;
}

async function askSudo(host: Host, task: Task): Promise<RunResult | undefined> {
  // sudo(8) asks on the terminal itself, so that standard input stays free for the plan. Where there is none, it
  // may still have a rule without a password.
  const terminal = await run(host, 'sh', ['-c', ': </dev/tty'], task);
  const questions = terminal?.code === 0 ? [] : ['-n'];
  return await run(host, 'sudo', [...questions, '--', ...helper(task)], task, task.plan);
}

/**
 * macOS: `do shell script` passes no standard input, and keeps standard output only of a command that ends with 0.
 * The command is an argument of the AppleScript, so that only the shell's quoting is needed.
 */
async function askMac(host: Host, task: Task): Promise<RunResult | undefined> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-plan-')); // with the mode 0700
  const file = join(folder.path, 'plan');
  await writeFile(file, task.plan, { mode: 0o600 });
  const result = await run(host, 'osascript', macArguments(task, file), task);
  // errAEUserCanceled, AppleScript Language Guide, "Error Numbers and Error Messages"
  if (result !== undefined && result.code !== 0 && result.stderr.includes('(-128)')) {
    throw notGiven(task, host, 'The question for administrator rights was dismissed.');
  }
  const [, stdout, code] = /^(.*?)exit (\d+)\n*$/s.exec(result?.stdout ?? '') ?? [];
  return result === undefined || code === undefined
    ? result
    : { ...result, stdout: stdout ?? '', code: Number(code) };
}

function macArguments(task: Task, planFile: string): readonly string[] {
  const command = `${helper(task).map(shellWord).join(' ')} <${shellWord(planFile)}; echo "exit $?"`;
  const script = [
    'on run argv',
    'do shell script (item 1 of argv) with prompt "Berth wants to change the trust of container engines." with administrator privileges without altering line endings',
    'end run',
  ];
  return [...script.flatMap((line) => ['-e', line]), command];
}

async function askWindows(host: Host, task: Task): Promise<ElevatedResult> {
  const payload = windowsPayload(task.mode, task.plan);
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-plan-')); // the user's own temporary folder
  const file = join(folder.path, 'plan.ps1');
  await writeFile(file, payload, { mode: 0o600 });
  const result = await run(host, 'powershell', powershellArguments(file, sha256(payload)), task);
  const code = result?.code ?? windowsExit.notStarted;
  const total = task.steps.length;
  if (code === windowsExit.refused) throw refusal('the helper refused it');
  if (code === windowsExit.stale) throw refusal('stale');
  if (code === windowsExit.done + total) return { report: task.steps.map((step) => describe(task, step)) };
  if (code >= windowsExit.failed && code < windowsExit.failed + total) {
    throw midway(task, code - windowsExit.failed, 'the helper met an error');
  }
  return failToStart(task, host, result?.stderr);
}

function describe({ mode }: Task, step: PrivilegedStep): string {
  const verb = mode === 'apply' ? 'did' : 'would';
  return `${verb} ${step.kind} ${step.kind === 'run' ? step.command : step.path}`;
}

async function run(
  host: Host,
  program: string,
  args: readonly string[],
  { signal }: Task,
  input?: Uint8Array,
): Promise<RunResult | undefined> {
  const options: RunOptions = {
    timeoutMs,
    ...(input === undefined ? {} : { input }),
    ...(signal === undefined ? {} : { signal }),
  };
  try {
    return await host.run(program, args, options);
  } catch (error) {
    // A program that became root cannot be ended by this user: kill(2) says EPERM.
    signal?.throwIfAborted();
    throw error;
  }
}

/** What the helper's answer means; `undefined` when it did not start. */
function readReport(task: Task, result: RunResult | undefined): ElevatedResult | undefined {
  const lines = result?.stdout.split('\n').filter((line) => line !== '') ?? [];
  const refused = lines.find((line) => line.startsWith('refused '));
  if (refused !== undefined) throw refusal(refused.slice('refused '.length));
  const expected = task.steps.map((step) => describe(task, step));
  const report = lines.filter((line, at) => line === expected[at]);
  if (result?.code === 0 && report.length === expected.length) return { report };
  const failed = lines.find((line) => line.startsWith('failed '));
  if (failed === undefined && report.length === 0) return undefined;
  throw midway(task, report.length, failed?.slice('failed '.length) ?? 'it was ended', result?.stderr);
}

function refusal(reason: string): AppError {
  const [, path] = /^stale ?(.*)$/.exec(reason) ?? [];
  if (path !== undefined) {
    return new AppError('CHANGE_STALE', {
      message: `${path === '' ? 'A file' : path} changed since the plan was made. Nothing was changed.`,
    });
  }
  return new AppError('CHANGE_REFUSED', {
    message: `The administrator's helper refused the plan: ${reason}. Nothing was changed.`,
    hint: 'Mend what the message names, or make the change by hand.',
  });
}

function midway({ steps }: Task, done: number, reason: string, output = ''): AppError {
  const last = output.trim().split('\n').at(-1) ?? '';
  return new AppError('CHANGE_FAILED', {
    message: `The administrator's helper did ${done} of ${steps.length} steps, then: ${reason}.${last === '' ? '' : ` ${last}`}`,
    hint: 'Look at the steps that are done, and at the program that failed.',
    detail: { done },
  });
}

function failToStart(task: Task, host: Host, complaint = ''): never {
  const because = complaint.trim() === '' ? '' : ` ${complaint.trim().split('\n').at(-1)}`;
  throw notGiven(task, host, `Administrator rights are needed, and could not be had.${because}`);
}

function notGiven({ steps }: Task, { platform }: Host, message: string): AppError {
  const where = platform === 'win32' ? 'in a PowerShell that runs as administrator' : 'in a terminal';
  return new AppError('ELEVATION_FAILED', {
    message,
    hint: [`Run ${where}:`, ...manualCommands(steps, platform)].join('\n'),
  });
}
