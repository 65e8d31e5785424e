import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { bytesAfter, type Change, sha256 } from '../change.ts';
import { thisHost } from '../host.ts';
import {
  dockerConfigFile,
  planHelperEntry,
  planHelperEntryRemoval,
  readDockerLogin,
  usesBerth,
} from './docker-config.ts';

const address = 'localhost:5000';

/** A home with that config.json, or with none. */
async function homeWith(config?: string) {
  const home = await mkdtempDisposable(join(tmpdir(), 'berth-docker-config-'));
  const host = thisHost({ HOME: home.path });
  if (config !== undefined) {
    await mkdir(dirname(dockerConfigFile(host)));
    await writeFile(dockerConfigFile(host), config);
  }
  return { host, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() };
}

function textAfter(change: Change | undefined): string | undefined {
  return change === undefined ? undefined : bytesAfter(change).toString('utf8');
}

test('config.json is in the home, or where DOCKER_CONFIG says', () => {
  const files = [{}, { DOCKER_CONFIG: '/elsewhere' }, { DOCKER_CONFIG: '' }].map((env) =>
    dockerConfigFile(thisHost({ HOME: '/home/dev', ...env })),
  );

  assert.deepEqual(files, [
    '/home/dev/.docker/config.json',
    '/elsewhere/config.json',
    '/home/dev/.docker/config.json',
  ]);
});

for (const { name, config, says } of [
  { name: 'no file says nothing', config: undefined, says: {} },
  { name: 'an empty file says nothing', config: '', says: {} },
  {
    name: 'a helper of this address and a store of all are told apart',
    config: { credHelpers: { [address]: 'berth', 'localhost:5001': 'pass' }, credsStore: 'desktop' },
    says: { helper: 'berth', credsStore: 'desktop' },
  },
  {
    name: 'passwords are found under all spellings of the address, and empty entries hold none',
    config: {
      auths: {
        [address]: {},
        [`https://${address}`]: { auth: 'YTpi' },
        [`https://${address}/v2/`]: { username: 'a', password: 'b' },
        [`http://${address}/`]: { identitytoken: 'x' },
        'localhost:5001': { auth: 'YTpi' },
      },
    },
    says: {
      keys: [address, `https://${address}`, `https://${address}/v2/`, `http://${address}/`],
      readableKeys: [`https://${address}`, `https://${address}/v2/`, `http://${address}/`],
      user: 'a',
    },
  },
]) {
  test(`reading config.json: ${name}`, async () => {
    await using home = await homeWith(typeof config === 'object' ? JSON.stringify(config) : config);

    const login = await readDockerLogin(home.host, address);

    assert.deepEqual(login, {
      file: dockerConfigFile(home.host),
      helper: undefined,
      credsStore: undefined,
      keys: [],
      readableKeys: [],
      user: undefined,
      ...says,
    });
    assert.equal(usesBerth(login), login.helper === 'berth');
  });
}

for (const { name, config, after } of [
  {
    name: 'a file that is absent is made',
    config: undefined,
    after: '{\n  "credHelpers": {\n    "localhost:5000": "berth"\n  }\n}\n',
  },
  {
    name: 'what is there stays to the byte, the global store too',
    config: '{\n\t"auths": {\n\t\t"localhost:5000": {}\n\t},\n\t"credsStore": "desktop"\n}',
    after:
      '{\n\t"auths": {\n\t\t"localhost:5000": {}\n\t},\n\t"credsStore": "desktop",\n\t"credHelpers": {\n\t\t"localhost:5000": "berth"\n\t}\n}',
  },
  {
    name: 'helpers of other addresses stay',
    config: '{"credHelpers":{"other:1":"pass"}}',
    after: '{"credHelpers":{"other:1":"pass","localhost:5000":"berth"}}',
  },
  { name: 'an entry that is there needs no change', config: '{"credHelpers":{"localhost:5000":"berth"}}' },
]) {
  test(`planning the entry: ${name}`, async () => {
    await using home = await homeWith(config);

    const change = await planHelperEntry(home.host, address);

    assert.equal(textAfter(change), after);
    assert.equal(
      change?.before,
      config === undefined || after === undefined ? undefined : sha256(Buffer.from(config)),
    );
  });
}

test('the change says what is ours in a private file, and needs no administrator', async () => {
  await using home = await homeWith();

  const change = await planHelperEntry(home.host, address);

  const file = dockerConfigFile(home.host);
  assert.deepEqual(
    { ...change, title: '', before: '', after: '' },
    {
      title: '',
      engine: 'login',
      address,
      place: { kind: 'file', path: file, mode: 0o600 },
      edit: { kind: 'json-member', key: 'credHelpers', member: address, value: 'berth' },
      before: '',
      after: '',
      needsRoot: false,
      activation: { kind: 'none' },
      proof: { kind: 'none' },
      manual: [`Write "credHelpers": { "${address}": "berth" } into ${file}`],
    },
  );
});

for (const { name, config, after } of [
  {
    name: 'the entry goes, those of others stay',
    config: '{"credHelpers":{"localhost:5000":"berth","other:1":"pass"},"credsStore":"desktop"}',
    after: '{"credHelpers":{"other:1":"pass"},"credsStore":"desktop"}',
  },
  {
    name: 'the last entry takes the key along',
    config: '{"credHelpers":{"localhost:5000":"berth"},"a":1}',
    after: '{"a":1}',
  },
  { name: 'the helper of somebody else stays', config: '{"credHelpers":{"localhost:5000":"pass"}}' },
  { name: 'without an entry nothing is planned', config: '{"credHelpers":{"other:1":"berth"}}' },
  { name: 'without a file nothing is planned', config: undefined },
]) {
  test(`planning the removal: ${name}`, async () => {
    await using home = await homeWith(config);

    assert.equal(textAfter(await planHelperEntryRemoval(home.host, address)), after);
  });
}

for (const config of ['{"auths":{"a":{"auth":"c2VjcmV0"}}', '\uFEFF{}', '[]', '{"credHelpers":["berth"]}']) {
  test(`the config.json ${config} is not edited, and the error quotes nothing of it`, async () => {
    await using home = await homeWith(config);

    await assert.rejects(
      () => planHelperEntry(home.host, address),
      (error: Error) => {
        assert.deepEqual([error.name, Reflect.get(error, 'code')], ['AppError', 'CHANGE_REFUSED']);
        assert.match(error.message, /config\.json/);
        assert.doesNotMatch(error.message, /c2VjcmV0/);
        return true;
      },
    );
  });
}
