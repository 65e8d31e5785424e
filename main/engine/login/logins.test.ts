import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { isAppError } from '../../../registry/spec/errors.ts';
import { type Host, thisHost } from '../host.ts';
import { addressOf, listLogins, loginsFile, readLogin, removeLogin, saveLogin } from './logins.ts';

const secret = 'correct horse';
const login = { user: 'dev', secret, tokenId: 't1' };

function hostAt(home: string): Host {
  return thisHost({ HOME: home });
}

async function temporary() {
  return await mkdtempDisposable(join(tmpdir(), 'berth-logins-'));
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

test('the file lies where the system keeps the configuration of a user', () => {
  const places: readonly { platform: NodeJS.Platform; env: Record<string, string>; file: string }[] = [
    { platform: 'linux', env: {}, file: '/home/dev/.config/berth/logins.json' },
    { platform: 'linux', env: { XDG_CONFIG_HOME: '/xdg' }, file: '/xdg/berth/logins.json' },
    { platform: 'linux', env: { XDG_CONFIG_HOME: 'xdg' }, file: '/home/dev/.config/berth/logins.json' },
    { platform: 'darwin', env: {}, file: '/home/dev/Library/Application Support/Berth/logins.json' },
    { platform: 'win32', env: { LOCALAPPDATA: '/local' }, file: '/local/Berth/logins.json' },
    { platform: 'win32', env: {}, file: '/home/dev/AppData/Local/Berth/logins.json' },
  ];

  const files = places.map(({ platform, env }) =>
    loginsFile({ ...hostAt('/home/dev'), platform, env }).replaceAll('\\', '/'),
  );

  assert.deepEqual(
    files,
    places.map(({ file }) => file),
  );
});

for (const { url, address } of [
  { url: 'localhost:5000', address: 'localhost:5000' },
  { url: 'https://localhost:5000', address: 'localhost:5000' },
  { url: 'http://localhost:5000/', address: 'localhost:5000' },
  { url: 'https://localhost:5000/v2/', address: 'localhost:5000' },
  { url: 'https://localhost:5000/v2', address: 'localhost:5000' },
  { url: 'https://index.docker.io/v1/', address: 'index.docker.io' },
  { url: 'Registry.Test:443', address: 'registry.test:443' },
  { url: '[::1]:5000', address: '[::1]:5000' },
  { url: 'https://[::1]:5000/v2/', address: '[::1]:5000' },
  { url: 'localhost:5000/team', address: undefined },
  { url: 'https://dev:secret@localhost:5000', address: undefined },
  { url: 'ftp://localhost:5000', address: undefined },
  { url: '--help', address: undefined },
  { url: '__proto__', address: undefined },
  { url: 'localhost:5000\nother:1', address: undefined },
  { url: '', address: undefined },
]) {
  test(`the server URL ${JSON.stringify(url)} means ${address ?? 'no address'}`, () => {
    assert.equal(addressOf(url), address);
  });
}

test('a login is kept in a private file, read, listed without its secret, and forgotten', async () => {
  await using home = await temporary();
  const host = hostAt(home.path);
  const before = [await readLogin(host, 'a:1'), await listLogins(host), await removeLogin(host, 'a:1')];
  const made = await readdir(home.path);

  await saveLogin(host, 'b:2', { user: 'ci', secret: 'x', tokenId: undefined });
  await saveLogin(host, 'a:1', login);
  const modes = [await modeOf(loginsFile(host)), await modeOf(dirname(loginsFile(host)))];
  const kept = await readLogin(host, 'a:1');
  const listed = await listLogins(host);
  const removed = await removeLogin(host, 'a:1');

  assert.deepEqual(before, [undefined, [], undefined]);
  assert.deepEqual(made, [], 'looking and forgetting make nothing');
  assert.deepEqual(modes, [0o600, 0o700]);
  assert.deepEqual([kept, removed], [login, login]);
  assert.deepEqual(listed, [
    { address: 'a:1', user: 'dev', tokenId: 't1' },
    { address: 'b:2', user: 'ci', tokenId: undefined },
  ]);
  assert.deepEqual(await listLogins(host), [{ address: 'b:2', user: 'ci', tokenId: undefined }]);
});

test('logins saved at the same time are all kept', async () => {
  await using home = await temporary();
  const host = hostAt(home.path);
  const addresses = Array.from({ length: 8 }, (_, index) => `h:${String(index)}`);

  await Promise.all(addresses.map((address) => saveLogin(host, address, login)));

  assert.deepEqual(
    (await listLogins(host)).map(({ address }) => address),
    addresses,
  );
});

for (const { name, again, tokenId } of [
  { name: 'the same secret without an id keeps the id', again: { user: 'dev', secret }, tokenId: 't1' },
  { name: 'another secret drops it', again: { user: 'dev', secret: 'x' }, tokenId: undefined },
  { name: 'another user drops it', again: { user: 'ci', secret }, tokenId: undefined },
]) {
  test(`saving over a token: ${name}`, async () => {
    await using home = await temporary();
    const host = hostAt(home.path);
    await saveLogin(host, 'a:1', login);

    await saveLogin(host, 'a:1', { ...again, tokenId: undefined });

    assert.deepEqual(await readLogin(host, 'a:1'), { ...again, tokenId });
  });
}

for (const { name, loosen, message } of [
  { name: 'file', loosen: (file: string) => chmod(file, 0o640), message: /logins\.json" has the mode 0640/ },
  {
    name: 'folder',
    loosen: (file: string) => chmod(dirname(file), 0o755),
    message: /\.config\/berth" has the mode 0755/,
  },
]) {
  test(`a ${name} that others can reach is refused, for reading and for writing`, async () => {
    await using home = await temporary();
    const host = hostAt(home.path);
    await saveLogin(host, 'a:1', login);
    await loosen(loginsFile(host));

    for (const act of [
      () => readLogin(host, 'a:1'),
      () => listLogins(host),
      () => saveLogin(host, 'b:2', login),
      () => removeLogin(host, 'a:1'),
    ]) {
      await assert.rejects(act, { name: 'AppError', code: 'DATA_UNUSABLE', message });
    }
  });
}

for (const { content, message } of [
  { content: `{"a:1":{"user":"dev","secret":"${secret}"`, message: /is not valid JSON\./ },
  { content: `["${secret}"]`, message: /is not a JSON object\./ },
  { content: `{"a:1":"${secret}"}`, message: /has no login under "a:1"\./ },
  { content: `{"a:1":{"secret":"${secret}"}}`, message: /has no user and secret under "a:1"\./ },
  { content: `{"a:1":{"user":"dev","secret":["${secret}"]}}`, message: /has no user and secret/ },
  { content: secret.padEnd(1024 * 1024 + 1), message: /is larger than 1 MiB\./ },
]) {
  test(`a file that ${String(message).replaceAll(/[/\\"]/g, '')} the error tells no secret, and the file stays`, async () => {
    await using home = await temporary();
    const host = hostAt(home.path);
    const file = loginsFile(host);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, content, { mode: 0o600 });

    const errors: unknown[] = await Promise.all([
      readLogin(host, 'a:1').catch((error: unknown) => error),
      saveLogin(host, 'b:2', login).catch((error: unknown) => error),
    ]);

    for (const error of errors) {
      assert.ok(isAppError(error, 'DATA_UNUSABLE'), String(error));
      assert.match(error.message, message);
      assert.doesNotMatch(inspect(error, { depth: 9 }), new RegExp(secret));
    }
    assert.equal(await readFile(file, 'utf8'), content);
  });
}
