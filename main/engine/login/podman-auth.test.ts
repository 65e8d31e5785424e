import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { thisHost } from '../host.ts';
import { findHidingFiles, podmanAuthFile } from './podman-auth.ts';

const address = 'localhost:5000';

test('podman login keeps logins in the folder of the session, where one is, or where it is told', () => {
  const host = { ...thisHost({ HOME: '/home/dev' }), uid: 1000 };
  const files = [
    podmanAuthFile({ ...host, platform: 'linux', env: {} }),
    podmanAuthFile({ ...host, platform: 'linux', env: { XDG_RUNTIME_DIR: '/run/user/1000' } }),
    podmanAuthFile({ ...host, platform: 'darwin', env: {} }),
    podmanAuthFile({
      ...host,
      platform: 'linux',
      env: { XDG_RUNTIME_DIR: '/r', REGISTRY_AUTH_FILE: '/own.json' },
    }),
  ];

  assert.deepEqual(files, [
    '/run/containers/1000/auth.json',
    '/run/user/1000/containers/auth.json',
    '/home/dev/.config/containers/auth.json',
    '/own.json',
  ]);
});

/** test/engine/login.test.ts holds the same against the real programs. */
for (const { name, files, hiding } of [
  { name: 'no files', files: {}, hiding: [] },
  {
    name: 'a login of the session, under any spelling',
    files: { run: { auths: { [address]: { auth: 'YTpi' }, [`https://${address}/v2/`]: { auth: 'YTpi' } } } },
    hiding: [{ file: 'run', keys: [address, `https://${address}/v2/`] }],
  },
  {
    name: 'logins of both files, in the order of reading',
    files: {
      config: { auths: { [address]: { identitytoken: 'x' } } },
      run: { auths: { [address]: { auth: 'YTpi' } } },
    },
    hiding: [
      { file: 'run', keys: [address] },
      { file: 'config', keys: [address] },
    ],
  },
  {
    name: 'a login for repositories below the address',
    files: { config: { auths: { [`${address}/team`]: { auth: 'YTpi' } } } },
    hiding: [{ file: 'config', keys: [`${address}/team`] }],
  },
  {
    name: 'another helper for the address',
    files: { run: { credHelpers: { [address]: 'pass' } } },
    hiding: [{ file: 'run', keys: [address] }],
  },
  {
    name: 'a file that is not JSON',
    files: { run: '{' },
    hiding: [{ file: 'run', keys: [] }],
  },
  {
    name: 'entries without a login, of other addresses, and our own helper hide nothing',
    files: {
      run: {
        auths: { [address]: {}, 'localhost:50001': { auth: 'YTpi' } },
        credHelpers: { [address]: 'berth', 'other:1': 'pass' },
      },
      config: { auths: { [address]: { username: 'a', password: 'b' } } },
    },
    hiding: [],
  },
] as const) {
  test(`what Podman reads before Docker's file: ${name}`, async () => {
    await using home = await mkdtempDisposable(join(tmpdir(), 'berth-podman-auth-'));
    const paths = {
      run: join(home.path, 'run/containers/auth.json'),
      config: join(home.path, '.config/containers/auth.json'),
    };
    for (const [file, content] of Object.entries(files)) {
      const path = paths[file === 'run' ? 'run' : 'config'];
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    }
    const host = thisHost({ HOME: home.path, XDG_RUNTIME_DIR: join(home.path, 'run') });

    const found = await findHidingFiles({ ...host, platform: 'linux' }, address);

    assert.deepEqual(
      found,
      hiding.map(({ file, keys }) => ({ file: paths[file], keys })),
    );
  });
}
