import { join } from 'node:path';

/** Where the password of the first user lies in a data directory until somebody removes it; 0600. */
export function firstPasswordFile(root: string): string {
  return join(root, 'berth', 'first-password');
}
