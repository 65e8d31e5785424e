/** Access: users, tokens and anonymous pull, with the clients that log in with them. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { berthOn } from '../support/berth.ts';
import { request } from '../support/http.ts';
import { run } from '../support/process.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, goTo, logIn, openWindow, type TestWindow } from '../support/window.ts';

/** Markup, a text that turns around, quotes. */
const hostile = '<img src=x onerror=complain(1)>\u202Egnp.\'"';

async function statusOf({ registry }: TestWindow, user: string, password: string): Promise<number> {
  const { status } = await request(registry.plainUrl, { path: '/v2/', user: `${user}:${password}` });
  return status;
}

function rowOf(page: Page, name: string): Locator {
  return page
    .getByRole('row')
    .filter({ has: page.getByRole('button', { name: `More for ${name}`, exact: true }) });
}

/** Opens the menu of a user and chooses an act. */
async function choose(page: Page, name: string, act: string): Promise<void> {
  await page.getByRole('button', { name: `More for ${name}`, exact: true }).click();
  await page.getByRole('menuitem', { name: act }).click();
}

/** Goes by keys to the row of a user. */
async function focusRow(page: Page, name: string): Promise<void> {
  await page.getByRole('row').nth(1).focus();
  await page.keyboard.press('Home');
  for (let at = 0; at < 50; at += 1) {
    const text = await page.locator('[data-row]:focus').textContent();
    if (text?.startsWith(name) === true) return;
    await page.keyboard.press('ArrowDown');
  }
  assert.fail(`no row ${name}`);
}

/** The password or token that a dialog shows once. */
async function shownText(page: Page, what: 'password' | 'token' | 'login'): Promise<string> {
  return (await page.getByRole('dialog').getByRole('group', { name: what, exact: true }).textContent()) ?? '';
}

async function closeShown(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

const dockerNeeds = needs('chromium', 'docker', 'bash');

test('access', dockerNeeds, async (t) => {
  await using window = await openWindow();
  const { page, registry } = window;
  page.setDefaultTimeout(20_000);
  const berth = berthOn(registry.dataDir);

  await t.test('a user made by keys alone logs in with docker, and is refused once disabled', async () => {
    await using home = await mkdtempDisposable(join(tmpdir(), 'berth-docker-'));
    await window.go('#/access');
    await page.getByRole('grid', { name: 'Users' }).waitFor();
    await page.keyboard.press('n');
    await page.getByRole('textbox', { name: 'Name' }).waitFor();
    await page.keyboard.type('ci');
    await checkAccessibility(page);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Password of ci' }).waitFor();
    await checkAccessibility(page);
    const password = await shownText(page, 'password');
    const command = await shownText(page, 'login');
    await page.getByRole('button', { name: 'Done' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    // Where docker reaches no daemon, it logs in by itself.
    const env = { DOCKER_CONFIG: home.path, DOCKER_HOST: 'unix:///nonexistent', HOME: home.path };
    const login = await run('bash', ['-c', command], { input: `${password}\n`, env });
    assert.equal(login.code, 0, login.stderr);
    assert.match(login.stdout, /Login Succeeded/);
    assert.doesNotMatch(command, new RegExp(password));
    await window.go('#/access/tokens');
    await window.go('#/access/users');
    await rowOf(page, 'ci').getByText('docker').waitFor();

    await focusRow(page, 'ci');
    await page.keyboard.press('x');
    await rowOf(page, 'ci').getByText('Disabled').waitFor();
    await page.getByText('Disabled ci: logins and tokens are refused').waitFor();
    assert.equal((await run('bash', ['-c', command], { input: `${password}\n`, env })).code, 1);
    await page.keyboard.press('Control+z');
    await rowOf(page, 'ci').getByText('Active').waitFor();
    await page.getByText('Undone').waitFor();
    assert.equal(await statusOf(window, 'ci', password), 200);
  });

  await t.test('what is wrong is said at its field', async () => {
    await window.go('#/access/users');
    await page.getByRole('button', { name: 'Add user' }).click();
    const dialog = page.getByRole('dialog');
    const field = (name: string): Locator => dialog.getByRole('textbox', { name });
    const submit = dialog.getByRole('button', { name: 'Add user' });
    await dialog.getByRole('button', { name: 'Make one, and show it once Password' }).click();
    await page.getByRole('option', { name: 'Write one' }).click();
    const problemOf = async (name: string): Promise<string> => {
      await dialog.locator('[aria-invalid=true]').first().waitFor();
      const ids = (await field(name).getAttribute('aria-describedby')) ?? '';
      const texts = ids.split(' ').map((id) => page.locator(`[id="${id}"]`).textContent());
      return (await Promise.all(texts)).join(' ');
    };

    await field('Name').fill('ci');
    await field('New password').fill('long enough');
    await submit.click();
    assert.match(await problemOf('Name'), /There is a user ci already/);
    await field('Name').fill('a:b');
    await submit.click();
    await dialog.getByText('This user name cannot be used.').waitFor();
    await field('Name').fill('long');
    await field('New password').fill('ü'.repeat(37));
    await submit.click();
    await dialog.getByText('longer than 72 bytes').waitFor();
    assert.match(await problemOf('New password'), /longer than 72 bytes; bcrypt would ignore the rest/);
    await checkAccessibility(page);
    await field('New password').fill('ü'.repeat(36));
    await field('Repositories').fill('Team/**');
    await submit.click();
    await dialog.getByText('Not a glob over repository names.').waitFor();
    assert.match(await problemOf('Repositories'), /Not a glob over repository names/);
    await field('Repositories').fill('team/**');
    await submit.click();

    const added = page.getByRole('dialog', { name: 'Added long' });
    await added
      .getByText(/docker login .*long/)
      .first()
      .waitFor();
    assert.equal(await added.getByText('ü').count(), 0);
    await added.getByRole('button', { name: 'Done' }).press('Enter');
    await added.waitFor({ state: 'detached' });
    await rowOf(page, 'long').getByText('team/**').waitFor();
    assert.equal(await statusOf(window, 'long', 'ü'.repeat(36)), 200);
  });

  await t.test('role and repositories are changed, and taken back', async () => {
    await focusRow(page, 'long');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'What long may do' });
    await dialog.getByRole('button', { name: 'Push & pull Role' }).click();
    await page.getByRole('option', { name: 'Pull only' }).click();
    await dialog.getByRole('textbox', { name: 'Repositories' }).fill('public/*\nteam/**');
    await dialog.getByText("berth user role long pull --repositories 'public/*' 'team/**'").waitFor();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Change' }).click();
    await rowOf(page, 'long').getByText('public/*, team/**').waitFor();
    await rowOf(page, 'long').getByText('Pull only').waitFor();

    await page.getByRole('status', { name: 'Messages' }).getByRole('button', { name: 'Undo' }).last().click();
    await rowOf(page, 'long').getByText('Push & pull').waitFor();
  });

  await t.test('another password is made, and the former one is refused', async () => {
    await focusRow(page, 'long');
    await page.keyboard.press('r');
    await page.getByRole('dialog').getByRole('button', { name: 'Reset password' }).click();
    await page.getByRole('heading', { name: 'Password of long' }).waitFor();
    const password = await shownText(page, 'password');
    await closeShown(page);

    const statuses = [
      await statusOf(window, 'long', 'ü'.repeat(36)),
      await statusOf(window, 'long', password),
    ];
    assert.deepEqual(statuses, [401, 200]);
  });

  await t.test('the last admin cannot go', async () => {
    await choose(page, 'admin', 'Disable');
    await page.getByText('"admin" is the last administrator.').waitFor();
    await rowOf(page, 'admin').getByText('Active').waitFor();
    await page.getByRole('button', { name: 'Close message' }).last().click();
    await focusRow(page, 'admin');
    await page.keyboard.press('Delete');
    const dialog = page.getByRole('alertdialog', { name: 'Delete admin?' });
    await dialog.getByRole('button', { name: 'Delete 1 user' }).click();

    await dialog.getByText('Give another user the role admin first.').waitFor();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  await t.test('a token is shown once, works, and is refused after it is revoked', async () => {
    await window.go('#/access/tokens');
    await page.getByText('No tokens yet').waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('n');
    const dialog = page.getByRole('dialog', { name: 'Create token' });
    await dialog.getByRole('textbox', { name: 'Label' }).fill('runner');
    await dialog.getByRole('button', { name: 'admin Owner' }).click();
    await page.getByRole('option', { name: 'ci', exact: true }).click();
    await dialog.getByText('Push', { exact: true }).click();
    await dialog.getByRole('button', { name: '30 days Expires after' }).click();
    await page.getByRole('option', { name: '90 days' }).click();
    await dialog
      .getByText('berth token create --user ci --label runner --scope pull push --expires 90d')
      .waitFor();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Create token' }).click();
    await page.getByRole('heading', { name: 'Token runner' }).waitFor();
    const token = await shownText(page, 'token');
    const shown = page.getByRole('dialog');
    await shown.getByRole('tab', { name: 'config.json' }).click();
    const config = (await shown.getByRole('group', { name: 'for config.json' }).textContent()) ?? '';
    await checkAccessibility(page);
    await closeShown(page);

    const auth = Buffer.from(`ci:${token}`).toString('base64');
    assert.deepEqual(JSON.parse(config), { auths: { [`localhost:${registry.port}`]: { auth } } });
    await window.push('team/app', '1', 'layer');
    const pull = async (user: string) =>
      (await request(registry.plainUrl, { path: '/v2/team/app/manifests/1', user })).status;
    assert.deepEqual([await pull(`ci:${token}`), await pull(`admin:${token}`)], [200, 401]);
    await page.getByRole('row', { name: /runner ci pull, push everywhere/ }).waitFor();
    assert.doesNotMatch(await page.content(), new RegExp(token));

    await page.getByRole('row', { name: /runner/ }).focus();
    await page.keyboard.press('Delete');
    await checkAccessibility(page);
    await page.getByRole('button', { name: 'Revoke 1 token' }).click();
    await page.getByText('No tokens yet').waitFor();
    assert.equal(await pull(`ci:${token}`), 401);
  });

  await t.test('the tokens of one user are a link away', async () => {
    await berth.run('token', 'create', '--user', 'ci', '--label', 'of-ci', '--expires', 'never');
    await berth.run('token', 'create', '--user', 'admin', '--label', 'of-admin');
    await window.go('#/access/users');
    await page.getByRole('link', { name: 'Tokens of ci: 1' }).click();
    await page.getByRole('row', { name: /of-ci/ }).waitFor();

    assert.equal(await page.getByRole('row', { name: /of-admin/ }).count(), 0);
    await page.getByRole('button', { name: 'Show the tokens of everybody' }).click();
    await page.getByRole('row', { name: /of-admin/ }).waitFor();
    await page.getByRole('searchbox', { name: 'Search tokens' }).fill('nothing like it');
    await page.getByRole('button', { name: 'Show all tokens' }).click();
    await page.getByRole('row', { name: /of-ci/ }).waitFor();
  });

  await t.test('users are exported, and imported after a look', async () => {
    await window.go('#/access/users');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export' }).click(),
    ]);
    const text = await readFile(await download.path(), 'utf8');
    const [, hash = ''] = /^ci:(.*)$/m.exec(text) ?? [];
    assert.deepEqual(text.match(/^[^:]+/gm), ['admin', 'ci', 'long']);

    await page.getByRole('button', { name: 'Import' }).click();
    const dialog = page.getByRole('dialog', { name: 'Import users' });
    await dialog.locator('input[type=file]').setInputFiles({
      name: 'users.htpasswd',
      mimeType: 'text/plain',
      buffer: Buffer.from(`${text}new:${hash}\nold:{SHA}abc=\n`),
    });
    await dialog.getByRole('button', { name: 'Look at it' }).click();
    const plan = dialog.getByRole('region', { name: 'What the import does' });
    await plan.waitFor();
    await checkAccessibility(page);
    const words = (await plan.textContent()) ?? '';
    assert.match(words, /Added \(1\)new.*Unchanged \(3\)admin, ci, long.*Left out \(1\)Line 5/);
    assert.equal(await page.getByRole('row', { name: /^new/ }).count(), 0);
    await dialog.getByRole('button', { name: 'Import 1 user' }).click();
    await rowOf(page, 'new').getByText('Pull only').waitFor();

    await page.getByRole('button', { name: 'Import' }).click();
    await dialog.getByRole('textbox', { name: 'Or paste its text' }).fill(text);
    await dialog.getByRole('button', { name: 'Look at it' }).click();
    await dialog.getByText('There is nothing to import.').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  await t.test('a user is deleted with the tokens, and refused at once', async () => {
    const { password } = (await berth.json('user', 'add', 'gone')) as { readonly password: string };
    await berth.run('token', 'create', '--user', 'gone');
    assert.equal(await statusOf(window, 'gone', password), 200);
    await page.getByRole('link', { name: 'Tokens of gone: 1' }).waitFor();
    await choose(page, 'gone', 'Delete…');
    await page.getByText('The password and 1 token are refused').waitFor();
    await page.getByRole('button', { name: 'Delete 1 user' }).click();
    await rowOf(page, 'gone').waitFor({ state: 'detached' });

    assert.equal(await statusOf(window, 'gone', password), 401);
  });

  await t.test('what others do appears within a second', async () => {
    await berth.run('user', 'add', 'outside', '--role', 'pull');
    await rowOf(page, 'outside').waitFor({ timeout: 1000 });
    await berth.run('user', 'disable', 'outside');
    await rowOf(page, 'outside').getByText('Disabled').waitFor({ timeout: 1000 });
  });

  await t.test('names and labels are text', async () => {
    await berth.run('user', 'add', hostile, '--role', 'pull');
    await berth.run('token', 'create', '--user', hostile, '--label', hostile);
    await rowOf(page, hostile).waitFor();
    await focusRow(page, hostile);
    await page.keyboard.press('Delete');
    await page
      .getByRole('alertdialog')
      .getByRole('heading', { name: `Delete ${hostile}?` })
      .waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    await window.go(`#/access/tokens?owner=${encodeURIComponent(hostile)}`);
    await page.getByRole('row').filter({ hasText: hostile }).waitFor();
    await checkAccessibility(page);

    assert.equal(await page.locator('main img').count(), 0);
  });

  await t.test('repositories are opened to everybody, and closed by undo', async () => {
    const pull = async () => (await request(registry.plainUrl, { path: '/v2/team/app/manifests/1' })).status;
    await window.go('#/access/anonymous');
    const off = page.getByRole('radio', { name: /^Off/ });
    await off.waitFor();
    assert.equal(await off.isChecked(), true);
    assert.equal(await pull(), 401);
    await off.focus();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('textbox', { name: 'Repositories' }).fill('Bad');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Not a glob over repository names.').waitFor();
    await checkAccessibility(page);
    await page.getByRole('textbox', { name: 'Repositories' }).fill('team/**');
    await page.getByText('Anyone who can reach this port can pull').waitFor();
    await page.getByText(`berth config set berth.auth.anonymous '["team/**"]'`).waitFor();
    await page.getByRole('button', { name: 'Save' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Changed what everybody may pull').waitFor();
    assert.equal(await pull(), 200);

    await page.keyboard.press('Control+z');
    await page.getByText('Undone').last().waitFor();
    assert.equal(await pull(), 401);
    await page.getByRole('radio', { name: /^Off/, checked: true }).waitFor();
  });

  await t.test('an undo takes the form back though the change was not read again yet', async () => {
    await using other = await window.context.newPage();
    let isHeld = false;
    await other.routeWebSocket(/\/api\/rpc$/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => {
        if (!isHeld || !String(message).includes('"access.anonymous"')) server.send(message);
      });
    });
    await other.goto(`${registry.url}/ui/#/access/anonymous`);
    await other.getByRole('radio', { name: /^Off/ }).press('ArrowUp');
    isHeld = true;

    await other.getByRole('button', { name: 'Save' }).click();
    await other.getByText('Changed what everybody may pull').waitFor();
    await other.keyboard.press('Control+z');

    await other.getByText('Undone').waitFor();
    await other.getByRole('radio', { name: /^Off/, checked: true }).waitFor();
  });

  await t.test('a second admin is logged out of the browser at the change of the role', async () => {
    const { password } = (await berth.json('user', 'add', 'second', '--role', 'admin')) as {
      readonly password: string;
    };
    const context = await window.browser.newContext({ ignoreHTTPSErrors: true });
    const other = await context.newPage();
    await logIn(other, registry, 'second', password);
    await goTo(other, '#/access');
    await window.go('#/access/users');
    await choose(page, 'second', 'Role and repositories…');
    await page.getByRole('button', { name: 'Admin Role' }).click();
    await page.getByRole('option', { name: 'Pull only' }).click();
    await page.getByRole('button', { name: 'Change', exact: true }).click();

    await other.getByText('Your session is over.').waitFor({ timeout: 2000 });
    await context.close();
  });

  await t.test('who changes the own password writes it, and logs in with it again', async () => {
    await choose(page, 'admin', 'Reset password…');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('log in to this window again with the new password').waitFor();
    await dialog.getByRole('textbox', { name: 'New password' }).fill('another-long-password');
    await page.keyboard.press('Enter');
    await page.getByText('Your session is over.').waitFor();
    await logIn(page, registry, 'admin', 'another-long-password');

    await window.go('#/access/users');
    await rowOf(page, 'admin').getByText('(you)').waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
    await checkAccessibility(page);
  });

  await t.test('what was open is closed with the session, and not shown to who logs in next', async () => {
    await page.getByRole('button', { name: 'Add user' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('half-done');
    const { password } = (await berth.json('user', 'passwd', 'admin')) as { readonly password: string };
    await page.getByText('Your session is over.').waitFor();
    // In place: a page that is loaded anew has nothing open.
    await page.getByRole('textbox', { name: 'User' }).fill('admin');
    await page.getByLabel('Password').fill(password);
    await page.keyboard.press('Enter');

    await page.getByRole('navigation', { name: 'Screens' }).waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
    await rowOf(page, 'admin').waitFor();
  });

  await t.test('without a connection the rows stay', async () => {
    await registry.kill('SIGKILL');
    await page.getByText('The connection to the registry is lost').waitFor();

    await rowOf(page, 'ci').waitFor();
    await choose(page, 'ci', 'Disable');
    await page.getByText('The registry does not answer.').waitFor();
    await rowOf(page, 'ci').getByText('Active').waitFor();
  });
});
