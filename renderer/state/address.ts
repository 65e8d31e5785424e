import { addressFor } from '../address.ts';
import { useCall } from './calls.ts';

/** HOST:PORT as the reader writes it in image names. */
export function useAddress(): string {
  const { data: status } = useCall('status.get', {});
  return addressFor(status?.urls, location);
}
