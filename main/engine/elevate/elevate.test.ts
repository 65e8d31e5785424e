import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAppError } from '../../../registry/spec/errors.ts';
import { sha256 } from '../change.ts';
import { type Host, thisHost } from '../host.ts';
import { runElevated } from './elevate.ts';
import { posixScript } from './posix-script.ts';
import { type PrivilegedStep, renderPlan } from './steps.ts';

// The programs that ask for rights are stand-ins here, which keep what they get. What the helper does with it is
// tried for real in test/engine/elevation.test.ts.
const posix = { skip: process.platform === 'win32' ? 'the stand-ins are shell scripts' : false };

const steps: readonly PrivilegedStep[] = [
  {
    kind: 'write',
    path: '/etc/docker/certs.d/reg.test:5000/berth.crt',
    before: undefined,
    bytes: Buffer.from('pem\n'),
    mode: 0o644,
  },
  { kind: 'run', command: 'reload docker' },
];
const plan = renderPlan(steps);
const did = ['did write /etc/docker/certs.d/reg.test:5000/berth.crt', 'did run reload docker'];
const byHand = `Run in a terminal:
sudo mkdir -p '/etc/docker/certs.d/reg.test:5000'
echo 'cGVtCg==' | base64 -d | sudo tee '/etc/docker/certs.d/reg.test:5000/berth.crt' >/dev/null
sudo systemctl reload docker`;
const helper = ['/bin/sh', '-c', posixScript, 'berth-helper', 'apply', sha256(plan)];

interface Answer {
  readonly code: number;
  readonly stdout?: readonly string[];
  readonly stderr?: string;
}
const done: Answer = { code: 0, stdout: did };
const terminal: Answer = { code: 0 };
const noTerminal: Answer = { code: 2 };

test('each way to administrator rights is tried in its order', posix, async () => {
  const display = { DISPLAY: ':0' };
  const cases: readonly {
    readonly name: string;
    readonly host: Partial<Host>;
    readonly programs: Readonly<Record<string, Answer>>;
    readonly asked: readonly string[];
    readonly outcome: string;
  }[] = [
    {
      name: 'root needs no question',
      host: { uid: 0, env: display },
      programs: { env: done, pkexec: done, sudo: done, sh: terminal },
      asked: ['env'],
      outcome: 'done',
    },
    {
      name: 'a display: pkexec',
      host: { env: display },
      programs: { pkexec: done, sudo: done, sh: terminal },
      asked: ['pkexec'],
      outcome: 'done',
    },
    {
      name: 'Wayland counts as a display',
      host: { env: { WAYLAND_DISPLAY: 'wayland-0' } },
      programs: { pkexec: done, sudo: done, sh: terminal },
      asked: ['pkexec'],
      outcome: 'done',
    },
    {
      name: 'dismissed is an answer',
      host: { env: display },
      programs: { pkexec: { code: 126 }, sudo: done, sh: terminal },
      asked: ['pkexec'],
      outcome: 'ELEVATION_FAILED: The question for administrator rights was dismissed.',
    },
    {
      name: 'no agent: sudo in the terminal',
      host: { env: display },
      programs: { pkexec: { code: 127 }, sudo: done, sh: terminal },
      asked: ['pkexec', 'sh', 'sudo'],
      outcome: 'done',
    },
    {
      name: 'no display: sudo',
      host: {},
      programs: { pkexec: done, sudo: done, sh: terminal },
      asked: ['sh', 'sudo'],
      outcome: 'done',
    },
    {
      name: 'wrong password',
      host: {},
      programs: { sudo: { code: 1, stderr: 'sudo: 3 incorrect password attempts' }, sh: terminal },
      asked: ['sh', 'sudo'],
      outcome:
        'ELEVATION_FAILED: Administrator rights are needed, and could not be had. sudo: 3 incorrect password attempts',
    },
    {
      name: 'nobody to ask',
      host: {},
      programs: { sh: noTerminal },
      asked: ['sh'],
      outcome: 'ELEVATION_FAILED: Administrator rights are needed, and could not be had.',
    },
    {
      name: 'macOS: osascript',
      host: { platform: 'darwin' },
      programs: { osascript: { code: 0, stdout: [...did, 'exit 0'] }, sudo: done, sh: terminal },
      asked: ['osascript'],
      outcome: 'done',
    },
    {
      name: 'macOS: dismissed',
      host: { platform: 'darwin' },
      programs: {
        osascript: { code: 1, stderr: '36:90: execution error: User canceled. (-128)' },
        sudo: done,
        sh: terminal,
      },
      asked: ['osascript'],
      outcome: 'ELEVATION_FAILED: The question for administrator rights was dismissed.',
    },
    {
      name: 'macOS without a session: sudo',
      host: { platform: 'darwin' },
      programs: {
        osascript: { code: 1, stderr: 'execution error: No user interaction allowed. (-1713)' },
        sudo: done,
        sh: terminal,
      },
      asked: ['osascript', 'sh', 'sudo'],
      outcome: 'done',
    },
    {
      name: 'Windows: UAC',
      host: { platform: 'win32', uid: undefined },
      programs: { powershell: { code: 236 } },
      asked: ['powershell'],
      outcome: 'ELEVATION_FAILED: Administrator rights are needed, and could not be had.',
    },
  ];

  for (const { name, host, programs, asked, outcome } of cases) {
    await using scene = await openScene(programs, host);

    const result = await outcomeOf(() => runElevated(scene.host, steps));

    assert.deepEqual({ name, asked: await scene.asked(), outcome: result }, { name, asked, outcome });
  }
});

test('the helper gets its text and the hash as arguments, the plan on standard input', posix, async () => {
  const cases = [
    { uid: 0, program: 'env', before: ['-i'], terminal },
    { uid: 1000, env: { DISPLAY: ':0' }, program: 'pkexec', before: [], terminal },
    { uid: 1000, program: 'sudo', before: ['--'], terminal },
    { uid: 1000, program: 'sudo', before: ['-n', '--'], terminal: noTerminal },
  ];

  for (const { uid, env = {}, program, before, terminal: sh } of cases) {
    await using scene = await openScene({ [program]: done, sh }, { uid, env });

    const result = await runElevated(scene.host, steps);

    assert.deepEqual(result, { report: did });
    assert.deepEqual(await scene.received(program), { args: [...before, ...helper], input: plan.toString() });
  }
});

test(
  'macOS gets one shell command, with the plan in a private file that is gone afterwards',
  posix,
  async () => {
    await using scene = await openScene(
      { osascript: { code: 0, stdout: [...did, 'exit 0'] } },
      { platform: 'darwin' },
    );

    await runElevated(scene.host, steps);

    const { args } = await scene.received('osascript');
    const command = args.at(-1) ?? '';
    const [, words = '', file = ''] = /^(.*) <('[^']*'|[^' ]*); echo "exit \$\?"$/s.exec(command) ?? [];
    assert.deepEqual(args.slice(0, -1), [
      '-e',
      'on run argv',
      '-e',
      'do shell script (item 1 of argv) with prompt "Berth wants to change the trust of container engines." with administrator privileges without altering line endings',
      '-e',
      'end run',
    ]);
    // The shell reads the words as the arguments that the other ways pass.
    const split = spawnSync('/bin/sh', ['-c', `set -- ${words}; printf '%s\\0' "$@"`], { encoding: 'utf8' });
    assert.deepEqual(split.stdout.split('\0').slice(0, -1), helper);
    await assert.rejects(readFile(file.replaceAll("'", '')), { code: 'ENOENT' });
  },
);

test('what the helper answers becomes a result or an error', posix, async () => {
  const cases: readonly (readonly [Answer, string])[] = [
    [done, 'done'],
    [
      { code: 3, stdout: ['refused stale /etc/x'] },
      'CHANGE_STALE: /etc/x changed since the plan was made. Nothing was changed.',
    ],
    [
      { code: 3, stdout: ['refused unsafe folder /etc/docker: it is a link'] },
      "CHANGE_REFUSED: The administrator's helper refused the plan: unsafe folder /etc/docker: it is a link. Nothing was changed.",
    ],
    [
      { code: 4, stdout: [did[0] ?? '', 'failed reload docker ended with 1'], stderr: 'a\nJob failed.\n' },
      "CHANGE_FAILED: The administrator's helper did 1 of 2 steps, then: reload docker ended with 1. Job failed.",
    ],
    [
      { code: 4, stdout: ['failed interrupted'] },
      "CHANGE_FAILED: The administrator's helper did 0 of 2 steps, then: interrupted.",
    ],
    [
      { code: 137, stdout: [did[0] ?? ''] },
      "CHANGE_FAILED: The administrator's helper did 1 of 2 steps, then: it was ended.",
    ],
    // A success of something else is none.
    [{ code: 0 }, 'ELEVATION_FAILED: Administrator rights are needed, and could not be had.'],
    [
      { code: 0, stdout: did.slice(1) },
      'ELEVATION_FAILED: Administrator rights are needed, and could not be had.',
    ],
  ];

  for (const [answer, outcome] of cases) {
    await using scene = await openScene({ env: answer }, { uid: 0 });

    assert.equal(await outcomeOf(() => runElevated(scene.host, steps)), outcome);
  }
});

test('an error after some steps says how many are done', posix, async () => {
  await using scene = await openScene({ env: { code: 4, stdout: [did[0] ?? '', 'failed x'] } }, { uid: 0 });

  await assert.rejects(runElevated(scene.host, steps), { code: 'CHANGE_FAILED', detail: { done: 1 } });
});

test('without rights the commands for doing it by hand are in the hint', posix, async () => {
  await using scene = await openScene({ sh: noTerminal });

  await assert.rejects(runElevated(scene.host, steps), { code: 'ELEVATION_FAILED', hint: byHand });
});

test('the exit codes of Windows are understood, which end in 8 bits here', posix, async () => {
  const outcomes: string[] = [];
  for (const code of [1002, 2001, 3, 5, 126, 0]) {
    const host: Host = {
      ...thisHost({}),
      platform: 'win32',
      run: () => Promise.resolve({ code, stdout: '', stderr: '' }),
    };
    outcomes.push(await outcomeOf(() => runElevated(host, steps)));
  }

  assert.deepEqual(outcomes, [
    'done',
    "CHANGE_FAILED: The administrator's helper did 1 of 2 steps, then: the helper met an error.",
    "CHANGE_REFUSED: The administrator's helper refused the plan: the helper refused it. Nothing was changed.",
    'CHANGE_STALE: A file changed since the plan was made. Nothing was changed.',
    'ELEVATION_FAILED: Administrator rights are needed, and could not be had.',
    'ELEVATION_FAILED: Administrator rights are needed, and could not be had.',
  ]);
});

test('a command that several steps need runs once, after the last of them', posix, async () => {
  const again: PrivilegedStep = { kind: 'remove', path: '/etc/docker/daemon.json', before: 'a'.repeat(64) };
  const [write, reload] = steps;
  assert.ok(write !== undefined && reload !== undefined);
  await using scene = await openScene({ env: { code: 3, stdout: ['refused x'] } }, { uid: 0 });

  await outcomeOf(() => runElevated(scene.host, [write, reload, again, reload], { dryRun: true }));

  const { args, input } = await scene.received('env');
  assert.equal(input, renderPlan([write, again, reload]).toString());
  assert.deepEqual(args.slice(-2), ['dry-run', sha256(renderPlan([write, again, reload]))]);
});

test('an abort ends the waiting', posix, async () => {
  const abort = new AbortController();
  await using scene = await openScene({ env: done }, { uid: 0 });
  abort.abort();

  await assert.rejects(runElevated(scene.host, steps, { signal: abort.signal }), { name: 'AbortError' });
});

interface Scene extends AsyncDisposable {
  readonly host: Host;
  /** The programs that were run, in their order. */
  asked(): Promise<readonly string[]>;
  received(program: string): Promise<{ readonly args: readonly string[]; readonly input: string }>;
}

/** A host that finds the programs alone, each a script that keeps what it gets and answers as said. */
async function openScene(
  programs: Readonly<Record<string, Answer>>,
  given: Partial<Host> = {},
): Promise<Scene> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'berth-elevate-'));
  const order = join(folder.path, 'order');
  for (const [name, { code, stdout = [], stderr = '' }] of Object.entries(programs)) {
    const file = join(folder.path, name);
    await writeFile(`${file}.out`, stdout.map((line) => `${line}\n`).join(''));
    await writeFile(`${file}.err`, stderr);
    const script = `#!/bin/sh
PATH=/usr/bin:/bin
echo ${name} >>'${order}'
printf '%s\\0' "$@" >'${file}.args'
cat >'${file}.input'
cat '${file}.err' >&2
cat '${file}.out'
exit ${code}
`;
    await writeFile(file, script, { mode: 0o755 });
  }
  await writeFile(order, '');
  const host: Host = { ...thisHost({ PATH: folder.path }), platform: 'linux', uid: 1000, env: {}, ...given };
  return {
    host,
    asked: async () => (await readFile(order, 'utf8')).split('\n').slice(0, -1),
    received: async (program) => ({
      args: (await readFile(join(folder.path, `${program}.args`), 'utf8')).split('\0').slice(0, -1),
      input: await readFile(join(folder.path, `${program}.input`), 'utf8'),
    }),
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

/** `done`, or the error as a text. */
async function outcomeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'done';
  } catch (error) {
    if (!isAppError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}
