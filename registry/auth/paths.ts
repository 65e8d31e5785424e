import { join } from 'node:path';

/** The paths of identity in a data directory. */
export function identityPaths(root: string): {
  readonly users: string;
  readonly access: string;
  readonly tokenKey: string;
  readonly lock: string;
  readonly lastUses: string;
} {
  const directory = join(root, 'berth');
  return {
    users: join(directory, 'users'),
    access: join(directory, 'access.json'),
    tokenKey: join(directory, 'token.key'),
    lock: join(directory, 'access.lock'),
    lastUses: join(directory, 'last-uses.json'),
  };
}
