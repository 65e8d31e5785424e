/**
 * Tests run under strace: nothing leaves the computer, neither a connection nor a datagram, and no name is asked for.
 * CONNECTION_FOLDERS: all tests of these folders of test/ instead of a few.
 */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { run } from '../support/process.ts';
import { needs } from '../support/tools.ts';

const repository = join(import.meta.dirname, '..', '..');
const folders = process.env['CONNECTION_FOLDERS']?.split(',') ?? [];
const few = ['test/wire/read-only.test.ts', 'test/wire/deletes.test.ts'];

/** Engines in a network of their own, where the registry and the containers have other addresses than those of loopback. */
const elsewhere = /\bisInsideEngine\(/;

interface Contact {
  /** As strace calls it. */
  readonly program: string;
  readonly call: string;
  readonly address: string;
}

suite('connections and datagrams', needs('strace'), () => {
  test('of tests stay on this computer, and none asks for a name', async (t) => {
    const files = folders.length === 0 ? few : await testsOf(folders);
    const skipped: string[] = [];
    const kept: string[] = [];
    for (const file of files) {
      const isElsewhere = elsewhere.test(await readFile(join(repository, file), 'utf8'));
      (isElsewhere ? skipped : kept).push(file);
    }

    const { code, stdout, contacts } = await traced([
      '--test',
      '--test-reporter=tap',
      '--test-concurrency=1',
      ...kept,
    ]);

    const beyond = contacts.filter(isBeyond);
    t.diagnostic(
      `${kept.length} files of tests: ${contacts.length} connections and datagrams, ${beyond.length} beyond this computer`,
    );
    if (skipped.length > 0)
      t.diagnostic(`not among them, since they run engines in a network of their own: ${skipped.join(' ')}`);
    assert.deepEqual(countOf(beyond), []);
    assert.equal(
      code,
      0,
      stdout
        .split('\n')
        .filter((line) => /^\s*not ok/.test(line))
        .join('\n'),
    );
    assert.ok(contacts.length >= kept.length, 'nothing was seen');
  });

  test('that leave it are seen, with the program and the address', async () => {
    const { contacts } = await traced([
      '-e',
      `
      const { connect } = require('node:net');
      const { createSocket } = require('node:dgram');
      const { createServer } = require('node:net');
      for (const host of ['192.0.2.1', '2001:db8::1']) connect({ host, port: 9 }).on('error', () => undefined);
      createSocket('udp4').send('x', 9, '198.51.100.2', () => setTimeout(() => process.exit(), 1000));
      const server = createServer().listen(0, '127.0.0.1', () => connect(server.address().port, '127.0.0.1'));
      require('node:dns').lookup('berth.invalid', () => undefined);
    `,
    ]);

    const seen = countOf(contacts.filter(isBeyond)).map((line) => line.replace(/ \d+ times?$/, ''));
    for (const wanted of [
      /^\S+ connect 192\.0\.2\.1 9$/,
      /^\S+ send\w* 198\.51\.100\.2 9$/,
      /^\S+ connect 2001:db8::1 9$/,
    ])
      assert.ok(
        seen.some((line) => wanted.test(line)),
        `${wanted} is not in\n${seen.join('\n')}`,
      );
    assert.ok(
      seen.some((line) => line.endsWith(' 53') || line.includes('resolve')),
      `no question for a name is in\n${seen.join('\n')}`,
    );
    assert.ok(contacts.some(({ address }) => address.startsWith('127.0.0.1 ')));
  });
});

async function testsOf(names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    names.map(async (name) =>
      (await readdir(join(repository, 'test', name))).map((file) => `test/${name}/${file}`),
    ),
  );
  return found.flat().filter((file) => file.endsWith('.test.ts'));
}

/** Runs Node with all its children, and tells each address that was spoken to. */
async function traced(args: readonly string[]) {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-connections-'));
  const file = join(directory.path, 'calls');
  const calls = 'trace=connect,sendto,sendmsg,sendmmsg';
  // Without the filter each call of each thread would stop twice.
  const strace = [
    '-f',
    '-qq',
    '--seccomp-bpf',
    '--decode-pids=comm',
    '-e',
    calls,
    '-e',
    'signal=none',
    '-o',
    file,
  ];
  const { code, stdout } = await run('strace', [...strace, process.execPath, ...args], {
    cwd: repository,
    timeoutMs: 3_600_000,
    env: process.env['BERTH_CLI'] === undefined ? {} : { BERTH_CLI: process.env['BERTH_CLI'] },
  });
  const lines = (await readFile(file, 'utf8')).split('\n');
  return { code, stdout, contacts: lines.flatMap(contactsOf) };
}

/** What a line of strace says, none where a call names no address: the other end was said before, by connect. */
function contactsOf(line: string): readonly Contact[] {
  const [, program = '', call = '', args = ''] = /^\d+<(.*?)> +(\w+)\((.*)$/.exec(line) ?? [];
  return [...args.matchAll(/\{sa_family=(\w+)(.*?)\}/g)].map(([, family = '', rest = '']) => {
    const port = /_port=htons\((\d+)\)/.exec(rest)?.[1];
    const address = /"(.*?)"/.exec(rest)?.[1];
    const text = family.startsWith('AF_INET') ? `${address} ${port}` : `${family} ${address ?? ''}`;
    return { program, call, address: text.trim() };
  });
}

/** Addresses of this computer are reached by loopback as well. */
const own = new Set(
  Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []),
);

function isBeyond({ address }: Contact): boolean {
  // Who asks the one that asks for names.
  if (address.startsWith('AF_UNIX')) return /resolve/.test(address);
  if (/^AF_(?:UNSPEC|NETLINK)/.test(address)) return false;
  const [host = '', port] = address.split(' ');
  if (port === '53') return true;
  const plain = host.replace(/^::ffff:/, '');
  return !(
    plain.startsWith('127.') ||
    plain === '::1' ||
    /^(?:0\.0\.0\.0|::)$/.test(plain) ||
    own.has(plain)
  );
}

function countOf(contacts: readonly Contact[]): readonly string[] {
  const lines = contacts.map(({ program, call, address }) => `${program} ${call} ${address}`);
  return Object.entries(Object.groupBy(lines, (line) => line)).map(
    ([line, all = []]) => `${line} ${all.length} time${all.length === 1 ? '' : 's'}`,
  );
}
