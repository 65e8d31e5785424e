import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createFirstPasswords, type Keychain } from './first-passwords.ts';

const password = 'correct horse battery';

/** Reverses the text, which is enough to see whether it was asked. */
function keychainOf({ isSafe = true, isOutdated = false, isLocked = false } = {}): Keychain & {
  asked: number;
} {
  const reverse = (text: string): string => Array.from(text).toReversed().join('');
  return {
    asked: 0,
    isSafe: async () => isSafe,
    async encrypt(text) {
      this.asked += 1;
      return Buffer.from(reverse(text));
    },
    async decrypt(bytes) {
      if (isLocked) throw new Error('the collection is locked');
      return { text: reverse(bytes.toString()), isOutdated };
    },
  };
}

async function openFolder() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'berth-password-'));
  const root = join(folder.path, 'data');
  await mkdir(join(root, 'berth'), { recursive: true });
  const handedOver = join(root, 'berth', 'first-password');
  await writeFile(handedOver, `${password}\n`, { mode: 0o600 });
  const own = join(folder.path, 'first-passwords.json');
  const there = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);
  return {
    root,
    own,
    handedOver: { path: handedOver, read: () => there(handedOver) },
    readOwn: () => there(own),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

suite('the first password', () => {
  test('goes from its file into the keychain', async () => {
    await using folder = await openFolder();
    const { root, own } = folder;
    const passwords = createFirstPasswords(own, keychainOf());

    // Not awaited: what is asked meanwhile waits for it.
    const taken = passwords.take(root, 'dev');
    const found = await passwords.find(root);
    await taken;

    assert.deepEqual(found, { user: 'dev', keptIn: { kind: 'keychain' } });
    assert.equal(await folder.handedOver.read(), undefined);
    assert.ok(!(await folder.readOwn())?.includes(password));
    assert.equal((await stat(own)).mode & 0o777, 0o600);
    assert.equal(await passwords.reveal(root), password);
    assert.equal(await createFirstPasswords(own, keychainOf()).reveal(root), password);
  });

  test('stays in its file where there is no keychain', async () => {
    await using folder = await openFolder();
    const { root, own, handedOver } = folder;
    const keychain = keychainOf({ isSafe: false });
    const passwords = createFirstPasswords(own, keychain);

    await passwords.take(root, 'dev');

    assert.deepEqual(await passwords.find(root), {
      user: 'dev',
      keptIn: { kind: 'file', path: handedOver.path },
    });
    assert.equal(await passwords.reveal(root), password);
    assert.deepEqual([await handedOver.read(), await folder.readOwn()], [`${password}\n`, undefined]);
    assert.equal(keychain.asked, 0);
  });

  test('of another program is shown, and left where it is', async () => {
    await using folder = await openFolder();
    const { root, own, handedOver } = folder;
    const passwords = createFirstPasswords(own, keychainOf());

    assert.equal(await passwords.reveal(root), password);

    assert.equal((await passwords.find(root))?.keptIn.kind, 'file');
    assert.equal(await handedOver.read(), `${password}\n`);
  });

  test('is kept for each data directory, and forgotten for one', async () => {
    await using one = await openFolder();
    await using other = await openFolder();
    const passwords = createFirstPasswords(one.own, keychainOf());
    await passwords.take(one.root, 'dev');
    await passwords.take(other.root, 'dev');

    await passwords.forget(one.root);

    assert.equal(await passwords.find(one.root), undefined);
    await assert.rejects(passwords.reveal(one.root), { code: 'FILE_UNKNOWN' });
    assert.equal(await passwords.reveal(other.root), password);
  });

  test('goes along with a copy of the data directory, and stays', async () => {
    await using folder = await openFolder();
    const { root, own } = folder;
    const passwords = createFirstPasswords(own, keychainOf());
    await passwords.take(root, 'dev');

    await passwords.copy(root, '/elsewhere');
    await passwords.copy('/unknown', '/other');

    assert.deepEqual(await Promise.all([root, '/elsewhere'].map((each) => passwords.reveal(each))), [
      password,
      password,
    ]);
    assert.equal(await passwords.find('/other'), undefined);
  });

  test('is forgotten in its file as well, and once more is no error', async () => {
    await using folder = await openFolder();
    const passwords = createFirstPasswords(folder.own, keychainOf({ isSafe: false }));

    await passwords.forget(folder.root);
    await passwords.forget(folder.root);

    assert.equal(await folder.handedOver.read(), undefined);
    assert.equal(await passwords.find(folder.root), undefined);
  });

  test('is encrypted anew where the key has changed', async () => {
    await using folder = await openFolder();
    const { root, own } = folder;
    await createFirstPasswords(own, keychainOf()).take(root, 'dev');
    const keychain = keychainOf({ isOutdated: true });

    assert.equal(await createFirstPasswords(own, keychain).reveal(root), password);

    assert.equal(keychain.asked, 1);
  });

  test('behind a locked keychain is an error that says so, and is kept', async () => {
    await using folder = await openFolder();
    const { root, own } = folder;
    await createFirstPasswords(own, keychainOf()).take(root, 'dev');
    const passwords = createFirstPasswords(own, keychainOf({ isLocked: true }));

    await assert.rejects(passwords.reveal(root), { code: 'DATA_UNUSABLE', message: /keychain/ });

    assert.equal((await passwords.find(root))?.keptIn.kind, 'keychain');
  });

  test('in a file of the app that is broken is an error, and nothing is overwritten', async () => {
    await using folder = await openFolder();
    const { root, own } = folder;
    await writeFile(own, '{"a": ');
    const passwords = createFirstPasswords(own, keychainOf());

    await assert.rejects(passwords.take(root, 'dev'), { code: 'DATA_UNUSABLE' });

    assert.deepEqual([await folder.readOwn(), await folder.handedOver.read()], ['{"a": ', `${password}\n`]);
  });
});
