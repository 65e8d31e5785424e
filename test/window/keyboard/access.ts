import { until } from '../../support/until.ts';
import type { Desk, KeyboardAct } from './desk.ts';

// Of `htpasswd -B`, for nobody.
const line = 'imported:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC';

async function users(desk: Desk): Promise<void> {
  await desk.keys.screen('g', 'u');
  await desk.keys.tab('Users');
}

async function userOf({ client }: Desk, name: string) {
  return (await client.call('users.list', { limit: 1000 })).rows.find((row) => row.name === name);
}

/** Makes a user to do something with, and goes to the row. */
async function rowOf(desk: Desk, name: string): Promise<void> {
  await desk.client.call('users.add', { name, role: 'push', repositories: ['**'], password: 'long enough' });
  await users(desk);
  await desk.keys.row('Users', name);
}

/** Closes the dialog that shows a secret once. */
async function closeShown({ page, keys }: Desk, title: RegExp): Promise<void> {
  const dialog = page.getByRole('dialog', { name: title });
  await keys.use(dialog.getByRole('button', { name: 'Done' }));
  await dialog.waitFor({ state: 'detached' });
}

export const accessActs: readonly KeyboardAct[] = [
  {
    name: 'a user is added',
    covers: ['pages/access/add-user.tsx users.add'],
    async run(desk) {
      const { page, keys } = desk;
      await users(desk);
      await keys.press('n');
      await page.getByRole('textbox', { name: 'Name' }).and(page.locator(':focus')).waitFor();
      await keys.type('kim');
      await keys.press('Enter');
      await closeShown(desk, /^Password of kim/);
      await until('kim is a user', async () => (await userOf(desk, 'kim')) !== undefined);
    },
  },
  {
    name: 'the role of a user is changed, and back',
    covers: ['pages/access/edit-user.tsx users.setRole'],
    async run(desk) {
      const { page, keys } = desk;
      await rowOf(desk, 'lee');
      await keys.press('Enter');
      const dialog = page.getByRole('dialog', { name: 'What lee may do' });
      await keys.choose(dialog.getByRole('button', { name: /Role$/ }), 'Pull only');
      await keys.use(dialog.getByRole('button', { name: 'Change' }));
      await until('lee may only pull', async () => (await userOf(desk, 'lee'))?.role === 'pull');
      await keys.undo('Changed what lee may do');
      await until('lee may push again', async () => (await userOf(desk, 'lee'))?.role === 'push');
    },
  },
  {
    name: 'a user is disabled, and enabled',
    covers: ['pages/access/user-acts.tsx users.setDisabled'],
    async run(desk) {
      const { keys } = desk;
      await rowOf(desk, 'max');
      await keys.press('x');
      await until('max is disabled', async () => (await userOf(desk, 'max'))?.state === 'disabled');
      await keys.undo(/^Disabled max/);
      await until('max is enabled', async () => (await userOf(desk, 'max'))?.state === 'active');
    },
  },
  {
    name: 'a password is reset',
    covers: ['pages/access/reset-password.tsx users.setPassword'],
    async run(desk) {
      const { page, keys, client } = desk;
      await rowOf(desk, 'nia');
      await keys.press('r');
      const dialog = page.getByRole('dialog', { name: 'Reset the password of nia' });
      await keys.use(dialog.getByRole('button', { name: 'Reset password' }));
      await closeShown(desk, /^Password of nia/);
      await until('the password is another', async () => {
        const { rows } = await client.call('audit.list', { kind: 'passwordChanged' });
        return rows.some(({ subject }) => subject === 'nia');
      });
    },
  },
  {
    name: 'users are imported',
    covers: ['pages/access/import-users.tsx users.import'],
    async run(desk) {
      const { page, keys } = desk;
      await users(desk);
      await keys.use(page.getByRole('button', { name: 'Import' }));
      const dialog = page.getByRole('dialog', { name: 'Import users' });
      await keys.fill(dialog.getByRole('textbox', { name: 'Or paste its text' }), line);
      await keys.use(dialog.getByRole('button', { name: 'Look at it' }));
      await keys.use(dialog.getByRole('button', { name: 'Import 1 user' }));
      await until('it is a user', async () => (await userOf(desk, 'imported')) !== undefined);
      await dialog.waitFor({ state: 'detached' });
    },
  },
  {
    name: 'users are saved as a file',
    covers: ['pages/access/users.tsx users.export'],
    async run(desk) {
      const { page, keys } = desk;
      await users(desk);
      const saved = page.waitForEvent('download');
      await keys.use(page.getByRole('button', { name: 'Export' }));
      await saved;
    },
  },
  {
    name: 'a user is deleted',
    covers: ['pages/access/user-acts.tsx users.remove'],
    async run(desk) {
      await rowOf(desk, 'ola');
      await desk.keys.press('Delete');
      await desk.keys.confirm('Delete 1 user');
      await until('ola is gone', async () => (await userOf(desk, 'ola')) === undefined);
    },
  },
  {
    name: 'a token is made, and taken back',
    covers: ['pages/access/create-token.tsx tokens.create', 'pages/access/tokens.tsx tokens.revoke'],
    async run(desk) {
      const { page, keys, client } = desk;
      const labels = async () => (await client.call('tokens.list', {})).rows.map(({ label }) => label);
      await keys.screen('g', 'u');
      await keys.tab('Tokens');
      await keys.press('n');
      await page.getByRole('textbox', { name: 'Label' }).and(page.locator(':focus')).waitFor();
      await keys.type('runner');
      await keys.press('Enter');
      await closeShown(desk, /token/i);
      await until('there is a token', async () => (await labels()).includes('runner'));
      await keys.row('Tokens', 'runner');
      await keys.press('Delete');
      await keys.confirm('Revoke 1 token');
      await until('there is none', async () => !(await labels()).includes('runner'));
    },
  },
  {
    name: 'everything is opened to everybody, and closed',
    covers: ['pages/access/anonymous.tsx access.setAnonymous'],
    async run(desk) {
      const { page, keys, client } = desk;
      const open = async () => (await client.call('access.anonymous', {})).repositories.join();
      await keys.screen('g', 'u');
      await keys.tab('Anonymous pull');
      await keys.tabTo(page.getByRole('radio', { checked: true }));
      await keys.press('ArrowDown', 'ArrowDown');
      await keys.use(page.getByRole('button', { name: 'Save' }));
      await until('everything is open', async () => (await open()) === '**');
      await keys.undo('Changed what everybody may pull');
      await until('nothing is open', async () => (await open()) === '');
    },
  },
];
