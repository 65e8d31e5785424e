import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../../test/support/process.ts';
import { type Host, thisHost } from '../host.ts';
import { type HelperEnd, runHelper } from './helper-protocol.ts';
import { loginsFile, readLogin, saveLogin } from './logins.ts';

const program = fileURLToPath(new URL('docker-credential-berth.ts', import.meta.url));
const secret = 'correct horse';
const usage = 'Usage: docker-credential-berth <store|get|erase|list|version>\n';
const credentials = (more: object = {}): string =>
  JSON.stringify({ ServerURL: 'localhost:5000', Username: 'dev', Secret: secret, ...more });

async function temporary() {
  return await mkdtempDisposable(join(tmpdir(), 'berth-helper-'));
}

async function hostWithLogin(home: string): Promise<Host> {
  const host = thisHost({ HOME: home });
  await saveLogin(host, 'localhost:5000', { user: 'dev', secret, tokenId: 't1' });
  return host;
}

function ask(host: Host, verb: string, input = ''): Promise<HelperEnd> {
  return runHelper(host, [verb], { stdin: Readable.from([Buffer.from(input)]), version: '1.2.3' });
}

const found = (url: string): string => `{"ServerURL":"${url}","Username":"dev","Secret":"${secret}"}\n`;

/** What a client sends and what it gets, with one login kept. The texts are those of Docker's own helpers. */
for (const { verb, input = '', code = 0, stdout } of [
  { verb: 'get', input: 'localhost:5000', stdout: found('localhost:5000') },
  { verb: 'get', input: 'localhost:5000\n', stdout: found('localhost:5000') },
  { verb: 'get', input: 'https://localhost:5000', stdout: found('https://localhost:5000') },
  { verb: 'get', input: 'https://localhost:5000/v2/', stdout: found('https://localhost:5000/v2/') },
  { verb: 'get', input: 'localhost:5001', code: 1, stdout: 'credentials not found in native keychain\n' },
  { verb: 'get', input: 'constructor', code: 1, stdout: 'credentials not found in native keychain\n' },
  { verb: 'get', input: 'localhost:5000/a', code: 1, stdout: 'credentials not found in native keychain\n' },
  { verb: 'get', input: ' \n', code: 1, stdout: 'no credentials server URL\n' },
  { verb: 'get', input: 'x'.repeat(65_537), code: 1, stdout: 'more than 64 KiB on standard input\n' },
  { verb: 'erase', input: 'https://localhost:5000', stdout: '' },
  { verb: 'erase', input: 'localhost:5001', stdout: '' },
  { verb: 'erase', input: 'no address', stdout: '' },
  { verb: 'erase', code: 1, stdout: 'no credentials server URL\n' },
  { verb: 'list', stdout: '{"localhost:5000":"dev"}\n' },
  { verb: 'version', stdout: 'docker-credential-berth 1.2.3\n' },
  { verb: 'store', input: credentials(), stdout: '' },
  { verb: 'store', input: credentials({ ServerURL: '' }), code: 1, stdout: 'no credentials server URL\n' },
  { verb: 'store', input: credentials({ Username: '' }), code: 1, stdout: 'no credentials username\n' },
  { verb: 'store', input: credentials({ Secret: 1 }), code: 1, stdout: 'no credentials secret\n' },
  {
    verb: 'store',
    input: credentials({ ServerURL: `https://dev:${secret}@h` }),
    code: 1,
    stdout: 'the server URL is not the address of a registry: write HOST:PORT\n',
  },
  {
    verb: 'store',
    input: credentials().slice(0, -2),
    code: 1,
    stdout: 'the input of store is not valid JSON\n',
  },
  { verb: 'store', input: 'null', code: 1, stdout: 'the input of store is not a JSON object\n' },
  { verb: 'sing', code: 1, stdout: `docker-credential-berth: unknown action: sing\n${usage}` },
]) {
  test(`${verb} ${JSON.stringify(input.slice(0, 60))} ends with ${String(code)}`, async () => {
    await using home = await temporary();
    const host = await hostWithLogin(home.path);

    const end = await ask(host, verb, input);

    assert.deepEqual(end, { code, stdout });
  });
}

test('what is stored is what get answers, and erased it is gone', async () => {
  await using home = await temporary();
  const host = thisHost({ HOME: home.path });
  const input = credentials({ ServerURL: 'https://localhost:5000/v2/' });

  const stored = await ask(host, 'store', input);
  const got = await ask(host, 'get', 'localhost:5000');
  const erased = await ask(host, 'erase', 'http://localhost:5000');
  const after = await ask(host, 'get', 'localhost:5000');

  assert.deepEqual([stored.code, erased.code], [0, 0]);
  assert.deepEqual(got, { code: 0, stdout: found('localhost:5000') });
  assert.deepEqual(after.code, 1);
});

test('storing what get answered, as docker login does, keeps the id of the token', async () => {
  await using home = await temporary();
  const host = await hostWithLogin(home.path);
  const { stdout } = await ask(host, 'get', 'localhost:5000');

  await ask(host, 'store', stdout);

  assert.equal((await readLogin(host, 'localhost:5000'))?.tokenId, 't1');
});

test('list and version do not wait for an input', { timeout: 10_000 }, async () => {
  await using home = await temporary();
  const stdin = new Readable({ read: () => undefined });

  const ends = await Promise.all(
    ['list', 'version'].map((verb) =>
      runHelper(thisHost({ HOME: home.path }), [verb], { stdin, version: '1' }),
    ),
  );

  assert.deepEqual(
    ends.map(({ stdout }) => stdout),
    ['{}\n', 'docker-credential-berth 1\n'],
  );
});

for (const args of [[], ['get', 'localhost:5000']]) {
  test(`the arguments [${args.join(' ')}] get the usage`, async () => {
    const end = await runHelper(thisHost({}), args, { stdin: Readable.from([]), version: '1' });

    assert.deepEqual(end, { code: 1, stdout: usage });
  });
}

test('a logins file that is broken or open to others is a sentence on standard output', async () => {
  await using home = await temporary();
  const host = await hostWithLogin(home.path);
  const file = loginsFile(host);
  await writeFile(file, `{"localhost:5000":{"user":"dev","secret":"${secret}"`);
  const broken = await ask(host, 'get', 'localhost:5000');
  await chmod(file, 0o644);

  const loose = await ask(host, 'list');

  assert.deepEqual(broken, {
    code: 1,
    stdout: `"${file}" is not valid JSON. Move the file away, then log in again: berth login\n`,
  });
  assert.equal(loose.code, 1);
  assert.match(loose.stdout, /^".*logins\.json" has the mode 0644: .* chmod 600 ".*logins\.json"\n$/);
});

test('an error that nobody expects is named, and neither quoted nor thrown', async () => {
  const stdin = Readable.from([Buffer.from('x')]);
  const host = {
    ...thisHost({}),
    get env(): never {
      throw new TypeError(secret);
    },
  };
  const known = Readable.from([Buffer.from('localhost:5000')]);

  const ends = [
    await runHelper(host, ['list'], { stdin, version: '1' }),
    await runHelper(host, ['get'], { stdin: known, version: '1' }),
  ];

  for (const end of ends) {
    assert.deepEqual(end, {
      code: 1,
      stdout: 'An error inside docker-credential-berth (TypeError). Please report it.\n',
    });
  }
});

test('the program answers on standard output alone, with the exit code', async () => {
  await using home = await temporary();
  await hostWithLogin(home.path);
  const env = { HOME: home.path };

  const got = await run(process.execPath, [program, 'get'], { env, input: 'localhost:5000' });
  const unknown = await run(process.execPath, [program, 'get'], { env, input: 'localhost:5001' });

  assert.deepEqual([got.code, got.stdout, got.stderr], [0, found('localhost:5000'), '']);
  assert.deepEqual(
    [unknown.code, unknown.stdout, unknown.stderr],
    [1, 'credentials not found in native keychain\n', ''],
  );
});
