/** Coming in, staying, losing the connection, and going out. */
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pushImage } from '../support/push.ts';
import { berth, startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, goTo, logIn, openWindow } from '../support/window.ts';

test('the login', needs('chromium'), async (t) => {
  await using window = await openWindow({ users: { dev: { role: 'push', password: 'another-password' } } });
  const { context, registry } = window;
  const fresh = await window.browser.newContext({ ignoreHTTPSErrors: true, reducedMotion: 'reduce' });
  t.after(() => fresh.close());
  const page = await fresh.newPage();
  const fill = async (user: string, password: string): Promise<void> => {
    await page.getByLabel('User').fill(user);
    await page.getByLabel('Password').fill(password);
    await page.keyboard.press('Enter');
  };

  await t.test('is all there is without a session, and is accessible', async () => {
    await page.goto(`${registry.url}/ui/#/storage`);

    await page.getByRole('heading', { name: 'Log in to Berth' }).waitFor();
    assert.equal(await page.getByRole('navigation').count(), 0);
    await checkAccessibility(page);
  });

  await t.test('says what was wrong, and who may come in', async () => {
    await fill('admin', 'wrong');
    await page.getByRole('alert').getByText('The user name or password is wrong.').waitFor();
    await fill('dev', 'another-password');
    await page.getByRole('alert').getByText('The user dev is no administrator').waitFor();
    assert.equal(await page.getByLabel('Password').inputValue(), '');
  });

  await t.test('leads to where one wanted to go', async () => {
    await fill('admin', 'a-long-password');

    await page.getByRole('heading', { level: 1, name: 'Storage' }).waitFor();
  });

  await t.test(
    'is asked for again when the role is taken away, at once, and then goes on in the same place',
    async () => {
      const { page: mine } = window;
      await window.go('#/logs');
      await berth(registry.dataDir, 'user', 'add', 'other', '--role', 'admin');

      await berth(registry.dataDir, 'user', 'role', 'admin', 'pull');

      await mine.getByText('Your session is over.').waitFor();
      await page.getByText('Your session is over.').waitFor();
      await berth(registry.dataDir, 'user', 'role', 'admin', 'admin');
      await mine.getByLabel('User').fill('admin');
      await mine.getByLabel('Password').fill('a-long-password');
      await mine.keyboard.press('Enter');
      await mine.getByRole('heading', { level: 1, name: 'Logs' }).waitFor();
    },
  );

  await t.test('can be left, in every tab', async () => {
    const tab = await context.newPage();
    await tab.goto(`${registry.url}/ui/`);
    await tab.getByRole('navigation', { name: 'Screens' }).waitFor();

    await window.page.getByRole('button', { name: /^Running/ }).click();
    await window.page.getByRole('menuitem', { name: 'Log out' }).click();

    await window.page.getByRole('heading', { name: 'Log in to Berth' }).waitFor();
    await tab.getByRole('heading', { name: 'Log in to Berth' }).waitFor();
  });

  await t.test('lets nobody guess', async () => {
    await page.goto(`${registry.url}/ui/`);
    const alert = page.getByRole('alert');
    for (
      let tries = 0;
      tries < 12 && !/too many/i.test((await alert.textContent({ timeout: 1 }).catch(() => '')) ?? '');
      tries++
    ) {
      const answered = page.waitForResponse((response) => response.url().endsWith('/api/login'));
      await fill('admin', `guess ${tries}`);
      await answered;
      await alert.waitFor();
    }

    assert.match((await alert.textContent()) ?? '', /too many/i);
  });
});

test('a lost connection', needs('chromium'), async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-window-'));
  await using window = await openWindow({ dataDir: directory.path });
  const { page, registry } = window;
  await window.push('team/api', '1', 'first');
  await goTo(page, '#/repositories');
  await page.getByRole('link', { name: /^team.\s*api$/ }).waitFor();

  await t.test('is said, and what was known stays', async () => {
    await registry.kill('SIGKILL');

    await page.getByText('The connection to the registry is lost').waitFor();
    await page.getByRole('link', { name: /^team.\s*api$/ }).waitFor();
    await checkAccessibility(page);
  });

  await t.test('is mended by itself, and brings what has happened meanwhile', async () => {
    await using again = await startRegistry({
      auth: 'htpasswd',
      dataDir: directory.path,
      listen: `127.0.0.1:${registry.port}`,
      env: { BERTH_WEB_ENABLED: 'true' },
    });
    await pushImage({ plainUrl: again.plainUrl, user: window.user }, 'team/web', '1', 'second');

    // Sessions end with the process.
    await page.getByText('Your session is over.').waitFor();
    await logIn(page, again, 'admin', 'a-long-password');

    await goTo(page, '#/repositories');
    await page.getByRole('link', { name: /^team.\s*web$/ }).waitFor();
    assert.equal(await page.getByText('The connection to the registry is lost').count(), 0);
  });
});

test('back, forward, a link and a reload lead to the same place', needs('chromium'), async () => {
  await using window = await openWindow();
  const { page } = window;
  for (const layer of ['a', 'b']) await window.push('team/api', layer, layer);
  await window.push('team/web', 'c', 'c');
  await goTo(page, '#/repositories');

  await page.keyboard.press('/');
  await page.keyboard.type('api');
  await page.getByRole('link', { name: /^team.\s*web$/ }).waitFor({ state: 'detached' });
  await page.keyboard.press('Tab');
  await page.getByRole('link', { name: /^team.\s*api$/ }).click();
  await page.getByRole('heading', { level: 1, name: /^team.\s*api$/ }).waitFor();
  await page.goBack();

  await page.getByRole('link', { name: /^team.\s*api$/ }).waitFor();
  assert.equal(await page.getByRole('searchbox').inputValue(), 'api');
  await page.goForward();
  await page.getByRole('heading', { level: 1, name: /^team.\s*api$/ }).waitFor();
  await page.goBack();
  await page.reload();
  await page.getByRole('link', { name: /^team.\s*api$/ }).waitFor();
  assert.equal(await page.getByRole('link', { name: /^team.\s*web$/ }).count(), 0);
  await page.goto(`${window.registry.url}/ui/#/nowhere`);
  await page.getByRole('heading', { name: 'There is no such screen' }).waitFor();
});
