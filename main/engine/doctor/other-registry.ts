/** Whether another registry has the port that images are pushed to out of habit. */
import { request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import type { Check, DoctorInput } from './check.ts';

const usualPort = 5000;

/** Names that begin with `localhost:5000` go to whoever listens there: a push that is not seen here went there. */
export async function checkOtherRegistry(
  { host, registry, findPortOwner, signal }: DoctorInput,
  port = usualPort,
): Promise<Check | undefined> {
  const base = { id: 'system.otherRegistry', group: 'System' };
  if (registry.port === port) return undefined;
  const isThere = (await isRegistry('http', port, signal)) || (await isRegistry('https', port, signal));
  if (!isThere) return { ...base, status: 'pass', sentence: `No other registry listens on port ${port}.` };
  const container = await findContainer(host, port);
  const owner = container ?? (await findPortOwner(port));
  return {
    ...base,
    status: 'warn',
    sentence: `Another registry listens on port ${port}${owner === undefined ? '' : `: ${owner}`}.`,
    evidence: `localhost:${port}/v2/ answers as a registry does.`,
    fix: {
      sentence: `Images named localhost:${port}/... go there, and those of localhost:${registry.port}/... come here. End the other one when nobody needs it.`,
      ...(container === undefined ? {} : { command: `docker stop ${container}` }),
    },
  };
}

/** OCI distribution-spec, "Determining Support": 200, or 401 with a challenge. macOS has AirPlay there, which says 403. */
async function isRegistry(
  scheme: 'http' | 'https',
  port: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const options = {
    host: 'localhost',
    port,
    path: '/v2/',
    agent: false,
    timeout: 1000,
    ...(signal === undefined ? {} : { signal }),
  };
  const asked =
    scheme === 'http'
      ? request(options)
      : // Only whether it is one is asked, not whose.
        requestSecurely({ ...options, rejectUnauthorized: false });
  const answered = new Promise<boolean>((resolve) => {
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(false));
    asked.once('response', (response) => {
      response.resume();
      const { statusCode, headers } = response;
      const isApi = headers['docker-distribution-api-version'] !== undefined;
      resolve(isApi || (statusCode === 401 && headers['www-authenticate'] !== undefined));
    });
  });
  asked.end();
  return await answered;
}

/** The name of the container of Docker that has the port: its owner is a proxy otherwise. */
async function findContainer(host: DoctorInput['host'], port: number): Promise<string | undefined> {
  const args = ['ps', '--filter', `publish=${port}`, '--format', '{{.Names}}'];
  const listed = await host.run('docker', args, { timeoutMs: 5000 });
  const [name = ''] = listed?.code === 0 ? listed.stdout.split('\n') : [];
  return /^[\w.-]+$/.test(name) ? name : undefined;
}
