/**
 * Edits the users of a data directory for ever, and says on standard output what begins and what is done:
 *
 *     node users-child.ts DATA_DIRECTORY HASH
 */
import { writeSync } from 'node:fs';
import {
  accountFiles,
  addAccount,
  listAccounts,
  removeAccount,
  setPasswordHash,
} from '../../registry/auth/accounts.ts';

const [root = '', hash = ''] = process.argv.slice(2);
const files = accountFiles(root);

async function tell(what: string, act: () => Promise<void>): Promise<void> {
  writeSync(1, `begin ${what}\n`);
  await act();
  writeSync(1, `done ${what}\n`);
}

for (let turn = 0; ; turn++) {
  const name = `guest${turn % 7}`;
  const isThere = (await listAccounts(files)).some((each) => each.name === name);
  if (isThere) await tell(`remove ${name}`, () => removeAccount(files, name));
  else await tell(`add ${name}`, () => addAccount(files, { name, hash, role: 'push' }));
  await tell('change owner0', () => setPasswordHash(files, 'owner0', hash));
}
