/** Checks of the registry itself: does it run, log in, store and serve; its disk, its files, its certificate. */
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { checkRepository } from '../../../registry/spec/names.ts';
import { probeImage } from '../api/engine-images.ts';
import { attempt, type Check, type DoctorInput, newRun, noCredentials, readOnly } from './check.ts';
import { type RegistryClient, requestRegistry } from './registry-client.ts';

/** Does it answer, does it ask for a login, does it take and give an image. The later ones need the first. */
export async function checkServer(input: DoctorInput): Promise<readonly Check[]> {
  const { registry, pid, credentials, isOpen } = input;
  const group = 'Server';
  const address = `localhost:${registry.port}`;
  const client: RegistryClient = { ...clientFor(input), credentials: undefined };
  if (pid === undefined) {
    const owner = await input.findPortOwner(registry.port);
    const other = owner === undefined ? '' : ` Port ${registry.port} is used by ${owner}.`;
    return [
      {
        id: 'server.running',
        group,
        status: 'fail',
        sentence: `No registry runs on the data directory ${input.root}.${other}`,
        fix: { sentence: 'Start it.', command: 'berth serve' },
      },
    ];
  }
  const running = await attempt(
    { id: 'server.running', group, sentence: `The registry answers at https://${address} (process ${pid}).` },
    async () => {
      const { status, body } = await requestRegistry(client, { path: '/readyz' });
      if (status !== 200)
        throw new Error(`/readyz answers ${status}: ${body.toString('utf8').slice(0, 300)}`);
    },
    `The registry does not answer at https://${address}.`,
  );
  if (running.status === 'fail') return [running];
  if (isOpen) {
    const sentence = 'Login is switched off: everybody who reaches the port may do everything.';
    return [
      running,
      {
        id: 'server.login',
        group,
        status: 'warn',
        sentence,
        fix: { sentence: 'Start it without --auth none.' },
      },
    ];
  }
  if (credentials === undefined) return [running, noCredentials('server.login', group)];
  const withLogin = { ...client, credentials };
  const login = await attempt(
    { id: 'server.login', group, sentence: 'The registry admits a login and refuses a wrong password.' },
    async () => {
      const right = await requestRegistry(withLogin, { path: '/v2/' });
      if (right.status !== 200) throw new Error(`/v2/ answers ${right.status} to a right token`);
      const none = await requestRegistry(client, { path: '/v2/' });
      if (none.status !== 401) throw new Error(`/v2/ answers ${none.status} without a login`);
    },
    'The login does not work.',
  );
  const pushed = await attempt(
    { id: 'server.push', group, sentence: 'A small image was pushed, pulled and deleted again.' },
    () => pushAndPull(withLogin, input),
    'A push or pull of a small image failed.',
  );
  return [running, login, input.isReadOnly ? readOnly(group) : pushed];
}

type Access = Pick<DoctorInput, 'registry' | 'credentials' | 'signal'>;

function clientFor({ registry, credentials, signal }: Access): RegistryClient {
  const { listensOn, port, authority: ca } = registry;
  const local = `localhost:${port}`;
  const address = listensOn.some((each) => isLoopback(each)) ? local : (listensOn[0] ?? local);
  return { address, ca, credentials, signal };
}

/** Deletes what a check has pushed; where deleting is switched off it stays. Throws what the registry says. */
export async function deletePushed(access: Access, run: string): Promise<void> {
  const client = clientFor(access);
  const base = `/v2/${checkRepository}/manifests`;
  const { headers } = await requestRegistry(client, { method: 'HEAD', path: `${base}/${run}` });
  const digest = String(headers['docker-content-digest']);
  const { status, body } = await requestRegistry(client, { method: 'DELETE', path: `${base}/${digest}` });
  if (status !== 202 && status !== 405)
    throw new Error(`Deleting the image of the check: status ${status}: ${body.toString('utf8')}`);
}

/** Pushes the built-in image over the API, reads it back, and deletes it. */
async function pushAndPull(client: RegistryClient, input: DoctorInput): Promise<void> {
  const run = newRun();
  const { manifest, config, layer } = probeImage('amd64', run);
  const base = `/v2/${checkRepository}`;
  const expect = (
    wanted: number,
    { status, body }: { readonly status: number; readonly body: Buffer },
    what: string,
  ) => {
    if (status !== wanted)
      throw new Error(`${what}: status ${status}: ${body.toString('utf8').slice(0, 300)}`);
  };
  for (const blob of [config, layer]) {
    const path = `${base}/blobs/uploads/?digest=${encodeURIComponent(blob.digest)}`;
    const headers = { 'content-type': 'application/octet-stream' };
    expect(
      201,
      await requestRegistry(client, { method: 'POST', path, headers, body: blob.bytes }),
      'Pushing a blob',
    );
  }
  const path = `${base}/manifests/${run}`;
  const headers = { 'content-type': manifest.mediaType };
  expect(
    201,
    await requestRegistry(client, { method: 'PUT', path, headers, body: manifest.bytes }),
    'Pushing the manifest',
  );
  const pulled = await requestRegistry(client, { path });
  expect(200, pulled, 'Pulling the manifest');
  if (!pulled.body.equals(manifest.bytes)) throw new Error('the manifest came back with other bytes');
  const blob = await requestRegistry(client, { path: `${base}/blobs/${layer.digest}` });
  expect(200, blob, 'Pulling the layer');
  if (!blob.body.equals(layer.bytes)) throw new Error('the layer came back with other bytes');
  await deletePushed(input, run);
}

/** Is there room for pushes. */
export async function checkDisk({ root, reserve }: DoctorInput): Promise<Check> {
  const { bavail, blocks, bsize } = await statfs(root);
  const free = bavail * bsize;
  const wanted = Math.max(reserve.bytes, (blocks * bsize * reserve.percent) / 100);
  const sentence = `${gigabytes(free)} are free on the disk of ${root}; pushes are refused below ${gigabytes(wanted)}.`;
  const status = free < wanted ? 'fail' : free < 2 * wanted ? 'warn' : 'pass';
  const fix = { sentence: 'Free space on that disk; pulls go on.' };
  return { id: 'server.disk', group: 'Server', status, sentence, ...(status === 'pass' ? {} : { fix }) };
}

/** Are the private files private. */
export async function checkModes({ root, host }: DoctorInput): Promise<Check> {
  const path = join(root, 'berth');
  const base = { id: 'server.modes', group: 'Server' };
  const mode = (await stat(path)).mode & 0o777;
  if (host.platform === 'win32' || (mode & 0o077) === 0) {
    return {
      ...base,
      status: 'pass',
      sentence: 'Keys, users and settings are readable for their owner alone.',
    };
  }
  return {
    ...base,
    status: 'fail',
    sentence: `Other users of this computer can reach ${path} (mode ${mode.toString(8)}), where the keys are.`,
    fix: { sentence: 'Take their rights away.', command: `chmod 700 "${path}"` },
  };
}

const dayMs = 24 * 60 * 60 * 1000;

/** How long the certificate holds, and for which names. */
export function checkCertificate({ certificate, registry, pid }: DoctorInput): readonly Check[] {
  const group = 'Certificate';
  if (certificate === undefined) {
    if (pid === undefined) return [];
    return [
      {
        id: 'certificate.valid',
        group,
        status: 'skip',
        sentence: 'This user may not read the certificate of the registry.',
      },
    ];
  }
  const days = Math.floor((Date.parse(certificate.validTo) - Date.now()) / dayMs);
  const renew = {
    sentence: 'Issue a new one; nobody has to trust anything again.',
    command: 'berth cert renew',
  };
  const isEarly = Date.parse(certificate.validFrom) > Date.now();
  const validity: Check = isEarly
    ? {
        id: 'certificate.valid',
        group,
        status: 'fail',
        sentence: `The certificate is valid from ${certificate.validFrom} on, and the clock of this computer says ${new Date().toISOString()}.`,
        fix: { sentence: 'Set the clock of this computer.' },
      }
    : {
        id: 'certificate.valid',
        group,
        status: days < 0 ? 'fail' : days < 14 ? 'warn' : 'pass',
        sentence:
          days < 0
            ? `The certificate ended on ${certificate.validTo}.`
            : `The certificate holds for ${days} more days.`,
        ...(days < 14 ? { fix: renew } : {}),
      };
  const hasLocalhost = registry.names.includes('localhost');
  const names: Check = hasLocalhost
    ? {
        id: 'certificate.names',
        group,
        status: 'pass',
        sentence: `It is good for ${registry.names.length} names and addresses of this computer.`,
      }
    : {
        id: 'certificate.names',
        group,
        status: 'warn',
        sentence:
          'It is not good for localhost: clients that check certificates have to use one of its names.',
        evidence: registry.names.join(', '),
      };
  return [validity, names];
}

function isLoopback(address: string): boolean {
  return address === '::1' || address === '0.0.0.0' || address === '::' || address.startsWith('127.');
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
