/** What the API of Docker says of the containers and networks that clusters and builders consist of. */
import { isAppError } from '../../../registry/spec/errors.ts';
import { requestEngine } from '../api/request.ts';
import type { Endpoint } from '../engine.ts';
import { listAt, parseJson, textAt } from './json.ts';

const probeMs = 1_200;

interface Options {
  readonly signal?: AbortSignal;
}

/** The containers that match, running or not, as GET /containers/json has them; empty if the engine fails. */
export async function listContainers(
  endpoint: Endpoint,
  filters: Readonly<Record<string, readonly string[]>>,
  options: Options = {},
): Promise<readonly unknown[]> {
  const query = new URLSearchParams({ all: 'true', filters: JSON.stringify(filters) });
  return listAt(await get(endpoint, `/containers/json?${query.toString()}`, options));
}

/** The IPv4 address of this computer in a network of Docker's; `undefined` if there is no such network. */
export async function gatewayOf(
  endpoint: Endpoint,
  network: string,
  options: Options = {},
): Promise<string | undefined> {
  const value = await get(endpoint, `/networks/${encodeURIComponent(network)}`, options);
  for (const config of listAt(value, 'IPAM', 'Config')) {
    const subnet = textAt(config, 'Subnet');
    const gateway = textAt(config, 'Gateway');
    if (gateway !== undefined && gateway.includes('.')) return gateway;
    // Docker 20.10 leaves the gateway of the default bridge out, which is the first address.
    if (gateway === undefined && subnet !== undefined && /^[\d.]+\.0\/\d+$/.test(subnet)) {
      return subnet.replace(/\.0\/\d+$/, '.1');
    }
  }
  return undefined;
}

/** An engine that fails in between has no containers: it is listed with the state that it had. */
async function get(endpoint: Endpoint, path: string, { signal }: Options): Promise<unknown> {
  const timeout = AbortSignal.timeout(probeMs);
  const both = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const answer = await requestEngine(endpoint, { path, timeoutMs: probeMs, signal: both });
    return answer.status === 200 ? parseJson(answer.body.toString('utf8')) : undefined;
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted || isAppError(error, 'ENGINE_FAILED')) return undefined;
    throw error;
  }
}
