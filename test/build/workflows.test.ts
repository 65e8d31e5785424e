/** The workflows of GitHub Actions, as far as they can be judged without running them. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, '.github', 'workflows');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly needs?: string | readonly string[];
  readonly 'timeout-minutes'?: number;
  readonly permissions?: unknown;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

suite('the workflows', () => {
  const texts = new Map<string, string>();
  const jobs: { readonly name: string; readonly job: Job; readonly others: readonly string[] }[] = [];
  const workflows = new Map<string, Workflow>();
  before(async () => {
    for (const file of await readdir(folder)) {
      const text = await readFile(join(folder, file), 'utf8');
      const workflow = parse(text) as Workflow;
      texts.set(file, text);
      workflows.set(file, workflow);
      const others = Object.keys(workflow.jobs);
      for (const [name, job] of Object.entries(workflow.jobs))
        jobs.push({ name: `${file}: ${name}`, job, others });
    }
  });

  const steps = () => jobs.flatMap(({ name, job }) => job.steps.map((step) => ({ name, step })));
  const commands = () =>
    steps().flatMap(({ name, step }) => (step.run === undefined ? [] : [{ name, run: step.run }]));

  test('are one for each push and one for releases', () => {
    assert.deepEqual([...texts.keys()].toSorted(), ['ci.yml', 'release.yml']);
  });

  test('pin each action to a commit, and say its version', () => {
    const lines = [...texts].flatMap(([file, text]) =>
      [...text.matchAll(/^.*\buses:.*$/gm)].map(([line]) => `${file}: ${line.trim()}`),
    );

    assert.ok(lines.length > 10, String(lines.length));
    assert.deepEqual(
      lines.filter((line) => !/ uses: actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line)),
      [],
    );
    assert.equal(
      new Set(lines.map((line) => /@(\w+)/.exec(line)?.[1])).size,
      5,
      'an action has two versions',
    );
  });

  test('may read alone; the job that makes the draft may write', () => {
    assert.deepEqual(
      [...workflows.values()].map(({ permissions }) => permissions),
      [{ contents: 'read' }, { contents: 'read' }],
    );
    assert.deepEqual(
      jobs.flatMap(({ name, job: { permissions } }) =>
        permissions === undefined ? [] : [{ name, permissions }],
      ),
      [
        {
          name: 'release.yml: release',
          permissions: { contents: 'write', 'id-token': 'write', attestations: 'write' },
        },
      ],
    );
  });

  test('leave no token in a checkout', () => {
    const checkouts = steps().filter(({ step }) => step.uses?.startsWith('actions/checkout@'));

    assert.deepEqual(
      checkouts.filter(({ step }) => step.with?.['persist-credentials'] !== false),
      [],
    );
  });

  test('put no expression into a command, where its text would be run', () => {
    assert.deepEqual(
      commands().filter(({ run }) => run.includes('${{')),
      [],
    );
  });

  test('end after a time, and wait for jobs that are there', () => {
    const complaints = jobs.flatMap(({ name, job, others }) => [
      ...(typeof job['timeout-minutes'] === 'number' ? [] : [`${name} has no time limit`]),
      ...[job.needs ?? []].flat().flatMap((need) => (others.includes(need) ? [] : [`${name} needs ${need}`])),
    ]);

    assert.deepEqual(complaints, []);
  });

  test('run scripts, programs and files that are there', async () => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const complaints = commands().flatMap(({ name, run }) => {
      const npm = [...run.matchAll(/\bnpm run ([\w-]+)/g)].map(([, script = '']) => script);
      const npx = [...run.matchAll(/\bnpx ([\w-]+)/g)].map(([, program = '']) => program);
      const files = [...run.matchAll(/(?<![\w/.-])(?:\.ci|build|packaging|test)\/[\w./-]+/g)].map(
        ([path]) => path,
      );
      return [
        ...npm.filter((script) => !Object.hasOwn(scripts, script)),
        ...npx.filter((program) => !existsSync(join(root, 'node_modules/.bin', program))),
        ...files.filter((path) => !existsSync(join(root, path))),
      ].map((what) => `${name}: ${what} is not there`);
    });

    assert.ok(commands().length > 20, String(commands().length));
    assert.deepEqual(complaints, []);
  });

  test('build releases on the systems and processors that Berth is for, and check them in their order', () => {
    const release = texts.get('release.yml') ?? '';
    const targets = [...release.matchAll(/target: (\w+-\w+),/g)].map(([, target]) => target);
    const order = ['node build/release.ts', 'attest-build-provenance@', 'gh release create'];

    assert.deepEqual(targets, ['linux-x64', 'linux-arm64', 'mac-x64', 'mac-arm64', 'win-x64', 'win-arm64']);
    assert.deepEqual(
      order.toSorted((one, other) => release.indexOf(one) - release.indexOf(other)),
      order,
    );
    assert.match(release, /gh release create .*--draft /);
  });
});
