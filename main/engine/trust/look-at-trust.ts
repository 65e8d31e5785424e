/** What of the ways to trust the registry applies to an engine, and how far each is. Writes nothing. */
import { isAppError } from '../../../registry/spec/errors.ts';
import { trustFolders } from '../detect/certs-folders.ts';
import { findTrust } from '../detect/trust.ts';
import { findDatabases } from './nss.ts';
import { planTrust, type TrustRequest, type TrustWay } from './plan-trust.ts';

export type TrustState =
  'not needed' | 'not trusted' | 'trusted' | 'different certificate' | 'needs tool' | 'failed';

export interface LookedWay {
  readonly way: TrustWay;
  readonly state: TrustState;
  readonly said?: string;
}

type Looked = Omit<TrustRequest, 'way'>;

/** The narrowest first; a mirror is no trust. */
const ways = ['certificate', 'system', 'browsers', 'insecure'] as const satisfies readonly TrustWay[];

/** Ways that do not apply are left out; throws DATA_UNUSABLE. */
export async function lookAtTrust(looked: Looked): Promise<readonly LookedWay[]> {
  const found = await Promise.all(ways.map(async (way) => await lookAt(looked, way)));
  return found.filter((each) => each !== undefined);
}

async function lookAt(looked: Looked, way: TrustWay): Promise<LookedWay | undefined> {
  const hasBrowsers = way !== 'browsers' || (await findDatabases(looked.host.home)).length > 0;
  if (!hasBrowsers) return undefined;
  try {
    const { changes, why } = await planTrust({ ...looked, way });
    if (changes.length > 0) {
      const isOther = changes.some(({ before, edit }) => before !== undefined && edit.kind === 'whole');
      return { way, state: isOther ? 'different certificate' : 'not trusted' };
    }
    const isPlaced = way !== 'certificate' || (await hasCertificate(looked));
    return isPlaced ? { way, state: 'trusted' } : { way, state: 'not needed', said: why };
  } catch (error) {
    if (!isAppError(error, 'CHANGE_REFUSED')) throw error;
    if (way === 'browsers') return { way, state: 'needs tool', said: error.hint };
    return way === 'certificate' ? { way, state: 'failed', said: error.message } : undefined;
  }
}

async function hasCertificate({ host, engine, target: { authority } }: Looked): Promise<boolean> {
  if (authority === undefined) return false;
  const folders = trustFolders(engine.kind, host);
  return (await findTrust(host, folders, engine.address, authority)) !== undefined;
}
