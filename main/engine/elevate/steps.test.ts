import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isAppError } from '../../../registry/spec/errors.ts';
import {
  getPrivilegedCommand,
  isPrivilegedPath,
  parsePlan,
  privilegedCommands,
  type PrivilegedStep,
  renderPlan,
} from './steps.ts';

const hash = 'a'.repeat(64);
const crt = '/etc/docker/certs.d/reg.test:5000/berth.crt';

test('a plan is text with a line for each step', () => {
  const plan = renderPlan([
    { kind: 'write', path: crt, before: undefined, bytes: Buffer.from('pem'), mode: 0o644 },
    { kind: 'write', path: '/etc/docker/daemon.json', before: hash, bytes: Buffer.from('{}\n'), mode: 0o644 },
    { kind: 'remove', path: '/usr/local/share/ca-certificates/berth-0123abcd.crt', before: hash },
    { kind: 'run', command: 'update-ca-certificates --fresh' },
  ]);

  assert.equal(
    plan.toString(),
    `berth-plan 1
write ${crt} absent cGVt
write /etc/docker/daemon.json ${hash} e30K
remove /usr/local/share/ca-certificates/berth-0123abcd.crt ${hash}
run update-ca-certificates --fresh
end
`,
  );
});

test('what is rendered is parsed to the same steps', () => {
  const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/);
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
  const host = fc
    .tuple(
      fc.oneof(
        name,
        fc.ipV4(),
        fc
          .ipV6()
          .filter((text) => !text.includes('.'))
          .map((text) => `[${text}]`),
      ),
      fc.option(fc.integer({ min: 1, max: 65_535 })),
    )
    .map(([address, port]) => (port === null ? address : `${address}:${port}`));
  const path = host.map((text) => `/etc/containerd/certs.d/${text}/hosts.toml`);
  const before = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => Buffer.from(bytes).toString('hex'));
  const plain = { noNullPrototype: true };
  const step: fc.Arbitrary<PrivilegedStep> = fc.oneof(
    fc.record(
      {
        kind: fc.constant('write' as const),
        path,
        before: fc.option(before, { nil: undefined }),
        bytes: fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes)),
        mode: fc.constant(0o644 as const),
      },
      plain,
    ),
    fc.record({ kind: fc.constant('remove' as const), path, before }, plain),
    fc.record({ kind: fc.constant('run' as const), command: fc.constantFrom(...privilegedCommands) }, plain),
  );
  const steps = fc.uniqueArray(step, {
    minLength: 1,
    selector: (each) => (each.kind === 'run' ? each.command : each.path),
  });

  fc.assert(
    fc.property(steps, (given) => {
      assert.deepEqual(parsePlan(renderPlan(given)), given);
    }),
  );
});

test('a plan that is not exactly as rendered is refused', () => {
  const good = `berth-plan 1\nremove ${crt} ${hash}\nend\n`;
  const cases = [
    '',
    'end\n',
    'berth-plan 1\nend\n',
    good.slice(0, -1),
    good.slice(0, -4),
    `${good}\n`,
    good.replace('berth-plan 1', 'berth-plan 2'),
    good.replaceAll('\n', '\r\n'),
    good.replace('remove ', 'remove  '),
    good.replace('remove ', ' remove '),
    good.replace('remove ', 'remove\t'),
    good.replace('remove', 'REMOVE'),
    good.replace(hash, `${hash} `),
    good.replace(hash, hash.toUpperCase()),
    good.replace(hash, hash.slice(1)),
    good.replace(hash, 'absent'),
    good.replace(hash, `${hash} cGVt`),
    good.replace('end', 'end\nend'),
    good.replace('end', 'run rm\nend'),
    good.replace('end', 'run update-ca-certificates \nend'),
    good.replace('end', 'run update-ca-certificates; id\nend'),
    good.replace('end', `remove ${crt} ${hash}\nend`),
    good.replace(`remove ${crt} ${hash}`, `write ${crt} absent`),
    good.replace(`remove ${crt} ${hash}`, `write ${crt} absent `),
    good.replace(`remove ${crt} ${hash}`, `write ${crt} absent cGV`),
    good.replace(`remove ${crt} ${hash}`, `write ${crt} absent cGVt=`),
    good.replace(`remove ${crt} ${hash}`, `write ${crt} absent cGU`),
    good.replace(`remove ${crt} ${hash}`, `write ${crt} absent cGV=`),
    good.replace(`remove ${crt} ${hash}`, `write ${crt} absent cG_-`),
    good.replace(`remove ${crt} ${hash}`, `write ${crt} absent ${'A'.repeat(1 << 20)}`),
    good.replace('end', `${'run snap restart docker\n'.repeat(100)}end`),
  ];

  assert.equal(parsePlan(Buffer.from(good)).length, 1);
  for (const text of cases) assert.throws(() => parsePlan(Buffer.from(text)), isRefused, text.slice(0, 200));
});

test('a step that hides another in its path is refused', () => {
  const path = `${crt} ${hash}\nremove /etc/docker/daemon.json`;

  assert.throws(() => renderPlan([{ kind: 'remove', path, before: hash }]), isRefused);
});

test('only paths of the closed list are accepted', () => {
  const listed = [
    '/etc/docker/daemon.json',
    '/etc/docker/certs.d/reg/berth.crt',
    '/etc/containers/certs.d/1.2.3.4:1/berth.crt',
    '/etc/containerd/certs.d/[::1]:65535/hosts.toml',
    '/etc/buildkit/certs/a-b.c/berth.crt',
    '/var/snap/microk8s/current/args/certs.d/reg:80/hosts.toml',
    '/etc/pki/ca-trust/source/anchors/berth-0123abcd.pem',
    'C:\\ProgramData\\docker\\config\\daemon.json',
    'D:\\ProgramData\\docker\\certs.d\\reg.test5000\\berth.crt',
  ];
  const others = [
    '',
    'daemon.json',
    'constructor/x',
    '/constructor',
    'etc/docker/daemon.json',
    '//etc/docker/daemon.json',
    '/etc/docker/../docker/daemon.json',
    '/etc/docker/daemon.json\n',
    '/etc/docker/certs.d/reg/ca.crt',
    '/etc/docker/certs.d/reg/hosts.toml',
    '/etc/docker/certs.d/reg/x/berth.crt',
    '/etc/docker/certs.d/../berth.crt',
    '/etc/docker/certs.d/Reg/berth.crt',
    '/etc/docker/certs.d/reg:0/berth.crt',
    '/etc/docker/certs.d/reg:65536/berth.crt',
    '/etc/docker/certs.d/256.1.1.1/berth.crt',
    '/etc/docker/certs.d/[1::2::3]/berth.crt',
    '/etc/docker/certs.d/[::1%eth0]/berth.crt',
    '/etc/pki/ca-trust/source/anchors/berth-0123abcd.crt',
    '/etc/pki/ca-trust/source/anchors/berth-0123ABCD.pem',
    '/usr/local/share/ca-certificates/ca.crt',
    'C:\\ProgramData\\docker\\certs.d\\..\\berth.crt',
    'C:\\ProgramData\\docker\\certs.d\\a..b\\berth.crt',
    'C:\\ProgramData\\docker\\certs.d\\a:5000\\berth.crt',
    'C:\\Windows\\System32\\drivers\\etc\\hosts',
  ];

  assert.deepEqual(
    [...listed, ...others].filter((path) => isPrivilegedPath(path)),
    listed,
  );
});

test('commands of activations get the name that the helper knows', () => {
  const cases = [
    [['update-ca-certificates', '--fresh'], 'update-ca-certificates --fresh'],
    [['systemctl', 'reload', 'docker'], 'reload docker'],
    [['/bin/sh', '-c', 'kill -HUP "$(cat /var/run/docker.pid)"'], 'reload docker'],
    [['systemctl', 'restart', 'docker'], 'restart docker'],
    [['snap', 'restart', 'microk8s'], 'snap restart microk8s'],
  ] as const;

  for (const [command, name] of cases) assert.equal(getPrivilegedCommand(command), name);
  for (const command of [['systemctl', 'restart', 'sshd'], ['constructor'], []]) {
    assert.throws(() => getPrivilegedCommand(command), isRefused);
  }
});

function isRefused(error: unknown): boolean {
  return isAppError(error, 'CHANGE_REFUSED');
}
