import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeAuthority } from '../../../registry/tls/authority.ts';
import type { Host, RunResult } from '../host.ts';
import { planNssTrust } from './nss.ts';

const authority = makeAuthority({ hostname: 'desk', names: [], now: Date.UTC(2026, 5, 1) }).certificate;
const { raw, fingerprint256 } = new X509Certificate(authority);
const name = `Berth CA ${fingerprint256.replaceAll(':', '').slice(0, 8).toLowerCase()}`;
const address = 'registry.berth.test:5443';
const options = { authority, authorityFile: '/srv/berth/tls/ca.crt', address };

/** A HOME with databases in these folders. */
async function makeHome(t: TestContext, ...folders: readonly string[]): Promise<string> {
  const home = await mkdtempDisposable(join(tmpdir(), 'berth-nss-'));
  t.after(() => home.remove());
  for (const folder of folders) {
    await mkdir(join(home.path, folder), { recursive: true });
    await writeFile(join(home.path, folder, 'cert9.db'), '');
  }
  return home.path;
}

/** A host whose certutil answers so by its first argument, and with an error otherwise. */
function host(home: string, certutil: Readonly<Record<string, RunResult>> | undefined): Host {
  return {
    platform: 'linux',
    env: {},
    home,
    uid: 1000,
    systemPath: (path) => path,
    find: async (program) =>
      program === 'certutil' && certutil !== undefined ? '/usr/bin/certutil' : undefined,
    run: async (program, [verb = '']) =>
      program === 'certutil' ? (certutil?.[verb] ?? { code: 255, stdout: '', stderr: '' }) : undefined,
  };
}

test('a database of Chromium gets one change, whose commands name it', async (t) => {
  const home = await makeHome(t, '.pki/nssdb');

  const plan = await planNssTrust(host(home, {}), options);

  const database = `sql:${home}/.pki/nssdb`;
  assert.ok(plan.kind === 'planned');
  const [change, ...more] = plan.changes;
  assert.ok(change?.place.kind === 'store');
  const { read, remove, ...place } = change.place;
  assert.deepEqual(more, []);
  assert.deepEqual(
    { ...change, place },
    {
      title: `Let Chromium trust the registry (${home}/.pki/nssdb).`,
      engine: 'system',
      address,
      place: {
        kind: 'store',
        label: `the NSS database ${home}/.pki/nssdb`,
        add: ['certutil', '-A', '-d', database, '-t', 'C,,', '-n', name, '-a'],
      },
      edit: { kind: 'whole' },
      before: undefined,
      after: Buffer.from(authority).toString('base64'),
      needsRoot: false,
      activation: { kind: 'none' },
      proof: { kind: 'none' },
      manual: [`certutil -A -d ${database} -t C,, -n '${name}' -a -i /srv/berth/tls/ca.crt`],
    },
  );
  assert.deepEqual(
    [read.slice(0, 2), read.slice(3)],
    [
      ['sh', '-c'],
      ['sh', database, name, raw.toString('base64').slice(-64)],
    ],
  );
  assert.deepEqual(
    [remove.slice(0, 2), remove.slice(3)],
    [
      ['sh', '-c'],
      ['sh', database, name],
    ],
  );
});

test('a database that trusts the authority gets no change', async (t) => {
  const home = await makeHome(t, '.pki/nssdb');
  const certutil = { '-V': { code: 0, stdout: 'certutil: certificate is valid\n', stderr: '' } };

  assert.deepEqual(await planNssTrust(host(home, certutil), options), { kind: 'planned', changes: [] });
});

test('a certificate that is there keeps its name', async (t) => {
  const home = await makeHome(t, '.pki/nssdb');
  const certutil = { '-O': { code: 0, stdout: '"By hand" [CN=Berth CA desk]\n\n', stderr: '' } };

  const plan = await planNssTrust(host(home, certutil), options);

  assert.ok(plan.kind === 'planned' && plan.changes[0]?.place.kind === 'store');
  assert.equal(plan.changes[0].place.add.at(-2), 'By hand');
});

test('without certutil the databases are named, and what to install', async (t) => {
  const home = await makeHome(t, '.pki/nssdb', 'snap/firefox/common/.mozilla/firefox/a1.default');

  const plan = await planNssTrust(host(home, undefined), options);

  assert.ok(plan.kind === 'needs-tool');
  assert.deepEqual(
    [plan.program, plan.databases],
    ['certutil', [`${home}/.pki/nssdb`, `${home}/snap/firefox/common/.mozilla/firefox/a1.default`]],
  );
  assert.match(plan.hint, /libnss3-tools/);
});

test('without a database nothing is planned, and no program needed', async (t) => {
  const home = await makeHome(t);
  await mkdir(join(home, '.mozilla/firefox/a1.default'), { recursive: true });

  assert.deepEqual(await planNssTrust(host(home, undefined), options), { kind: 'planned', changes: [] });
});

test('a folder of profiles that cannot be listed is an error, not an absence', async (t) => {
  const home = await makeHome(t);
  await mkdir(join(home, '.mozilla'));
  await writeFile(join(home, '.mozilla/firefox'), '');
  assert.deepEqual(await planNssTrust(host(home, {}), options), { kind: 'planned', changes: [] });

  const tooLong = join(home, 'x'.repeat(300));

  await assert.rejects(planNssTrust(host(tooLong, {}), options), { code: 'DATA_UNUSABLE' });
});
