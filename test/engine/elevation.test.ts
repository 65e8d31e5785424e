import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { runElevated } from '../../main/engine/elevate/elevate.ts';
import { posixScript } from '../../main/engine/elevate/posix-script.ts';
import {
  parsePlan,
  privilegedCommands,
  type PrivilegedStep,
  renderPlan,
} from '../../main/engine/elevate/steps.ts';
import { type Host, thisHost } from '../../main/engine/host.ts';
import { isInsideEngine } from '../support/engine.ts';
import { run, type RunResult, succeed } from '../support/process.ts';
import { needs } from '../support/tools.ts';

// The helper writes below /etc, /usr and /var: all three are private here, see makeSystem.
const work = process.env['ENGINE_WORK'] ?? '';
const nobody = 65_534;

/**
 * Shells that are /bin/sh somewhere: of Debian, Fedora, Alpine. Started under the name sh, as there: a bash under its
 * own name reads ~/.bashrc when its standard input is a socket, which a pipe of Node.js is.
 */
const shells = [
  { name: 'dash', program: '/bin/dash', file: join(work, 'dash/sh'), args: [] },
  { name: 'bash', program: '/bin/bash', file: join(work, 'bash/sh'), args: [] },
  { name: 'busybox', program: '/bin/busybox', file: join(work, 'busybox/sh'), args: [] },
].filter(({ program: file }) => existsSync(file));

const registry = 'reg.test:5000';
const crt = `/etc/docker/certs.d/${registry}/berth.crt`;
const daemonJson = '/etc/docker/daemon.json';
/** Would be seen if it were done before something else of the plan is refused. */
const visible = `write ${daemonJson} absent e30K`;

/** What the helper may run; stand-ins of tests lie in /usr/sbin, where it looks first. */
const programs = ['update-ca-certificates', 'update-ca-trust', 'trust', 'snap', 'systemctl', 'service'];

const listed = [
  daemonJson,
  crt,
  '/etc/docker/certs.d/[fd00::1]:443/berth.crt',
  '/etc/docker/certs.d/192.168.1.20/berth.crt',
  `/etc/containers/certs.d/${registry}/berth.crt`,
  `/etc/containerd/certs.d/${registry}/berth.crt`,
  `/etc/containerd/certs.d/${registry}/hosts.toml`,
  '/etc/buildkit/buildkitd.toml',
  `/etc/buildkit/certs/${registry}/berth.crt`,
  '/var/snap/docker/current/config/daemon.json',
  `/var/snap/docker/current/etc/docker/certs.d/${registry}/berth.crt`,
  `/var/snap/microk8s/current/args/certs.d/${registry}/berth.crt`,
  `/var/snap/microk8s/current/args/certs.d/${registry}/hosts.toml`,
  '/etc/pki/ca-trust/source/anchors/berth-0123abcd.pem',
  '/usr/local/share/ca-certificates/berth-0123abcd.crt',
  '/etc/ca-certificates/trust-source/anchors/berth-0123abcd.crt',
  '/usr/share/pki/trust/anchors/berth-0123abcd.pem',
];

const badHosts = [
  '', '.', '..', ' ', 'a b', ' a', 'a ', 'a\tb', '-a', 'a-', '--help', '-rf', 'a..b', '.a', 'a.', 'a.-b', 'a-.b',
  'A', 'Reg.test', 'a_b', 'a/b', '../x', 'a/../b', 'a\\b', '~', '~root', '*', 'a*', '?', '[a-z]', '{a,b}', '!', '#',
  "a'b", 'a"b', 'a`id`', '`id`', '$(id)', '$HOME', '${IFS}', 'a;id', 'a&id', 'a|id', 'a>b', 'a<b', '(a)', 'a%00',
  'a%2f..', 'ä', 'аpple', 'a\u200bb', 'a\u00a0b', 'İ', '\u202ea', 'a\u0085', 'a\x01', 'a\x7f', 'a\x1b[31m', 'a\r',
  'a,b', 'a=b', 'a@b', 'a:', ':5000', 'a:0', 'a:00', 'a:080', 'a:65536', 'a:99999', 'a:100000', 'a:-1', 'a:+1',
  'a:1:2', 'a:5 ', 'a:0x50', 'a:$((1))', 'a:8a', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1.2.3.4.', '1..3.4',
  '1', '0x7f.1', 'a.1', '::1', '[::1', '::1]', '[]', '[:]', '[::1]x', '[::1]:', '[::1]:0', '[::1]:65536', '[1:2]',
  '[1:2:3:4:5:6:7:8:9]', '[1::2::3]', '[:::]', '[:1:2:3:4:5:6:7]', '[12345::]', '[g::]', '[::ABCD]', '[::1%lo]',
  '[::ffff:1.2.3.4]', '[1:2:3:4:5:6:7:8::]', '[[::1]]', '[::1]]:1', 'a'.repeat(64), `${'a.'.repeat(127)}a`,
  'a'.repeat(5000), `${'a.'.repeat(126)}a:65535`,
]; // prettier-ignore

const badPaths = [
  '/etc/passwd', '/etc/shadow', '/etc/sudoers.d/x', '/etc/cron.d/x', '/root/.ssh/authorized_keys', '/usr/bin/docker',
  '/etc/docker', '/etc/docker/', '/etc/docker/daemon.json/', '/etc/docker//daemon.json', '//etc/docker/daemon.json',
  '/etc/./docker/daemon.json', '/etc/docker/../docker/daemon.json', '/etc/docker/../shadow', 'etc/docker/daemon.json',
  './etc/docker/daemon.json', 'daemon.json', '/etc/docker/daemon.json.bak', '/etc/docker/daemon.json\x00',
  '/etc/docker/key.json', '/etc/docker/certs.d/berth.crt', '/etc/docker/certs.d/a/ca.crt', '/etc/docker/certs.d/a/berth.cert',
  '/etc/docker/certs.d/a/berth.crt/x', '/etc/docker/certs.d/a/b/berth.crt', '/etc/docker/certs.d/a/../berth.crt',
  '/etc/docker/certs.d/a/./berth.crt', '/etc/docker/certs.d/a//berth.crt', '/etc/docker/certs.d//berth.crt',
  '/etc/docker/certs.d/a/hosts.toml', '/etc/docker/certs.d/a/client.key', '/etc/Docker/certs.d/a/berth.crt',
  '/etc/containers/certs.d/a/hosts.toml', '/etc/containers/registries.conf', '/etc/containers/registries.conf.d/x.conf',
  '/etc/containerd/config.toml', '/etc/containerd/certs.d/a/x.toml', '/etc/buildkit/certs/a/hosts.toml',
  '/etc/buildkit/certs.d/a/berth.crt', '/var/snap/docker/current/daemon.json', '/var/snap/docker/1/config/daemon.json',
  '/var/snap/docker/current/config/../../x', '/var/snap/lxd/current/config/daemon.json', '/snap/docker/current/x',
  '/var/snap/microk8s/current/args/kubelet', '/var/snap/microk8s/current/args/certs.d/a/x',
  '/etc/pki/ca-trust/source/anchors/x.pem', '/etc/pki/ca-trust/source/anchors/berth-0123abc.pem',
  '/etc/pki/ca-trust/source/anchors/berth-0123abcde.pem', '/etc/pki/ca-trust/source/anchors/berth-0123ABCD.pem',
  '/etc/pki/ca-trust/source/anchors/berth-0123abcg.pem', '/etc/pki/ca-trust/source/anchors/berth-0123abcd.crt',
  '/etc/pki/ca-trust/source/anchors/berth-????????.pem', '/etc/pki/ca-trust/source/anchors/x/berth-0123abcd.pem',
  '/usr/local/share/ca-certificates/berth-0123abcd.pem', '/usr/local/share/ca-certificates/berth-../../x.crt',
  '/usr/local/share/ca-certificates/../berth-0123abcd.crt', '/usr/share/pki/trust/anchors/berth-0123abcd.crt',
  '/etc/ca-certificates/trust-source/anchors/berth-0123abcd.pem', '/etc/ca-certificates.conf', '-', '--', '-e', '*', '~',
  '$(id)', '`id`', '/proc/self/cwd/etc/docker/daemon.json', '/dev/sda', '/etc/docker/certs.d/a/berth.crt\x0b',
]; // prettier-ignore

const hash = 'a'.repeat(64);
const badSteps = [
  '', ' ', '#', 'end ', 'END', 'write', `write ${crt}`, `write ${crt} absent`, `write ${crt} absent `,
  `write ${crt} absent cGVt more`, `write  ${crt} absent cGVt`, ` write ${crt} absent cGVt`, `write ${crt} absent cGVt `,
  `write\t${crt} absent cGVt`, `write ${crt}\tabsent cGVt`, `write ${crt} absent cGVt\r`, `WRITE ${crt} absent cGVt`,
  `write ${crt} none cGVt`, `write ${crt} - cGVt`, `write ${crt} ${hash.slice(1)} cGVt`, `write ${crt} ${hash}a cGVt`,
  `write ${crt} ${hash.toUpperCase()} cGVt`, `write ${crt} ${'g'.repeat(64)} cGVt`, `write ${crt} absent cGV`,
  `write ${crt} absent cGVt=`, `write ${crt} absent cGVt====`, `write ${crt} absent cGU`, `write ${crt} absent cGV=`,
  `write ${crt} absent =`, `write ${crt} absent cG=t`, `write ${crt} absent cG_-`, `write ${crt} absent cG.t`,
  `write ${crt} absent $(id)`, `write ${crt} absent -d`, `write ${crt} absent --help`, `write ${crt} absent *`,
  `write ${crt} absent cGVtcGVt\x00`, `append ${crt} absent cGVt`, `chmod ${crt} 777`, `link /etc/shadow ${crt}`,
  `remove ${crt}`, `remove ${crt} absent`, `remove ${crt} ${hash} cGVt`, `remove ${crt} ${hash} `, `remove / ${hash}`,
  `remove ${dirname(crt)} ${hash}`, 'run', 'run ', 'run sh', 'run /bin/sh', 'run rm -rf /', 'run id', 'run reload',
  'run update-ca-certificates;id', 'run update-ca-certificates  --fresh', 'run update-ca-certificates --hooksdir /tmp',
  'run update-ca-certificates --fresh ', 'run  update-ca-certificates', 'run update-ca-trust', 'run trust extract /tmp',
  'run snap restart lxd', 'run snap install x', 'run snap restart docker microk8s', 'run systemctl reload docker',
  'run restart sshd', 'run reload docker containerd', 'run $(id)', 'run `id`', 'run reload docker\r', 'eval id', 'end end',
  'PLAN', '$plan', 'exit 0', visible, `remove ${daemonJson} ${hash}`,
]; // prettier-ignore

const good = planOf(visible);
const badPlans: readonly (readonly [string, string | Buffer])[] = [
  ['nothing', ''],
  ['a line break', '\n'],
  ['zeros', Buffer.alloc(4096)],
  ['noise', createHash('sha512').update('noise').digest()],
  ['no steps', 'berth-plan 1\nend\n'],
  ['no version', `${visible}\nend\n`],
  ['version 0', good.replace('plan 1', 'plan 0')],
  ['version 11', good.replace('plan 1', 'plan 11')],
  ['version twice', `berth-plan 1\n${good}`],
  ['blank first', `\n${good}`],
  ['byte order mark', `\ufeff${good}`],
  ['no end', good.slice(0, -4)],
  ['two steps and no end', planOf(visible, `write ${crt} absent cGVt`).slice(0, -4)],
  ['a path for the second time', planOf(visible, `write ${crt} absent cGVt`, `remove ${daemonJson} ${hash}`)],
  ['a command for the second time', planOf('run reload docker', visible, 'run reload docker')],
  ['cut in the end', good.slice(0, -2)],
  ['cut in the content', good.slice(0, -8)],
  ['cut in the path', good.slice(0, 25)],
  ['no line break at the end', good.slice(0, -1)],
  ['line break after the end', `${good}\n`],
  ['a step after the end', `${good}${visible}\n`],
  ['a comment after the end', `${good}# x\n`],
  ['two ends', `${good}end\n`],
  ['CRLF', good.replaceAll('\n', '\r\n')],
  ['CR', good.replaceAll('\n', '\r')],
  ['a NUL between the lines', good.replace('\n', '\n\0')],
  ['a NUL in a word', good.replace('write', 'wri\0te')],
  ['a NUL at the end', `${good}\0`],
  ['UTF-16', Buffer.from(good, 'utf16le')],
  [
    '101 steps',
    planOf(
      ...Array.from({ length: 101 }, (_, n) => `remove /etc/docker/certs.d/a:${n + 1}/berth.crt ${hash}`),
    ),
  ],
  ['more than 1 MiB', planOf(`write ${crt} absent ${'A'.repeat(1 << 20)}`)],
  ['2 MiB', planOf(`write ${crt} absent ${'A'.repeat(2 << 20)}`)],
  ['2 MiB of line breaks', `berth-plan 1\n${'\n'.repeat(2 << 20)}`],
  ['1 MB in a path', planOf(visible, `remove ${'/a'.repeat(500_000)} ${hash}`)],
];

if (await isInsideEngine(import.meta.filename)) {
  suite('the helper with administrator rights', () => {
    const resources = new AsyncDisposableStack();
    /** A folder of an ordinary user, to which links lead. */
    let outside: string;
    before(async () => {
      outside = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-elevation-'))).path;
      await chmod(outside, 0o755);
      await makeSystem();
    });
    after(() => resources.disposeAsync());
    beforeEach(() => reset());

    /** Clean folders of the engines, and of the user one with a file in it. */
    const reset = async (): Promise<void> => {
      await clearSystem();
      await rm(join(outside, 'user'), { recursive: true, force: true });
      await mkdir(join(outside, 'user'));
      await writeFile(join(outside, 'user/victim'), 'precious');
      for (const path of ['user', 'user/victim']) await chown(join(outside, path), nobody, nobody);
    };

    for (const shell of shells) {
      test(`in ${shell.name} every listed file is written, replaced, removed`, async () => {
        const clean = await snapshot(outside);
        const first = listed.map((path): PrivilegedStep => write(path, undefined, `first ${path}\n`));
        const second = listed.map((path): PrivilegedStep => write(path, `first ${path}\n`, '\0second\n\n'));
        const removal = listed.map((path): PrivilegedStep => remove(path, '\0second\n\n'));

        const written = await apply(first, shell);
        const files = await Promise.all(listed.map((path) => readFile(path, 'utf8')));
        const modes = await Promise.all(listed.map(async (path) => (await lstat(path)).mode & 0o7777));
        const folder = await lstat(dirname(crt));
        const replaced = await apply(second, shell);
        const newFiles = await Promise.all(listed.map((path) => readFile(path, 'utf8')));
        const removed = await apply(removal, shell);

        assert.deepEqual(written, { code: 0, lines: listed.map((path) => `did write ${path}`) });
        assert.deepEqual(
          files,
          listed.map((path) => `first ${path}\n`),
        );
        assert.deepEqual(new Set(modes), new Set([0o644]));
        assert.deepEqual([folder.mode & 0o7777, folder.uid, folder.gid], [0o755, 0, 0]);
        assert.deepEqual(replaced, { code: 0, lines: listed.map((path) => `did write ${path}`) });
        assert.deepEqual(new Set(newFiles), new Set(['\0second\n\n']));
        assert.deepEqual(removed, { code: 0, lines: listed.map((path) => `did remove ${path}`) });
        // What stays are the folders above those of the registries.
        const left = (await snapshot(outside)).filter((line) => !clean.includes(line));
        assert.deepEqual(
          left.filter(
            (line) => !/\/(certs\.d|certs|docker|containers|containerd|buildkit|config|etc) d/.test(line),
          ),
          [],
        );
      });
    }

    test('it also does all of that on a system that has nothing but busybox', async () => {
      const root = join(work, 'alpine');
      for (const folder of ['bin', 'tmp', 'etc/docker', 'dev'])
        await mkdir(join(root, folder), { recursive: true });
      await succeed('cp', ['/bin/busybox', join(root, 'bin/busybox')]);
      await node(join(root, 'dev/null'), 'c', '1', '3');
      await succeed('chroot', [root, '/bin/busybox', '--install', '-s', '/bin']);
      const inside = { name: 'alpine', file: 'chroot', args: [root, '/bin/sh'] };
      await writeFile(join(root, daemonJson), '{}', { mode: 0o600 });
      await chown(join(root, daemonJson), 7, 8);

      const outcome = await apply([write(daemonJson, '{}', '[]'), write(crt, undefined, 'x')], inside);
      const stale = await apply([write(crt, undefined, 'y')], inside);
      const removed = await apply([remove(crt, 'x')], inside);

      assert.deepEqual(outcome.lines, [`did write ${daemonJson}`, `did write ${crt}`]);
      assert.deepEqual(stale, { code: 3, lines: [`refused stale ${crt}`] });
      assert.deepEqual(removed.code, 0);
      const { mode, uid, gid } = await lstat(join(root, daemonJson));
      assert.deepEqual([mode & 0o7777, uid, gid], [0o600, 7, 8]);
      assert.deepEqual(await readdir(join(root, 'etc/docker')), ['certs.d', 'daemon.json']);
      assert.deepEqual(await readdir(join(root, 'tmp')), []);
    });

    test('a file that is replaced keeps its owner and its mode, and its neighbours stay', async () => {
      await place(daemonJson, '{}');
      await chmod(daemonJson, 0o600);
      await chown(daemonJson, 1, 2);
      await place('/etc/docker/certs.d/reg.test:5000/ca.crt', 'other');
      await place(crt, 'old');

      await apply([write(daemonJson, '{}', '{"debug":true}'), remove(crt, 'old')]);

      const { mode, uid, gid } = await lstat(daemonJson);
      assert.deepEqual([mode & 0o7777, uid, gid], [0o600, 1, 2]);
      assert.equal(await readFile(daemonJson, 'utf8'), '{"debug":true}');
      assert.deepEqual(await readdir(dirname(crt)), ['ca.crt']);
    });

    test('a dry run says what would be done and changes nothing', async () => {
      await place(daemonJson, '{}');
      const untouched = await snapshot(outside);
      const plan = renderPlan([
        write(daemonJson, '{}', '[]'),
        write(crt, undefined, 'x'),
        { kind: 'run', command: 'reload docker' },
      ]);

      for (const shell of shells) {
        const { code, stdout } = await runHelper({ plan, shell, args: ['dry-run', sha256(plan)] });

        assert.deepEqual(
          [code, stdout],
          [0, `would write ${daemonJson}\nwould write ${crt}\nwould run reload docker\n`],
        );
      }
      assert.deepEqual(await snapshot(outside), untouched);
    });

    test('the largest plan is carried out', async () => {
      const head = planOf(`write ${crt} absent `).length;
      const bytes = Buffer.alloc(Math.floor(((1 << 20) - head) / 4) * 3, 'x');
      const plan = renderPlan([write(crt, undefined, bytes)]);

      const answers = await Promise.all(
        shells.map((shell) => runHelper({ plan, shell, args: ['dry-run', sha256(plan)] })),
      );
      const { lines } = await apply([write(crt, undefined, bytes)]);

      assert.deepEqual(new Set(answers.map(({ stdout }) => stdout)), new Set([`would write ${crt}\n`]));
      assert.deepEqual(lines, [`did write ${crt}`]);
      assert.ok((await readFile(crt)).equals(bytes));
    });

    const hostile: readonly Hostile[] = [
      ...badHosts.map((name) => ({
        name: `host ${name}`,
        plan: planOf(visible, `write /etc/docker/certs.d/${name}/berth.crt absent cGVt`),
      })),
      ...badPaths.map((path) => ({
        name: `write ${path}`,
        plan: planOf(visible, `write ${path} absent cGVt`),
      })),
      ...badPaths.map((path) => ({
        name: `remove ${path}`,
        plan: planOf(visible, `remove ${path} ${hash}`),
      })),
      ...badSteps.map((step) => ({ name: `step ${step}`, plan: planOf(visible, step) })),
      ...badPlans.map(([name, plan]) => ({ name, plan })),
      ...[
        [],
        ['apply'],
        [sha256(good)],
        ['', sha256(good)],
        ['apply', ''],
        ['APPLY', sha256(good)],
        ['dry-run ', sha256(good)],
        ['--help', sha256(good)],
        ['eval', sha256(good)],
        ['apply', sha256(good), 'more'],
        ['apply', sha256(good).toUpperCase()],
        ['apply', sha256(good).slice(1)],
        ['apply', `${sha256(good)} `],
        ['apply', '*'],
        ['apply', '-'],
        ['apply', '$(id)'],
        ['apply', hash],
        ['apply', sha256(`${good}\n`)],
        ['dry-run', sha256('')],
      ].map((args) => ({ name: `arguments ${args.join(' ')}`, plan: good, args })),
    ];

    test(`${hostile.length} hostile plans are refused by every shell, and nothing is changed`, async (t) => {
      assert.ok(hostile.length >= 200);
      await place('/etc/docker/certs.d/a/berth.crt', 'x');
      const untouched = await snapshot(outside);

      const wrong: unknown[] = [];
      for (const each of hostile) {
        const answers = await Promise.all(shells.map((shell) => runHelper({ ...each, shell })));
        for (const [at, { code, stdout }] of answers.entries()) {
          const isRefused = code === 3 && /^refused [^\n]+\n$/.test(stdout);
          if (!isRefused) wrong.push({ name: each.name, shell: shells[at]?.name, code, stdout });
        }
        const now = await snapshot(outside);
        if (now.join() !== untouched.join())
          wrong.push({ name: each.name, changed: difference(untouched, now) });
      }

      t.diagnostic(
        `${hostile.length} hostile plans and arguments in ${shells.map(({ name }) => name).join(', ')}: ${hostile.length * shells.length} runs, ${wrong.length} not refused or with a change`,
      );
      assert.deepEqual(wrong, []);
    });

    test('the helper and parsePlan accept the same plans', async () => {
      const plan = renderPlan([
        write(crt, undefined, 'pem'),
        write('/etc/docker/certs.d/[fd00::1]:443/berth.crt', undefined, 'x'),
        write('/etc/containerd/certs.d/10.0.0.1/hosts.toml', undefined, 'xy'),
        { kind: 'run', command: 'restart docker' },
      ]).toString('latin1');
      const characters = fc.constantFrom(...' \n\t\0\r/.:[]-019azAZ=+*$\u00e4'.split(''));
      const edit = fc.tuple(
        fc.nat(plan.length - 1),
        fc.constantFrom(0, 1),
        fc.option(characters, { nil: '' }),
      );

      // The oracle is parsePlan: the grammar is written twice.
      await fc.assert(
        fc.asyncProperty(
          fc.array(edit, { minLength: 1, maxLength: 2 }),
          fc.nat(shells.length - 1),
          async (edits, at) => {
            const text = edits.reduce(
              (old, [from, count, more]) => old.slice(0, from) + more + old.slice(from + count),
              plan,
            );
            const bytes = Buffer.from(text, 'latin1');
            const { stdout } = await runHelper({
              plan: bytes,
              shell: shells[at],
              args: ['dry-run', sha256(bytes)],
            });
            const isRefused = /^refused (line|not|the plan|something|more)/.test(stdout);
            assert.equal(isRefused, !isPlan(bytes), `${JSON.stringify(text)}\n${stdout}`);
          },
        ),
        { numRuns: 100 },
      );
    });

    test('a host is accepted in the same words by all', async () => {
      const names = ['a', 'a.b-c:1', `${'a'.repeat(63)}.${'b'.repeat(63)}:65535`, '1.2.3.4', '0.0.0.0:80', '255.255.255.255', '[::]', '[::1]:1',
        '[1::]', '[1:2:3:4:5:6:7::]', '[::2:3:4:5:6:7:8]', '[1:2:3:4:5:6:7:8]:443', '1a', 'a.1a', 'xn--a', 'a--b',
        `${'a.'.repeat(124)}a`]; // prettier-ignore
      for (const shell of shells) {
        const plan = planOf(
          ...names.map((name) => `write /etc/docker/certs.d/${name}/berth.crt absent cGVt`),
        );

        const { code, stdout } = await runHelper({ plan, shell, args: ['dry-run', sha256(plan)] });

        assert.deepEqual(
          [shell.name, code, stdout.split('\n').length - 1],
          [shell.name, 0, names.length],
          stdout,
        );
        assert.equal(parsePlan(Buffer.from(plan)).length, names.length);
      }
    });

    /** Each is the state of the system when a plan comes that is good in itself. */
    const states: readonly {
      readonly name: string;
      readonly says: RegExp;
      readonly step?: PrivilegedStep;
      readonly arrange: () => Promise<unknown>;
    }[] = [
      ...[crt, daemonJson].flatMap((path) => [
        { name: `${path} is there`, says: /^stale/, step: write(path, undefined, 'x'), arrange: () => place(path, 'y') },
        { name: `${path} is not there`, says: /^stale/, step: write(path, 'old', 'x'), arrange: () => mkdir(dirname(path), { recursive: true }) },
        { name: `${path} is not there to remove`, says: /^stale/, step: remove(path, 'old'), arrange: () => mkdir(dirname(path), { recursive: true }) },
        { name: `${path} is another`, says: /^stale/, step: write(path, 'old', 'x'), arrange: () => place(path, 'y') },
        { name: `${path} is another to remove`, says: /^stale/, step: remove(path, 'old'), arrange: () => place(path, 'y') },
        { name: `${path} differs in a line break`, says: /^stale/, step: write(path, 'old', 'x'), arrange: () => place(path, 'old\n') },
        { name: `${path} is a link to a file like that`, says: /^unsafe file/, step: write(path, 'precious', 'x'), arrange: () => link(join(outside, 'user/victim'), path) },
        { name: `${path} is a link to remove`, says: /^unsafe file/, step: remove(path, 'precious'), arrange: () => link(join(outside, 'user/victim'), path) },
        { name: `${path} is a link of root to root's file`, says: /^unsafe file/, step: write(path, 'x', 'y'), arrange: async () => { await place('/etc/elsewhere', 'x'); await link('/etc/elsewhere', path); } },
        { name: `${path} is a link to nowhere`, says: /^unsafe file/, step: write(path, undefined, 'x'), arrange: () => link(join(outside, 'user/new'), path) },
        { name: `${path} is a link to itself`, says: /^unsafe file/, step: write(path, undefined, 'x'), arrange: () => link(path, path) },
        { name: `${path} is a folder`, says: /^unsafe file/, step: write(path, undefined, 'x'), arrange: () => mkdir(path, { recursive: true }) },
        { name: `${path} is a folder to remove`, says: /^unsafe file/, step: remove(path, ''), arrange: () => mkdir(path, { recursive: true }) },
        { name: `${path} is a fifo`, says: /^unsafe file/, step: write(path, '', 'x'), arrange: () => node(path, 'p') },
        { name: `${path} is a fifo to remove`, says: /^unsafe file/, step: remove(path, ''), arrange: () => node(path, 'p') },
        { name: `${path} is a device`, says: /^unsafe file/, step: write(path, '', 'x'), arrange: () => node(path, 'c', '1', '3') },
        { name: `${path} is a block device`, says: /^unsafe file/, step: write(path, undefined, 'x'), arrange: () => node(path, 'b', '7', '0') },
      ]),
      // Each folder on the way to the file, in each way in which it can be somebody else's.
      ...['/etc/docker', '/etc/docker/certs.d', dirname(crt)].flatMap((folder) => [
        ...(['absolute', 'relative', 'dangling', 'looping'] as const).map((kind) => ({
          name: `${folder} is a link: ${kind}`,
          says: /^unsafe folder/,
          arrange: async () => {
            await rm(folder, { recursive: true, force: true });
            const user = join(outside, 'user');
            await link({ absolute: user, relative: `../../../../../..${user}`, dangling: join(user, 'new'), looping: folder }[kind], folder);
          },
        })),
        { name: `${folder} is a link to root's folder`, says: /^unsafe folder/, arrange: async () => { await rm(folder, { recursive: true, force: true }); await mkdir('/etc/elsewhere/certs.d/reg.test:5000', { recursive: true }); await link('/etc/elsewhere', folder); } },
        { name: `${folder} is a file`, says: /^unsafe folder/, arrange: async () => { await rm(folder, { recursive: true, force: true }); await place(folder, 'x'); } },
        { name: `${folder} is a fifo`, says: /^unsafe folder/, arrange: async () => { await rm(folder, { recursive: true, force: true }); await node(folder, 'p'); } },
        { name: `${folder} is a user's`, says: /^unsafe folder/, arrange: async () => { await mkdir(folder, { recursive: true }); await chown(folder, nobody, 0); } },
        ...[0o775, 0o757, 0o777, 0o1777, 0o2775, 0o720, 0o702].map((mode) => ({
          name: `${folder} has the mode ${mode.toString(8)}`,
          says: /^unsafe folder/,
          arrange: async () => { await mkdir(folder, { recursive: true }); await chmod(folder, mode); },
        })),
      ]),
      { name: '/etc is open to all', says: /^unsafe folder \/etc:/, arrange: () => chmod('/etc', 0o777) },
      { name: '/etc is a user\'s', says: /^unsafe folder \/etc:/, arrange: () => chown('/etc', nobody, 0) },
      ...['../../../etc', '/etc', '/var/snap/docker/1', '.', '..', '1/..', '../docker/1', '1 ', '*', '$(id)', '-1', 'common', 'x1/config', 'missing'].map((target) => ({
        name: `the revision of the snap is a link to ${target}`,
        says: /^unsafe folder/,
        step: write('/var/snap/docker/current/config/daemon.json', undefined, 'x'),
        arrange: async () => { await rm('/var/snap/docker/current'); await link(target, '/var/snap/docker/current'); },
      })),
      { name: 'the revision of the snap is a user\'s', says: /^unsafe folder/, step: write('/var/snap/docker/current/config/daemon.json', undefined, 'x'), arrange: () => chown('/var/snap/docker/123', nobody, 0) },
      { name: 'the snap is not there', says: /^missing folder/, step: write('/var/snap/docker/current/config/daemon.json', undefined, 'x'), arrange: () => rm('/var/snap/docker', { recursive: true }) },
      { name: 'the group microk8s may write', says: /^unsafe folder/, step: write(`/var/snap/microk8s/current/args/certs.d/${registry}/hosts.toml`, undefined, 'x'), arrange: () => chmod('/var/snap/microk8s/x7/args', 0o770) },
      ...['/etc/pki/ca-trust/source/anchors/berth-0123abcd.pem', '/usr/share/pki/trust/anchors/berth-0123abcd.pem'].map((path) => ({
        name: `there is no ${dirname(path)}`,
        says: /^missing folder/,
        step: write(path, undefined, 'x'),
        arrange: () => rm(dirname(path), { recursive: true }),
      })),
      { name: 'the store is a link', says: /^unsafe folder/, step: write('/usr/local/share/ca-certificates/berth-0123abcd.crt', undefined, 'x'), arrange: async () => { await rename('/usr/local/share/ca-certificates', '/usr/local/share/kept'); await link(join(outside, 'user'), '/usr/local/share/ca-certificates'); } },
      { name: 'there is no snap', says: /^the program snap is missing/, step: { kind: 'run', command: 'snap restart docker' }, arrange: () => Promise.resolve() },
      { name: 'there is no update-ca-trust', says: /^the program update-ca-trust is missing/, step: { kind: 'run', command: 'update-ca-trust extract' }, arrange: () => Promise.resolve() },
      ...['', '0', '-1', '1 ', 'x', '$(id)', '99999999', '4194304', '1', '../1'].map((pid) => ({
        name: `the pid of dockerd is ${pid}`,
        says: /^no dockerd is running/,
        step: { kind: 'run', command: 'reload docker' } as const,
        arrange: () => writeFile('/run/docker.pid', pid),
      })),
    ]; // prettier-ignore

    test(`${states.length} hostile states of the system are refused, and nothing is changed`, async (t) => {
      const pid = await readFile('/run/docker.pid', 'utf8');
      const wrong: unknown[] = [];
      for (const [at, { name, says, step = write(crt, undefined, 'x'), arrange }] of states.entries()) {
        await reset();
        await arrange();
        const untouched = await snapshot(outside);
        // Something that could be done comes first.
        const plan = renderPlan([write('/etc/buildkit/buildkitd.toml', undefined, 'x'), step]);

        const { code, stdout } = await runHelper({ plan, shell: shells[at % shells.length] });

        const now = await snapshot(outside);
        await writeFile('/run/docker.pid', pid);
        const isRight =
          code === 3 && stdout.startsWith('refused ') && says.test(stdout.slice('refused '.length));
        if (!isRight) wrong.push({ name, code, stdout });
        if (now.join() !== untouched.join()) wrong.push({ name, changed: difference(untouched, now) });
      }

      t.diagnostic(
        `${states.length} hostile states of the system, by turns in ${shells.length} shells: ${wrong.length} not refused or with a change`,
      );
      assert.deepEqual(wrong, []);
    });

    test('a hostile environment is not listened to', async () => {
      const bin = join(outside, 'user/bin');
      const trap = join(outside, 'user/trapped');
      const evil = `echo "$0 $*" >>${trap}`;
      await mkdir(bin);
      const shadowed =
        'base64 cat chmod command cp cut head id kill ls mkdir mktemp mv printf read readlink rm rmdir sha256sum sync tr uname set cd test';
      for (const name of shadowed.split(' '))
        await writeFile(join(bin, name), `#!/bin/sh\n${evil}\n`, { mode: 0o755 });
      for (const name of ['rc', '.bashrc', '.profile', '.shrc'])
        await writeFile(join(bin, name), `${evil}\n`);
      const functions = Object.fromEntries(
        [...shadowed.split(' '), '[', 'say', 'refuse', 'is_listed', 'export', 'unset', 'trap', 'exit'].map(
          (name) => [`BASH_FUNC_${name}%%`, `() { ${evil}; }`],
        ),
      );
      const environments: readonly Readonly<Record<string, string>>[] = [
        {},
        { PATH: bin },
        { PATH: `.:${bin}`, HOME: bin, PWD: bin, OLDPWD: bin, CDPATH: bin },
        { ENV: join(bin, 'rc'), BASH_ENV: join(bin, 'rc') },
        { IFS: '/' },
        { IFS: 'a0 \n' },
        { LC_ALL: 'tr_TR.UTF-8', LANG: 'de_DE.UTF-8', LANGUAGE: 'de' },
        { TMPDIR: join(outside, 'user'), TMP: bin, TEMP: bin },
        { SHELLOPTS: 'xtrace:braceexpand', PS4: `$(${evil})` },
        { PS1: `$(${evil})`, PROMPT_COMMAND: evil },
        { POSIXLY_CORRECT: '1', BASHOPTS: 'extglob:nullglob:nocasematch', GLOBIGNORE: '*' },
        { temp: daemonJson, stop: evil, do: evil, last: evil, real: '/etc/passwd', base: '/', nl: 'x', decode: '-D', seen: 'x' },
        { plan: 'x', verb: 'run', command: evil, run: evil, folder: '/', file: 'x', host: 'x', pid: '1', now: 'absent' },
        { LS_COLORS: 'x', QUOTING_STYLE: 'shell', TIME_STYLE: '+%s', BLOCK_SIZE: '1', SIMPLE_BACKUP_SUFFIX: 'x', VERSION_CONTROL: 'numbered' },
        functions,
      ]; // prettier-ignore
      const plan = renderPlan([write(daemonJson, '{}', '[]'), write(crt, undefined, 'x')]);

      for (const shell of shells) {
        for (const env of environments) {
          await reset();
          await mkdir(bin, { recursive: true });
          await place(daemonJson, '{}');
          const child = spawn(shell.file, ['-c', posixScript, 'berth-helper', 'apply', sha256(plan)], {
            env,
            cwd: join(outside, 'user'),
            stdio: ['pipe', 'pipe', 'ignore'],
          });
          const lines: Buffer[] = [];
          child.stdout.on('data', (data: Buffer) => lines.push(data));
          child.stdin.end(plan);
          await once(child, 'close');

          assert.deepEqual(
            [shell.name, env, Buffer.concat(lines).toString(), existsSync(trap)],
            [shell.name, env, `did write ${daemonJson}\ndid write ${crt}\n`, false],
          );
        }
      }
    });

    test('who is not root is refused', async () => {
      const { code, stdout } = await runHelper({ plan: good, shell: asUser('/bin/sh') });

      assert.deepEqual([code, stdout], [3, 'refused not root\n']);
    });

    for (const { name, prepare, outcomes } of [
      {
        name: 'in a folder of a user who swaps a folder for a link, nothing is ever written',
        prepare: () => chown('/etc/docker', nobody, nobody),
        outcomes: [3],
      },
      {
        name: 'in a folder that is open to all, nothing is ever written',
        prepare: () => chmod('/etc/docker', 0o1777),
        outcomes: [3],
      },
      {
        name: 'in a folder of root a user cannot come between, and everything is written',
        prepare: () => Promise.resolve(),
        outcomes: [0],
      },
    ]) {
      test(name, async () => {
        await prepare();
        const victim = join(outside, 'user');
        const canSwap = outcomes[0] === 3;
        await using race = startAttack(`cd /etc/docker; while :; do
          ln -s ${victim} certs.d; rm -f certs.d; mkdir -p certs.d/${registry}; rm -rf certs.d; ln -s /etc certs.d; rm -f certs.d
        done`);
        await race.isAttacking;

        const codes = new Set<number | null>();
        for (let round = 0; round < 30; round++) {
          const { code } = await runHelper({
            plan: renderPlan([write(crt, undefined, 'x')]),
            shell: shells[round % shells.length],
          });
          codes.add(code);
          if (code === 0) await rm(crt);
        }

        assert.deepEqual([...codes], outcomes);
        assert.deepEqual(await readdir(victim), ['victim']);
        assert.equal(existsSync('/etc/reg.test:5000'), false);
        assert.equal(canSwap || (await lstat('/etc/docker/certs.d')).isDirectory(), true);
      });
    }

    test('a user who rewrites an own daemon.json all the time gets either their text or ours', async () => {
      await place(daemonJson, 'a');
      await chown(daemonJson, nobody, nobody);
      const untouched = await snapshot(outside);
      await using race = startAttack(`while :; do printf a >${daemonJson}; printf b >${daemonJson}; done`);
      await race.isAttacking;

      for (let round = 0; round < 30; round++) {
        const { code } = await runHelper({
          plan: renderPlan([write(daemonJson, 'a', 'c')]),
          shell: shells[round % shells.length],
        });
        assert.ok(code === 0 || code === 3 || code === 4, String(code));
      }
      await race.stop();

      assert.match(await readFile(daemonJson, 'utf8'), /^[abc]{0,2}$/);
      const changed = difference(untouched, await snapshot(outside)).map((line) => line.split(' ')[0]);
      assert.deepEqual(
        changed.filter((path) => path !== daemonJson),
        [],
      );
    });

    // Stand-ins of the programs that the helper calls end it with SIGKILL at the moment that they stand for. The
    // busybox of Debian takes its own programs before those on PATH.
    const outsiders = shells.filter(({ name }) => name !== 'busybox');
    const moments: readonly { readonly name: string; readonly tool: string; readonly script: string; readonly left: string }[] = [
      { name: 'before the new file is made', tool: 'mktemp', script: 'kill -9 $PPID', left: 'old' },
      { name: 'after the new file is made', tool: 'mktemp', script: '/usr/bin/mktemp "$@"; kill -9 $PPID', left: 'old' },
      { name: 'after the new file has the mode of the old', tool: 'cp', script: '/usr/bin/cp "$@"; kill -9 $PPID', left: 'old' },
      { name: 'in the middle of the bytes', tool: 'base64', script: 'case $(readlink /proc/$$/fd/1) in /etc/*) ;; *) exec /usr/bin/base64 "$@" ;; esac; /usr/bin/base64 "$@" | head -c 2; kill -9 $PPID', left: 'old' },
      { name: 'before the file is flushed', tool: 'sync', script: 'kill -9 $PPID', left: 'old' },
      { name: 'before the rename', tool: 'mv', script: 'kill -9 $PPID', left: 'old' },
      { name: 'after the rename', tool: 'mv', script: '/usr/bin/mv "$@"; kill -9 $PPID', left: 'new' },
      { name: 'before the folder is flushed', tool: 'sync', script: '[ ! -d "$1" ] || kill -9 $PPID', left: 'new' },
    ]; // prettier-ignore
    for (const { name, tool, script, left } of moments) {
      test(`killed ${name}, the ${left} one is there, and the next run is not disturbed`, async () => {
        for (const shell of outsiders) {
          await reset();
          await place(daemonJson, 'old');
          await program(tool, script);

          const { signal, stdout } = await runHelper({
            plan: renderPlan([write(daemonJson, 'old', 'new')]),
            shell,
          });
          await rm(`/usr/sbin/${tool}`);

          assert.deepEqual([shell.name, signal, stdout], [shell.name, 'SIGKILL', '']);
          assert.equal(await readFile(daemonJson, 'utf8'), left);
          // An unfinished file has a name that no engine reads.
          const names = (await readdir('/etc/docker')).filter((each) => each !== 'daemon.json');
          assert.deepEqual(
            names.filter((each) => !/^\.berth\.\w+$/.test(each)),
            [],
          );
          const { code } = await apply([write(daemonJson, left, 'next')], shell);
          assert.deepEqual([code, await readFile(daemonJson, 'utf8')], [0, 'next']);
        }
      });
    }

    test('asked to stop, the helper ends between two steps and leaves nothing unfinished', async () => {
      await place(daemonJson, 'old');
      await program('cp', '/usr/bin/cp "$@"; kill -TERM $PPID');

      const outcomes = [];
      for (const shell of outsiders) {
        outcomes.push(
          await apply([write(crt, undefined, shell.name), write(daemonJson, 'old', 'new')], shell),
        );
        await rm(crt);
      }
      await rm('/usr/sbin/cp');

      const stopped = { code: 4, lines: [`did write ${crt}`, 'failed interrupted'] };
      assert.deepEqual(
        outcomes,
        outsiders.map(() => stopped),
      );
      assert.deepEqual(await readdir('/etc/docker'), ['certs.d', 'daemon.json']);
      assert.equal(await readFile(daemonJson, 'utf8'), 'old');
    });

    test('a step that fails ends the plan, and what is done is said', async () => {
      await program('update-ca-certificates', 'echo noise; exit 7');
      const anchor = '/usr/local/share/ca-certificates/berth-0123abcd.crt';

      const outcome = await apply([
        write(anchor, undefined, 'x'),
        { kind: 'run', command: 'update-ca-certificates' },
        write(crt, undefined, 'x'),
      ]);

      assert.deepEqual(outcome, {
        code: 4,
        lines: [`did write ${anchor}`, 'failed update-ca-certificates ended with 7'],
      });
      assert.equal(existsSync(crt), false);
    });

    test('each command runs as itself, with nothing from the caller', async () => {
      const log = join(outside, 'commands');
      for (const name of programs) {
        const state = 'umask=$(umask) ignored=$(awk "/SigIgn/ {print \\$2}" /proc/$$/status) input=$(cat)';
        await program(name, `[ "$1" != is-active ] || exit 0; echo "${name} $* ${state}" >>${log}`);
      }
      const steps = privilegedCommands.map((command): PrivilegedStep => ({ kind: 'run', command }));
      const state = 'umask=0022 ignored=0000000000000000 input=';

      await mkdir('/run/systemd/system', { recursive: true });
      const withSystemd = await apply(steps);
      await rm('/run/systemd', { recursive: true });
      const without = await apply([{ kind: 'run', command: 'restart docker' }]);

      assert.deepEqual(withSystemd, {
        code: 0,
        lines: privilegedCommands.map((command) => `did run ${command}`),
      });
      assert.equal(without.code, 0);
      assert.deepEqual((await readFile(log, 'utf8')).trim().split('\n'), [
        `update-ca-certificates  ${state}`,
        `update-ca-certificates --fresh ${state}`,
        `update-ca-trust extract ${state}`,
        `trust extract-compat ${state}`,
        `systemctl reload docker ${state}`,
        `systemctl restart docker ${state}`,
        `snap restart docker ${state}`,
        `snap restart microk8s ${state}`,
        `service docker restart ${state}`,
      ]);
    });

    test('a dockerd that systemd does not know is reloaded by a signal', async () => {
      const log = join(outside, 'asked');
      await program('systemctl', `echo "$*" >>${log}; exit 3`);
      await mkdir('/run/systemd/system', { recursive: true });
      await place(daemonJson, '{"insecure-registries":["by-hand.test"]}');

      const outcome = await apply([{ kind: 'run', command: 'reload docker' }]);
      await rm('/run/systemd', { recursive: true });

      assert.deepEqual(outcome, { code: 0, lines: ['did run reload docker'] });
      assert.match(await readFile(log, 'utf8'), /^(is-active docker\n)+$/);
      await untilInfoHas('"by-hand.test"');
    });

    test('runElevated as root changes a real engine: configuration written, dockerd reloaded', async () => {
      const text = '{"insecure-registries":["reg.test:5000"]}\n';

      const { report } = await runElevated(thisHost(process.env), [
        write(daemonJson, undefined, text),
        { kind: 'run', command: 'reload docker' },
      ]);

      assert.deepEqual(report, [`did write ${daemonJson}`, 'did run reload docker']);
      await untilInfoHas('"reg.test:5000"');
    });

    test('runElevated tells a stale file and an unsafe folder apart', async () => {
      const here = thisHost(process.env);
      await place(daemonJson, 'changed');

      await assert.rejects(runElevated(here, [write(daemonJson, 'old', 'x')]), { code: 'CHANGE_STALE' });
      await chmod('/etc/docker', 0o777);
      await assert.rejects(runElevated(here, [write(daemonJson, 'changed', 'x')]), {
        code: 'CHANGE_REFUSED',
      });
      assert.equal(await readFile(daemonJson, 'utf8'), 'changed');
    });

    for (const { name, as, script } of [
      { name: 'pkexec', as: { platform: 'linux', env: { DISPLAY: ':0' } }, script: 'exec env -i "$@"' },
      // `do shell script` runs a text in /bin/sh and hands over its standard output.
      {
        name: 'osascript',
        as: { platform: 'darwin' },
        script: 'for last; do :; done; exec /bin/sh -c "$last" </dev/null',
      },
    ] as const) {
      test(`what ${name} is given does the plan`, async () => {
        const bin = join(outside, name);
        await mkdir(bin);
        await writeFile(join(bin, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`, { mode: 0o755 });
        const there: Host = { ...thisHost({ PATH: bin }), uid: 1000, env: {}, ...as };

        const { report } = await runElevated(there, [write(crt, undefined, "it's")]);

        assert.deepEqual(report, [`did write ${crt}`]);
        assert.equal(await readFile(crt, 'utf8'), "it's");
        await assert.rejects(runElevated(there, [write(crt, undefined, 'x')]), { code: 'CHANGE_STALE' });
      });
    }

    test('a user with a sudo rule needs no terminal', needs('sudo'), async () => {
      await writeFile('/etc/sudoers.d/berth', '#65534 ALL=(ALL) NOPASSWD: ALL\n', { mode: 0o440 });

      const { file, args } = asUser(process.execPath);
      const stdout = await succeed('setsid', [
        '-w',
        file,
        ...args,
        ...elevateProgram([write(crt, undefined, 'x')]),
      ]);
      await rm('/etc/sudoers.d/berth');
      const without = await succeed('setsid', [
        '-w',
        file,
        ...args,
        ...elevateProgram([write(crt, 'x', 'y')]),
      ]);

      assert.deepEqual(JSON.parse(stdout), { report: [`did write ${crt}`] });
      assert.equal(await readFile(crt, 'utf8'), 'x');
      assert.match(without, /"code":"ELEVATION_FAILED".*sudo: a password is required/);
    });

    test('sudo asks for the password in the terminal while the plan waits', needs('sudo'), async () => {
      const password = 'secret words';
      const shadow = (await succeed('openssl', ['passwd', '-6', '-stdin'], { input: password })).trim();
      await succeed('sh', ['-c', 'cat >>/etc/passwd'], { input: 'berth-test:x:4242:4242::/:/bin/sh\n' });
      await succeed('sh', ['-c', 'cat >>/etc/shadow'], {
        input: `berth-test:${shadow}:19000:0:99999:7:::\n`,
      });
      await writeFile('/etc/sudoers.d/berth', 'berth-test ALL=(ALL) ALL\n', { mode: 0o440 });
      const { file, args } = asUser('script', 4242);
      const inTerminal = [process.execPath, ...elevateProgram([write(crt, undefined, 'x')])];
      const command = inTerminal.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

      const child = spawn(file, [...args, '-qec', command, '/dev/null'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let output = '';
      let isAnswered = false;
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString();
        if (isAnswered || !output.endsWith('password for berth-test: ')) return;
        isAnswered = true;
        child.stdin.write(`${password}\n`);
      });
      await once(child, 'close');

      assert.match(output, /\{"report":\["did write [^"]*berth\.crt"\]\}/);
      assert.equal(await readFile(crt, 'utf8'), 'x');
    });
  });
}

interface Shell {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
}

interface Hostile {
  readonly name: string;
  readonly plan: string | Buffer;
  /** Mode and hash when absent: `apply` and that of the plan. */
  readonly args?: readonly string[];
}

interface HelperCall {
  readonly plan: string | Buffer;
  readonly args?: readonly string[];
  readonly shell?: Shell | undefined;
}

function runHelper({
  plan,
  args = ['apply', sha256(plan)],
  shell = shells[0],
}: HelperCall): Promise<RunResult> {
  assert.ok(shell);
  return run(shell.file, [...shell.args, '-c', posixScript, 'berth-helper', ...args], { input: plan });
}

async function apply(
  steps: readonly PrivilegedStep[],
  shell?: Shell,
): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
  const { code, stdout } = await runHelper({ plan: renderPlan(steps), shell });
  return { code, lines: stdout.split('\n').slice(0, -1) };
}

function write(path: string, old: string | undefined, text: string | Buffer): PrivilegedStep {
  const bytes = Buffer.from(text);
  return { kind: 'write', path, before: old === undefined ? undefined : sha256(old), bytes, mode: 0o644 };
}

function remove(path: string, old: string): PrivilegedStep {
  return { kind: 'remove', path, before: sha256(old) };
}

function planOf(...steps: readonly string[]): string {
  return ['berth-plan 1', ...steps, 'end', ''].join('\n');
}

function isPlan(bytes: Buffer): boolean {
  try {
    parsePlan(bytes);
    return true;
  } catch {
    return false;
  }
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Puts a writable layer over the folders of the system. Whatever is written below them shows in the layers. */
async function makeSystem(): Promise<void> {
  for (const { program: target, file } of shells) await link(target, file);
  for (const name of ['etc', 'usr', 'var']) {
    const [upper, scratch] = [join(work, `layer-${name}`), join(work, `scratch-${name}`)];
    await mkdir(upper);
    await mkdir(scratch);
    const options = `lowerdir=/${name},upperdir=${upper},workdir=${scratch}`;
    await succeed('mount', ['-t', 'overlay', 'overlay', '-o', options, `/${name}`]);
  }
}

async function clearSystem(): Promise<void> {
  await chmod('/etc', 0o755);
  await chown('/etc', 0, 0);
  const engines = ['docker', 'containers', 'containerd', 'buildkit', 'pki', 'elsewhere'].map(
    (name) => `/etc/${name}`,
  );
  const stores = [
    '/etc/ca-certificates',
    '/usr/share/pki',
    '/usr/local/share/ca-certificates',
    '/usr/local/share/kept',
  ];
  const standIns = programs.map((name) => `/usr/sbin/${name}`);
  for (const path of [...engines, ...stores, ...standIns, '/var/snap'])
    await rm(path, { recursive: true, force: true });
  for (const path of ['docker/123', 'docker/1', 'docker/common', 'docker/x1/config', 'microk8s/x7/args']) {
    await mkdir(join('/var/snap', path), { recursive: true });
  }
  await symlink('123', '/var/snap/docker/current');
  await symlink('x7', '/var/snap/microk8s/current');
  await mkdir('/etc/docker');
  for (const path of listed.filter((each) => each.includes('/berth-')))
    await mkdir(dirname(path), { recursive: true });
}

/** A line for each file below the folders of the system that is not as installed, and for each of the user's. */
async function snapshot(outside: string): Promise<readonly string[]> {
  const layers = ['etc', 'usr', 'var'].map((name) => describeTree(join(work, `layer-${name}`), `/${name}`));
  const trees = await Promise.all([...layers, describeTree(outside, outside)]);
  return trees.flat();
}

async function describeTree(path: string, name: string): Promise<string[]> {
  const { mode, uid, gid, rdev } = await lstat(path);
  const kind = mode & 0o170000;
  const line = (type: string, content: string): string =>
    `${name} ${type} ${mode.toString(8)} ${uid}:${gid} ${content}`;
  if (kind === 0o040000) {
    const names = (await readdir(path)).toSorted();
    const below = await Promise.all(names.map((each) => describeTree(join(path, each), `${name}/${each}`)));
    return [line('d', ''), ...below.flat()];
  }
  if (kind === 0o120000) return [line('l', await readlink(path))];
  return [kind === 0o100000 ? line('f', sha256(await readFile(path))) : line('s', String(rdev))];
}

function difference(old: readonly string[], now: readonly string[]): readonly string[] {
  return [...old.filter((line) => !now.includes(line)), ...now.filter((line) => !old.includes(line))];
}

async function place(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}

async function node(path: string, ...type: readonly string[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await succeed('mknod', [path, ...type]);
}

/** Installs a program where the helper looks first. */
async function program(name: string, script: string): Promise<void> {
  await writeFile(join('/usr/sbin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function asUser(file: string, uid = nobody): Shell {
  const ids = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  return { name: `user ${uid}`, file: 'setpriv', args: [...ids, file] };
}

interface Attack extends AsyncDisposable {
  /** Resolves when the first round is over. */
  readonly isAttacking: Promise<unknown>;
  stop(): Promise<void>;
}

/** Runs a loop of a user until disposed. */
function startAttack(script: string): Attack {
  const { file, args } = asUser('/bin/sh');
  const loop = script.replace(/\bdone$/, 'echo; done');
  const child: ChildProcess = spawn(file, [...args, '-c', loop], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  assert.ok(child.stdout);
  const isAttacking = once(child.stdout, 'data');
  child.stdout.resume();
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return { isAttacking, stop, [Symbol.asyncDispose]: stop };
}

/** The arguments of a Node.js that runs the steps elevated on its own behalf and prints what becomes of it. */
function elevateProgram(steps: readonly PrivilegedStep[]): readonly string[] {
  const module = (name: string): string =>
    JSON.stringify(new URL(`../../main/engine/${name}`, import.meta.url).href);
  const code = `
    import { thisHost } from ${module('host.ts')};
    import { runElevated } from ${module('elevate/elevate.ts')};
    import { parsePlan } from ${module('elevate/steps.ts')};
    const steps = parsePlan(Buffer.from(${JSON.stringify(renderPlan(steps).toString('base64'))}, 'base64'));
    const report = await runElevated(thisHost(process.env), steps).catch(({ code, message }) => ({ code, message }));
    console.log(JSON.stringify(report));`;
  return ['--input-type=module', '--eval', code];
}

async function untilInfoHas(text: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await delay(20)) {
    const info = await succeed('docker', ['info', '--format', '{{json .RegistryConfig}}']);
    if (info.includes(text)) return;
  }
  throw new Error(`docker info never shows ${text}`);
}
