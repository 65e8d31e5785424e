import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { makeAuthority } from '../../../registry/tls/authority.ts';
import { thisHost } from '../host.ts';
import { findTrust } from './trust.ts';

const address = 'localhost:5443';
const host = thisHost({});
const [authority, other] = [1, 2].map(
  () => makeAuthority({ hostname: hostname(), names: [], now: Date.now() }).certificate,
) as [string, string];

/** Makes the files in a folder of its own, and answers which of them is found, relative to it. */
async function search(files: Readonly<Record<string, string | Uint8Array>>): Promise<string | undefined> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-trust-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), content);
  }
  const folders = ['user', 'system'].map((name) => join(folder.path, name));
  const found = await findTrust(host, folders, address, authority);
  return found?.slice(folder.path.length + 1);
}

test('the file that an engine takes the authority from is found', async () => {
  const crlf = authority.replaceAll('\n', '\r\n');
  const cases = [
    { name: 'nothing', files: {}, found: undefined },
    {
      name: 'any base name',
      files: { [`user/${address}/x.crt`]: authority },
      found: `user/${address}/x.crt`,
    },
    { name: 'CRLF', files: { [`user/${address}/berth.crt`]: crlf }, found: `user/${address}/berth.crt` },
    {
      name: 'the second block, after words',
      files: { [`user/${address}/berth.crt`]: `Some words\n${other}${authority}` },
      found: `user/${address}/berth.crt`,
    },
    {
      name: 'a broken block before it',
      files: {
        [`user/${address}/berth.crt`]: `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${authority}`,
      },
      found: `user/${address}/berth.crt`,
    },
    {
      name: 'the second folder',
      files: { [`system/${address}/berth.crt`]: authority },
      found: `system/${address}/berth.crt`,
    },
    {
      name: 'an empty first folder hides the second',
      files: { [`user/${address}/note`]: '', [`system/${address}/berth.crt`]: authority },
      found: undefined,
    },
    { name: 'another authority', files: { [`user/${address}/berth.crt`]: other }, found: undefined },
    { name: 'another port', files: { 'user/localhost:5444/berth.crt': authority }, found: undefined },
    { name: 'suffix .pem', files: { [`user/${address}/ca.pem`]: authority }, found: undefined },
    { name: 'suffix .CRT', files: { [`user/${address}/ca.CRT`]: authority }, found: undefined },
    {
      name: 'DER',
      files: { [`user/${address}/berth.crt`]: new X509Certificate(authority).raw },
      found: undefined,
    },
    {
      name: 'byte order mark',
      files: { [`user/${address}/berth.crt`]: `\uFEFF${authority}` },
      found: undefined,
    },
    {
      name: 'a folder of that name',
      files: { [`user/${address}/berth.crt/x`]: authority },
      found: undefined,
    },
  ] as const;

  for (const { name, files, found } of cases) assert.equal(await search(files), found, name);
});

test('what this user cannot read counts as absent', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-trust-'));
  const file = join(folder.path, address, 'ca.crt');
  await mkdir(dirname(file));
  await writeFile(file, authority);
  await chmod(file, 0o000);
  await chmod(folder.path, 0o755);
  const isRoot = process.geteuid?.() === 0;

  // Root reads everything, so it steps aside.
  if (isRoot) process.seteuid?.(65_534);
  try {
    assert.equal(await findTrust(host, [folder.path], address, authority), undefined);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});
