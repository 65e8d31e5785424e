/**
 * Changes of the computer from the window: the page asks through the bridge that the desktop gives it, and behind it are the
 * real methods of the shell, with a home directory of their own.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { thisHost } from '../../main/engine/host.ts';
import { createConsentMethods } from '../../main/consent/consent-methods.ts';
import { createSetupMethods } from '../../main/setup/setup-methods.ts';
import { createSystemMethods } from '../../main/system-methods.ts';
import { createShell } from '../../main/shell.ts';
import { openClient } from '../../registry/cli/client.ts';
import { needs, searchPath } from '../support/tools.ts';
import { checkAccessibility, escapeUnfocused, goTo, openWindow, takePicture } from '../support/window.ts';

test('consent', needs('chromium', 'podman', 'root'), async (t) => {
  await using window = await openWindow({ listen: 'localhost:0' });
  const { context, registry } = window;
  const home = registry.dataDir;
  const client = await openClient(registry.dataDir);
  const noChange = (): never => assert.fail('that is no change of the computer');
  const shell = createShell({
    // The window asks for what the app was opened with.
    'files.pickBundles': async ({ from }) => (from === 'given' ? [] : noChange()),
    'files.chooseTarget': noChange,
    'files.reveal': noChange,
    ...createSystemMethods({
      platform: 'linux',
      hasTray: () => true,
      isTrayShown: async () => false,
      isKeychainSafe: async () => false,
    }),
    ...createSetupMethods({
      host: thisHost({ HOME: home, PATH: searchPath }),
      root: () => registry.dataDir,
      client: () => client,
      passwords: {
        find: async () => undefined,
        reveal: noChange,
        copy: noChange,
        forget: noChange,
        take: noChange,
      },
      preferences: () => ({ isSetUp: true, mayListImages: false }),
      setSetUp: noChange,
    }),
    ...createConsentMethods({
      host: thisHost({ HOME: home, PATH: searchPath }),
      root: () => registry.dataDir,
      by: 'tester',
      client: () => client,
      helperCommand: [
        process.execPath,
        join(import.meta.dirname, '../../main/engine/login/docker-credential-berth.ts'),
      ],
    }),
  });
  await context.exposeFunction('askShell', shell);
  await context.addInitScript(() => {
    const page = globalThis as unknown as { readonly askShell: unknown; berthShell?: object };
    page.berthShell = { invoke: page.askShell };
  });
  const page = await context.newPage();
  await page.goto(`${registry.url}/ui/#/doctor`);
  // That of root, who runs the tests; the port is new each time.
  const folder = `/etc/containers/certs.d/localhost:${registry.port}`;
  const file = join(folder, 'berth.crt');
  // Root's helper of logins is where all users find it, so that it must not stay.
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(async () => {
    for (const { id } of (await client.call('changes.list', {})).toReversed())
      await shell('changes.undo', { id });
    client.close();
    await rm(folder, { recursive: true, force: true });
  });
  const certificate = (): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined);
  const engines = page.getByRole('grid', { name: 'Engines' });
  const podman = engines.getByRole('row').filter({ hasText: /^Podman/ });
  const sheet = page.getByRole('alertdialog');

  await t.test('a page without a shell offers no change', async () => {
    await window.go('#/doctor');
    await window.page.getByRole('grid', { name: 'Engines' }).waitFor();

    assert.equal(await window.page.getByRole('button', { name: /^Trust/ }).count(), 0);
  });

  await t.test('the doctor tells what the desktop lacks, and a browser nothing of it', async () => {
    const system = page.getByRole('region', { name: 'System' });
    await system.getByText('This desktop shows no icons of a tray').waitFor();
    await system.getByText('The storage of secrets is basic_text.').waitFor();
    await system.getByText(/registry listens on port 5000/).waitFor();
    await checkAccessibility(page);
    assert.equal(await window.page.getByText('This desktop shows no icons').count(), 0);
  });

  await t.test('a sheet says what would be written where, and a no changes nothing', async () => {
    await podman.getByRole('button', { name: /^Trust: Podman/ }).click();

    await sheet.getByText(file).first().waitFor();
    await sheet.getByText('x509: certificate signed by unknown authority').waitFor();
    await sheet.getByText('berth trust add podman').waitFor();
    const ways = sheet.getByRole('radiogroup', { name: 'How' });
    await ways.getByRole('radio', { name: /^Only this registry.* Not trusted/ }).waitFor();
    await ways.getByRole('radio', { name: /^This whole computer.* Not trusted/ }).waitFor();
    assert.equal(await ways.getByText('The browsers of this user').count(), 0);
    const { leaf, authority } = await client.call('certificate.get', {});
    await sheet.getByText(authority?.fingerprint ?? leaf.fingerprint).waitFor();
    await checkAccessibility(page);
    for (const theme of ['dark', 'light']) {
      await page.evaluate((name) => {
        document.documentElement.dataset['theme'] = name;
      }, theme);
      await takePicture(page, `consent-${theme}`);
    }
    assert.equal(
      await sheet.getByRole('button', { name: 'Not now' }).evaluate((one) => one === document.activeElement),
      true,
    );
    await page.keyboard.press('Enter');
    await sheet.waitFor({ state: 'detached' });
    assert.equal(await certificate(), undefined);
  });

  await t.test('the databases of browsers are a way of their own, where there are some', async () => {
    const browser = join(home, '.pki/nssdb');
    await mkdir(browser, { recursive: true });
    await writeFile(join(browser, 'cert9.db'), '');
    await podman.getByRole('button', { name: /^Trust: Podman/ }).click();

    await sheet.getByRole('radio', { name: /^The browsers of this user/ }).waitFor();
    await sheet.getByText('The browsers of this user').click();

    await sheet
      .getByText(/^(the NSS database .*nssdb|The databases of the browsers are changed by .*)$/)
      .waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
    await rm(browser, { recursive: true });
  });

  await t.test('a check of the doctor and the drawer ask the same', async () => {
    const checks = page.getByRole('region', { name: /^Podman/ });
    await checks
      .getByRole('button', { name: /^Trust in Podman/ })
      .first()
      .click();
    await sheet.getByText(file).first().waitFor();
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    await page.keyboard.press('c');
    const drawer = page.getByRole('dialog', { name: 'Connect a client' });
    await drawer.getByRole('tab', { name: 'Podman' }).click();
    await drawer.getByText(`localhost:${registry.port}`, { exact: true }).last().waitFor();
    await checkAccessibility(page);
    await drawer.getByRole('button', { name: /^Trust: Podman/ }).click();
    await sheet.getByText(file).first().waitFor();
    await sheet.getByText('Do not verify').waitFor({ state: 'detached' });
    await sheet
      .getByText(/localhost.*127\.0\.0\.0/)
      .first()
      .waitFor();
    await escapeUnfocused(page);
    await sheet.waitFor({ state: 'detached' });
    assert.ok(await drawer.isVisible());
    await escapeUnfocused(page);
    await drawer.waitFor({ state: 'detached' });
    assert.equal(await certificate(), undefined);
  });

  await t.test('what has changed meanwhile is shown anew instead of done', async () => {
    await podman.getByRole('button', { name: /^Trust: Podman/ }).click();
    await sheet.getByText(file).first().waitFor();
    await mkdir(folder, { recursive: true });
    await writeFile(file, 'something else\n');

    await sheet.getByRole('button', { name: 'Allow' }).click();

    await sheet.getByText('This is how it is now').waitFor();
    assert.equal(await certificate(), 'something else\n');
  });

  await t.test('an agreement is carried out, proved, and listed', async () => {
    await sheet.getByRole('button', { name: 'Allow' }).click();

    await sheet.getByText(/and it works/).waitFor();
    await checkAccessibility(page);
    assert.equal(await certificate(), registry.ca);
    await sheet.getByRole('button', { name: 'Close' }).last().click();
    await podman.getByText('Ready', { exact: true }).waitFor();
  });

  await t.test('a login is kept, with a token of its own', async () => {
    await podman.getByRole('button', { name: 'Log in' }).click();
    await sheet.getByRole('button', { name: 'Allow' }).click();

    await sheet.getByText('admin is logged in').waitFor();
    await sheet.getByRole('button', { name: 'Close' }).last().click();
    const { rows } = await client.call('tokens.list', {});
    assert.deepEqual(
      rows.map(({ owner, label }) => [owner, label.replace(/ on .*/, '')]),
      [['admin', 'berth login']],
    );
  });

  await t.test('a user who was just added is logged in in an engine', async () => {
    await goTo(page, '#/access/users');
    await page.getByRole('button', { name: 'Add user' }).click();
    await page.getByLabel('Name').fill('carol');
    await page.getByRole('dialog').getByRole('button', { name: 'Add user' }).click();
    const shown = page.getByRole('dialog', { name: 'Password of carol' });
    await shown.getByRole('button', { name: /^Log in Podman/ }).click();
    await sheet.getByText('berth login --engine podman --user carol').waitFor();
    await sheet.getByRole('button', { name: 'Allow' }).click();

    await sheet.getByText('carol is logged in').waitFor();
    await sheet.getByRole('button', { name: 'Close' }).last().click();
    await checkAccessibility(page);
    await shown.getByRole('button', { name: 'Done' }).click();
    const { rows } = await client.call('tokens.list', {});
    assert.deepEqual(
      rows.map(({ owner, label }) => [owner, label.replace(/ on .*/, '')]),
      [['carol', 'berth login']],
    );
    await shell('login.plan', { engine: 'podman' });
  });

  await t.test('so is one whose password was written', async () => {
    await page.getByRole('button', { name: 'Add user' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('dave');
    await dialog.getByRole('button', { name: 'Make one, and show it once Password' }).click();
    await page.getByRole('option', { name: 'Write one' }).click();
    await dialog.getByLabel('New password').fill('long enough');
    await dialog.getByRole('button', { name: 'Add user' }).click();

    const added = page.getByRole('dialog', { name: 'Added dave' });
    assert.equal(await added.getByText('long enough').count(), 0);
    await added.getByRole('button', { name: /^Log in Podman/ }).click();
    await sheet.getByText('berth login --engine podman --user dave').waitFor();
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    await checkAccessibility(page);
    await added.getByRole('button', { name: 'Done' }).click();
    await goTo(page, '#/doctor');
  });

  await t.test('an engine is tested from its own side', async () => {
    await podman.getByRole('button', { name: /^Test: / }).click();

    const dialog = page.getByRole('dialog', { name: /^Test of Podman/ });
    await dialog.getByText('It can push and pull.').waitFor();
    assert.deepEqual(
      await dialog
        .getByRole('listitem')
        .getByRole('img')
        .evaluateAll((all) => all.map((each) => each.getAttribute('aria-label'))),
      ['Yes', 'Yes', 'Yes', 'Yes', 'Yes'],
    );
    await dialog.getByText('Pushed and pulled a tiny image').waitFor();
    const { rows } = await client.call('repositories.list', { q: 'berth/doctor' });
    assert.deepEqual(rows, []);
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
  });

  await t.test('a change is undone to what was there before', async () => {
    await goTo(page, '#/changes');
    await page.getByRole('row').filter({ hasText: 'certs.d' }).getByRole('button').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Undo' }).click();

    await page.getByRole('dialog').getByText('Undone').waitFor();
    assert.equal(await certificate(), 'something else\n');
    await page.keyboard.press('Escape');
  });

  await t.test('all that is left is undone at once', async () => {
    const standing = (await client.call('changes.list', {})).filter(
      ({ state }) => state !== 'undone' && state !== 'rolled back',
    );
    assert.ok(standing.length > 0);
    await page.getByRole('button', { name: 'Undo all…' }).click();
    await sheet.getByText(standing[0]?.where ?? '').waitFor();
    await checkAccessibility(page);
    await sheet.getByRole('button', { name: /^Undo \d+ changes?$/ }).click();

    await page.getByRole('button', { name: 'Undo all…' }).waitFor({ state: 'detached' });
    const left = (await client.call('changes.list', {})).filter(({ state }) => state === 'in place');
    assert.deepEqual(left, []);
  });

  await t.test('an uninstall takes back changes and logins, and says what stays', async () => {
    const agree = async (plan: string, apply: string): Promise<void> => {
      const planned = await shell(plan, { engine: 'podman' });
      const { hash } = ('ok' in planned ? planned.ok : {}) as { readonly hash: string };
      assert.ok('ok' in (await shell(apply, { engine: 'podman', hash })));
    };
    await agree('trust.plan', 'trust.apply');
    await agree('login.plan', 'login.apply');
    assert.equal(await certificate(), registry.ca);
    await page.reload();
    await goTo(page, '#/settings/reset');
    await writeFile(file, 'edited by somebody else\n');
    await page.getByRole('button', { name: /^Take back \d+ things…$/ }).click();
    await sheet.getByText('berth uninstall').waitFor();
    await sheet.getByRole('button', { name: /^Take back \d+ things$/ }).click();

    const left = page.getByRole('dialog', { name: '1 thing left' });
    await left.getByText(`Somebody else edited ${file}: it holds something else now.`).waitFor();
    await left.getByText(new RegExp(`^cp \\S+\\.before ${file}$`)).waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
    await left.waitFor({ state: 'detached' });
    assert.equal(await certificate(), 'edited by somebody else\n');
    assert.deepEqual(await shell('logins.list', {}), { ok: [] });
    await writeFile(file, registry.ca ?? '');
    await agree('login.plan', 'login.apply');
    await page.reload();
    await page.getByRole('button', { name: /^Take back \d+ things…$/ }).click();
    await sheet.getByText(/^Podman.*: trust the registry/).waitFor();
    await sheet.getByText(/^The login of admin at localhost:\d+, with its token$/).waitFor();
    await checkAccessibility(page);
    await sheet.getByRole('button', { name: /^Take back \d+ things$/ }).click();

    await page.getByText('Nothing of Berth is left outside of its own files').waitFor();
    await checkAccessibility(page);
    assert.equal(await certificate(), 'something else\n');
    assert.deepEqual((await client.call('tokens.list', {})).rows, []);
    assert.deepEqual(await shell('logins.list', {}), { ok: [] });
  });

  await t.test('what a page must not say is refused', async () => {
    const refused = await Promise.all([
      shell('files.read', {}),
      shell('toString', {}),
      shell('trust.apply', { engine: 'podman', hash: 'x', more: 1 }),
      shell('trust.plan', { engine: 'nothing' }),
      shell('trust.apply', { engine: 'podman', hash: '0123456789abcdef' }),
    ]);

    assert.deepEqual(
      refused.map((reply) => ('error' in reply ? reply.error.code : 'ok')),
      ['USAGE', 'USAGE', 'USAGE', 'ENGINE_UNKNOWN', 'CONSENT_NEEDED'],
    );
  });
});
