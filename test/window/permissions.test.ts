/** Who may do what in the window: those who do not get in, those whose right is taken, and what is refused at present. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { openClient } from '../../registry/cli/client.ts';
import { berth } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { askBySocket, checkAccessibility, goTo, openWindow } from '../support/window.ts';

const password = 'a-long-password';
const repository = '#/repositories/team/api';
const image = `${repository}/_/image/1`;
const places = [
  '#/home',
  '#/repositories',
  repository,
  `${repository}/_/untagged`,
  `${repository}/_/history`,
  `${repository}/_/settings`,
  image,
  `${image}/layers`,
  `${image}/history`,
  `${repository}/_/compare/1/2`,
  '#/activity',
  '#/storage',
  '#/storage/cleanup?preview=yes',
  '#/storage/trash',
  '#/storage/rules',
  '#/storage/verify',
  '#/logs',
  '#/access',
  '#/access/tokens',
  '#/access/anonymous',
  '#/doctor',
  '#/changes',
  '#/settings/network',
  '#/settings/certificate',
  '#/settings/webhooks',
  '#/settings/export',
  '#/settings/reset',
];

test(
  'the window lets administrators in, and tells all others why it does not',
  needs('chromium'),
  async (t) => {
    await using window = await openWindow({
      users: {
        dev: { role: 'push', password },
        guest: { role: 'pull', password },
      },
    });
    const { registry, browser } = window;
    await window.push('team/api', '1', 'one');
    using client = await openClient(registry.dataDir);
    const { text: token } = await client.call('tokens.create', {
      owner: 'admin',
      label: 'a machine',
      verbs: ['pull', 'push'],
      repositories: ['**'],
      expiryDays: 7,
    });
    await using context = await browser.newContext({ ignoreHTTPSErrors: true, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(`${registry.url}/ui/#/repositories`);
    const fill = async (user: string, secret: string): Promise<void> => {
      await page.getByLabel('User').fill(user);
      await page.getByLabel('Password').fill(secret);
      await page.keyboard.press('Enter');
    };

    for (const [user, secret, why] of [
      ['dev', password, /The user dev is no administrator.*Ask an administrator/],
      ['guest', password, /The user guest is no administrator.*Ask an administrator/],
      [
        'admin',
        token,
        /A token does not open the control plane. Log in with the password of an administrator/,
      ],
      ['nobody', password, /The user name or password is wrong/],
    ] as const)
      await t.test(
        `${user}${secret === token ? ', with a token,' : ''} is told who may come in`,
        async () => {
          await fill(user, secret);

          await page.getByRole('alert').filter({ hasText: why }).waitFor();
          await page.getByText('Only administrators can log in here.').waitFor();
          await checkAccessibility(page);
        },
      );

    await t.test('nobody is an administrator of some repositories alone', async () => {
      const some = { name: 'dev', role: 'admin' as const, repositories: ['team/**'] };
      await assert.rejects(client.call('users.setRole', some), {
        message: 'The role admin covers every repository.',
      });

      await fill('admin', password);

      await page.getByRole('link', { name: /^team.\s*api$/ }).waitFor();
    });
  },
);

test('a right that is taken', needs('chromium'), async (t) => {
  await using window = await openWindow();
  const { page, registry } = window;
  for (const tag of ['1', '2']) await window.push('team/api', tag, tag);
  await berth(registry.dataDir, 'user', 'add', 'other', '--role', 'admin');
  using client = await openClient(registry.dataDir);
  const headings: Record<string, string> = {};

  for (const place of places)
    await t.test(`while ${place} is open ends the session, says so, and leads back`, async () => {
      await goTo(page, place);
      headings[place] = await headingOf(page);
      if (place === '#/access') await page.getByRole('button', { name: 'Add user' }).press('Enter');

      await client.call('users.setRole', { name: 'admin', role: 'pull' });

      await page.getByText('Your session is over. You are no administrator any more').waitFor();
      assert.equal(await page.getByRole('dialog').or(page.getByRole('navigation')).count(), 0);
      if (place === '#/home') await checkAccessibility(page);
      await client.call('users.setRole', { name: 'admin', role: 'admin' });
      await page.getByLabel('User').fill('admin');
      await page.getByLabel('Password').fill(password);
      await page.keyboard.press('Enter');
      await page.getByRole('navigation', { name: 'Screens' }).waitFor();
      await goTo(page, place);
      assert.equal(await headingOf(page), headings[place]);
      assert.equal(await page.getByRole('dialog').count(), 0);
      assert.equal(await page.getByRole('status', { name: 'Messages' }).textContent(), '');
    });
});

test(
  'a method that is denied says why and what to do, wherever it is asked',
  needs('chromium'),
  async (t) => {
    await using window = await openWindow();
    for (const tag of ['1', '2']) await window.push('team/api', tag, tag);
    const page = await window.context.newPage();
    await askBySocket(page);
    await page.routeWebSocket(/\/api\/rpc$/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => {
        const { kind, id } = JSON.parse(String(message)) as { readonly kind: string; readonly id: number };
        if (kind !== 'call') return server.send(message);
        const error = {
          code: 'DENIED',
          message: 'You may not see this.',
          hint: 'Ask an administrator for it.',
        };
        socket.send(JSON.stringify({ kind: 'error', id, error }));
      });
    });

    for (const place of places.filter((each) => each !== '#/logs'))
      await t.test(place, async () => {
        await page.goto(`${window.registry.url}/ui/${place}`);
        await page.reload();

        const said = page.getByRole('main').getByRole('alert').filter({ hasText: 'You may not see this.' });
        await said.getByText('Ask an administrator for it.').first().waitFor();
      });
  },
);

/** Buttons whose acts a registry that is read-only refuses. */
const writes =
  /^(Import…|Restore|Tag it|Reclaim…|Remove…|Empty…|Run now…|Check some…|Check everything|Go on checking|Push a sample)/;

/** Those that are surely there. */
const there: Readonly<Record<string, readonly string[]>> = {
  '#/repositories': ['Import…'],
  [`${repository}/_/untagged`]: ['Tag it'],
  [`${repository}/_/history`]: ['Restore'],
  '#/storage/trash': ['Restore', 'Empty…'],
  '#/storage/rules': ['Run now…'],
  '#/storage/verify': ['Check some…', 'Check everything'],
};

test('a registry that is read-only', needs('chromium'), async (t) => {
  await using window = await openWindow();
  const { page, registry } = window;
  using client = await openClient(registry.dataDir);
  const main = page.getByRole('main');
  const set = (value: boolean) =>
    client.call('settings.set', { changes: [{ path: 'storage.maintenance.readonly.enabled', value }] });

  await t.test('takes no sample', async () => {
    await set(true);
    await goTo(page, '#/home');
    const sample = main.getByRole('button', { name: 'Push a sample for me' });
    await sample.and(page.locator('[aria-disabled=true]')).waitFor();

    await set(false);

    await sample.and(page.locator(':not([aria-disabled])')).waitFor();
  });

  for (const tag of ['1', '2', 'gone']) await window.push('team/api', tag, tag);
  await window.push('team/api', '2', 'moved');
  await client.call('tags.delete', { repository: 'team/api', tag: 'gone' });

  for (const place of places)
    await t.test(`says so at ${place}, and offers nothing that it refuses`, async () => {
      await set(false);
      await goTo(page, place);
      const offered = main.getByRole('button', { name: writes });
      for (const name of there[place] ?? []) await main.getByRole('button', { name }).first().waitFor();

      await set(true);

      const banner = page.getByRole('region', { name: 'State of the registry' });
      await banner.getByText('The registry is read-only: pushes and deletes are refused.').waitFor();
      await banner.getByRole('link', { name: 'Settings' }).waitFor();
      for (const button of await offered.all())
        assert.ok(await button.isDisabled(), `${place}: ${await button.textContent()}`);
      await checkAccessibility(page);
    });
  for (const { name, place, open, verb } of dialogs)
    await t.test(`says so in a dialog that is open: ${name}`, async () => {
      await set(false);
      await goTo(page, place);
      await open(page);
      const dialog = page.getByRole('dialog').or(page.getByRole('alertdialog'));
      const button = dialog.getByRole('button', { name: verb });
      await button.waitFor();

      await set(true);

      await dialog.getByText('The registry is read-only: see Settings, Storage.').waitFor();
      if ((await button.count()) > 0) assert.ok(await button.isDisabled());
      await checkAccessibility(page);
      await set(false);
      await button.and(page.locator(':not([aria-disabled])')).waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    });
});

interface OpenDialog {
  readonly name: string;
  readonly place: string;
  readonly open: (page: Page) => Promise<void>;
  readonly verb: string | RegExp;
}

const press = async (button: Locator): Promise<void> => {
  await button.waitFor();
  await button.press('Enter');
};

const dialogs: readonly OpenDialog[] = [
  {
    name: 'copying an image',
    place: image,
    async open(page) {
      await page.keyboard.press('C');
      await page.getByRole('textbox', { name: 'Tag' }).fill('more');
    },
    verb: /^Copy$/,
  },
  {
    name: 'adding a tag',
    place: image,
    async open(page) {
      await page.keyboard.press('a');
      await page.getByRole('textbox', { name: 'Tag' }).fill('more');
    },
    verb: 'Add tag',
  },
  {
    name: 'importing',
    place: '#/repositories',
    open: (page) => page.keyboard.press('i'),
    verb: 'Choose a file…',
  },
  {
    name: 'emptying the trash',
    place: '#/storage/trash',
    open: (page) => press(page.getByRole('button', { name: 'Empty…' })),
    verb: /^Delete 1 entry/,
  },
  {
    name: 'running the rules',
    place: '#/storage/rules',
    open: (page) => press(page.getByRole('button', { name: 'Run now…' })),
    verb: /^Delete /,
  },
  {
    name: 'checking some repositories',
    place: '#/storage/verify',
    async open(page) {
      await press(page.getByRole('button', { name: 'Check some…' }));
      await page.getByRole('textbox', { name: 'Repositories' }).fill('team/api');
    },
    verb: /^Check 1/,
  },
];

test('what is fixed where the registry is started', needs('chromium'), async () => {
  await using window = await openWindow({
    env: { REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED: 'true' },
  });
  const { page } = window;
  await page.getByRole('button', { name: /^Read-only/ }).click();

  const item = page.getByRole('menuitem', { name: 'Admit pushes again' });
  await item.getByText('Fixed by REGISTRY_STORAGE_MAINTENANCE_READONLY').waitFor();
  assert.equal(await item.getAttribute('aria-disabled'), 'true');
  await checkAccessibility(page);
  await page.keyboard.press('Escape');
  await goTo(page, '#/settings/storage');
  await page.getByText('Fixed by REGISTRY_STORAGE_MAINTENANCE_READONLY').first().waitFor();
});

function headingOf(page: Page): Promise<string> {
  return page.getByRole('main').getByRole('heading', { level: 1 }).innerText();
}
