/** Settings: the form of the registry, the certificate, webhooks with a real receiver, and the export. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { parse } from 'yaml';
import { berthOn } from '../support/berth.ts';
import { request } from '../support/http.ts';
import { startReceiver } from '../support/receiver.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, openWindow } from '../support/window.ts';

const hostile = '<img src=x onerror=complain(1)>\u202Egnp.\'"';

/** The setting with that title. */
function settingOf(page: Page, title: string): Locator {
  return page.getByRole('main').getByRole('group', { name: title, exact: true });
}

async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? '';
}

test('settings', needs('chromium'), async (t) => {
  await using receiver = await startReceiver();
  await using window = await openWindow({
    env: {
      REGISTRY_TAGS_MAXTAGS: '9',
      BERTH_AUTH_ANONYMOUS: '[public/**]',
      BERTH_NOTIFICATIONS_PRIVATETARGETS: '[127.0.0.1]',
      REGISTRY_HTTP_SECRET: 'hush-hush',
    },
  });
  const { page, registry } = window;
  page.setDefaultTimeout(20_000);
  const berth = berthOn(registry.dataDir);

  await t.test('a live setting is in force at once, and goes back to its default', async () => {
    const push = async () => {
      const path = '/v2/a/blobs/uploads/';
      return (await request(registry.plainUrl, { method: 'POST', path, user: window.user })).status;
    };
    await window.go('#/settings/storage');
    const readOnly = settingOf(page, 'Read-only');
    const toggle = readOnly.getByRole('switch', { name: 'Read-only' });
    assert.equal(await push(), 202);
    await toggle.focus();
    await page.keyboard.press('Space');
    await readOnly.getByText('Saved').waitFor();
    assert.equal(await push(), 405);
    await page.getByText('The registry is read-only').waitFor();

    await readOnly.getByText('Set in the file').waitFor();
    await readOnly.getByRole('button', { name: 'Reset Read-only' }).click();
    await readOnly.getByText('Set in the file').waitFor({ state: 'detached' });
    assert.equal(await toggle.isChecked(), false);
    assert.equal(await push(), 202);
    await checkAccessibility(page);
  });

  await t.test('what does not fit is refused at its field with the words of the registry', async () => {
    const trash = settingOf(page, 'Time in the trash');
    const field = trash.getByRole('textbox', { name: 'Time in the trash' });
    await field.fill('two days');
    await page.keyboard.press('Enter');
    const words = trash.getByText(
      'berth.storage.trash must be a duration with its unit, such as 90s or 1h30m',
    );
    await words.waitFor();
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    assert.equal(await berth.run('config', 'get', 'berth.storage.trash'), '168h0m0s\n');
    await checkAccessibility(page);

    await field.fill('48h');
    await words.waitFor({ state: 'detached' });
    await field.blur();
    await trash.getByText('Saved').waitFor();
    assert.equal(await berth.run('config', 'get', 'berth.storage.trash'), '48h0m0s\n');
    assert.equal(await field.inputValue(), '48h');
    await field.fill('72h');
    await page.keyboard.press('Escape');
    assert.equal(await field.inputValue(), '48h');
  });

  await t.test('maps and lists are written as text, and read by the registry', async () => {
    await window.go('#/settings/network');
    const headers = settingOf(page, 'Response headers');
    const field = headers.getByRole('textbox');
    await field.fill('X-Own: [one]\n X-Broken');
    await page.keyboard.press('Control+Enter');
    await headers.getByText('The value is not YAML.').waitFor();
    await field.fill('X-Own: [one]');
    await page.keyboard.press('Control+Enter');
    await headers.getByText('Saved').waitFor();
    const { headers: answered } = await request(registry.plainUrl, { path: '/v2/' });
    assert.equal(answered['x-own'], 'one');
    assert.equal(await field.inputValue(), '"X-Own": ["one"]');

    const hosts = settingOf(page, 'Further host names');
    await hosts.getByRole('textbox').fill('one.example\ntwo.example');
    await hosts.getByRole('textbox').blur();
    await hosts.getByText('Saved').waitFor();
    assert.equal(await berth.run('config', 'get', 'berth.http.hosts'), '["one.example","two.example"]\n');
    await hosts.getByRole('textbox').fill('');
    await hosts.getByRole('textbox').blur();
    await hosts.getByText('Set in the file').waitFor({ state: 'detached' });
    assert.equal(await berth.run('config', 'get', 'berth.http.hosts'), '[]\n');
  });

  await t.test('what a variable fixes names it, and cannot be changed', async () => {
    await window.go('#/settings?q=tags.maxtags');
    const locked = settingOf(page, 'Tags in one answer');
    await locked.getByText('Fixed by REGISTRY_TAGS_MAXTAGS').waitFor();
    assert.equal(await locked.getByRole('textbox').isDisabled(), true);
    assert.equal(await locked.getByRole('textbox').inputValue(), '9');

    await window.go('#/access/anonymous');
    await page.getByText('BERTH_AUTH_ANONYMOUS').waitFor();
    assert.equal(await page.getByRole('radio', { name: /^Off/ }).isDisabled(), true);
    assert.equal(await page.getByRole('button', { name: 'Save' }).count(), 0);
    await checkAccessibility(page);
  });

  await t.test('secrets are never shown', async () => {
    await window.go('#/settings?q=http.secret');
    const secret = page.getByPlaceholder('Set, and never shown');
    await secret.waitFor();

    assert.deepEqual([await secret.getAttribute('type'), await secret.inputValue()], ['password', '']);
    assert.doesNotMatch(await page.content(), /hush-hush/);
  });

  await t.test('what waits for a restart is collected, with the command', async () => {
    await window.go('#/settings/logs');
    const format = settingOf(page, 'Log format');
    await format.getByRole('button', { name: 'text Log format' }).click();
    await page.getByRole('option', { name: 'json', exact: true }).click();
    const bar = page.getByRole('note').filter({ hasText: '1 setting waits for a restart' });
    await bar.waitFor();
    await format.getByText('Waits for a restart').waitFor();
    assert.match(await textOf(bar), /Log format.*berth restart/);
    await checkAccessibility(page);
    await window.go('#/settings/health');
    const checks = settingOf(page, 'Check the storage').getByRole('switch');
    await checks.focus();
    await page.keyboard.press('Space');
    await page.getByText('2 settings wait for a restart').waitFor();
    await berth.run('config', 'reset', 'health.storagedriver.enabled', 'log.formatter');

    await page.getByText('wait for a restart').waitFor({ state: 'detached' });
  });

  await t.test('settings are found by the palette, and by words', async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('berth.storage.trash');
    await page.getByRole('option', { name: /Time in the trash/ }).waitFor();
    await page.keyboard.press('Enter');
    await settingOf(page, 'Time in the trash').waitFor();
    assert.equal(new URL(page.url()).hash, '#/settings?q=berth.storage.trash');
    await page.reload();
    await settingOf(page, 'Time in the trash').waitFor();
    assert.equal(await settingOf(page, 'Read-only').count(), 0);

    await page.getByRole('searchbox', { name: 'Search settings' }).fill('no such setting');
    await page.getByText('No setting matches').waitFor();
    await checkAccessibility(page);
    await page.getByRole('button', { name: 'Clear the search' }).click();
    await page.getByRole('region', { name: 'Look' }).waitFor();
    assert.equal(
      await page.getByRole('link', { name: 'Desktop' }).count(),
      0,
      'a browser has no desktop app',
    );
  });

  await t.test('the path and the command of a setting are copied', async () => {
    await window.go('#/settings?q=berth.storage.trash');
    await page.getByRole('button', { name: 'Copy command for berth.storage.trash' }).click();
    await page.getByText('Command copied').waitFor();

    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, 'berth config set berth.storage.trash 48h');
  });

  await t.test('what others change appears within a second', async () => {
    await berth.run('config', 'set', 'berth.storage.trash', '24h');
    const field = settingOf(page, 'Time in the trash').getByRole('textbox');
    await page.waitForFunction(
      () =>
        document.querySelector<HTMLInputElement>('[aria-label="Time in the trash"] input')?.value === '24h',
      undefined,
      { timeout: 1000 },
    );
    assert.equal(await field.inputValue(), '24h');
  });

  await t.test('the look is kept in this browser', async () => {
    await window.go('#/settings/look');
    await page.getByRole('button', { name: 'As the system Theme' }).click();
    await page.getByRole('option', { name: 'Dark' }).click();
    await page.getByRole('button', { name: 'Normal Density' }).click();
    await page.getByRole('option', { name: 'Compact' }).click();
    const look = async (): Promise<unknown> =>
      JSON.parse(await page.evaluate(() => JSON.stringify(document.documentElement.dataset)));
    assert.deepEqual(await look(), { theme: 'dark', density: 'compact' });
    await page.reload();
    await page.getByRole('button', { name: 'Dark Theme' }).waitFor();
    assert.deepEqual(await look(), { theme: 'dark', density: 'compact' });

    await page.getByRole('button', { name: 'Seen from now Times' }).click();
    await page.getByRole('option', { name: 'Date and time' }).click();
    await window.go('#/settings/certificate');
    await page
      .getByText(/^\d{4}-\d\d-\d\d \d\d:\d\d$/)
      .first()
      .waitFor();
    await window.go('#/settings/look');

    await page.getByText('Single letters are shortcuts').click();
    await page.keyboard.press('g');
    await page.keyboard.press('h');
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
    await page.getByText('Single letters are shortcuts').click();
    await checkAccessibility(page);
    assert.equal(
      await page.getByRole('link', { name: 'Show set-up again' }).getAttribute('href'),
      '#/home?setup=1',
    );
  });

  await t.test('the certificate is shown, renewed, and its authority saved', async () => {
    await window.go('#/settings/certificate');
    const leaf = page.getByRole('region', { name: 'Certificate', exact: true });
    const fingerprintOf = async () => /[0-9A-F]{2}(?::[0-9A-F]{2}){31}/.exec(await textOf(leaf))?.[0];
    await leaf.getByText('SHA-256').waitFor();
    const before = await fingerprintOf();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download CA' }).click(),
    ]);
    const saved = new X509Certificate(await readFile(await download.path()));
    assert.equal(saved.fingerprint256, new X509Certificate(registry.ca ?? '').fingerprint256);
    await checkAccessibility(page);

    await leaf.getByRole('button', { name: 'Renew' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Renew the certificate?' });
    await dialog.getByText('berth cert renew').waitFor();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Renew' }).click();
    await page.getByText('The certificate is renewed').waitFor();
    await leaf.getByText(before ?? '').waitFor({ state: 'detached' });
    assert.notEqual(await fingerprintOf(), before);
  });

  await t.test('the authority is sealed only with its fingerprint typed', async () => {
    const authority = page.getByRole('region', { name: 'Authority' });
    const fingerprint = new X509Certificate(registry.ca ?? '').fingerprint256;
    await authority.getByRole('button', { name: 'Seal…' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Seal the authority?' });
    const seal = dialog.getByRole('button', { name: 'Destroy 1 key' });
    assert.equal(await seal.isDisabled(), true);
    await dialog.getByRole('textbox').fill(`${fingerprint} `);
    assert.equal(await seal.isDisabled(), true);
    await checkAccessibility(page);
    await dialog.getByRole('textbox').fill(fingerprint);
    await seal.click();

    await authority.getByText('Sealed: it signs nothing any more').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Renew', exact: true }).count(), 0);
  });

  await t.test('a webhook is added, tried, changed and removed', async () => {
    await window.go('#/settings/webhooks');
    await page.getByText('Nobody is told').waitFor();
    await checkAccessibility(page);
    await page.getByRole('button', { name: 'Add webhook' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('ci');
    await dialog.getByRole('textbox', { name: 'Address' }).fill('ftp://ci.example');
    await dialog.getByRole('button', { name: 'Add webhook' }).click();
    await dialog.getByText('Not http:// or https:// with a host, and no login.').waitFor();
    await dialog.getByRole('textbox', { name: 'Address' }).fill('http://10.0.0.1/');
    await dialog.getByRole('button', { name: 'Add webhook' }).click();
    await dialog.getByText('10.0.0.1 is a private address').waitFor();
    await dialog.getByRole('textbox', { name: 'Address' }).fill(`${receiver.url}?key=c4nary`);
    await dialog.getByLabel('Secret').fill('s3cret');
    await dialog.getByRole('textbox', { name: 'Headers' }).fill('X-Key c4nary');
    await dialog.getByRole('button', { name: 'Add webhook' }).click();
    await dialog.getByText('Line 1 is not "Name: value".').waitFor();
    await dialog.getByRole('textbox', { name: 'Headers' }).fill('X-Key: c4nary');
    await dialog.getByText('pull', { exact: true }).click();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Add webhook' }).click();
    await dialog.waitFor({ state: 'detached' });

    const row = page.getByRole('row').filter({ hasText: receiver.url });
    await row.getByText('Working').waitFor();
    const choose = async (act: string): Promise<void> => {
      await row.getByRole('button', { name: 'More for ci' }).click();
      await page.getByRole('menuitem', { name: act }).click();
    };
    await choose('Send a test');
    await row.getByText(/Took it: 200 in \d+ ms/).waitFor();
    const [first] = receiver.received;
    assert.equal(first?.headers['x-key'], 'c4nary');
    assert.match(first?.headers['x-berth-signature-256']?.toString() ?? '', /^sha256=/);
    assert.doesNotMatch(await page.content(), /c4nary|s3cret/);

    await choose('Disable');
    await row.getByText('Disabled').waitFor();
    await page.keyboard.press('Control+z');
    await row.getByText('Working').waitFor();
    await choose('Change…');
    await page.getByText('Sent at present: X-Key.').waitFor();
    await checkAccessibility(page);
    await page.getByText('Remove the secret').click();
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    await choose('Send a test');
    await receiver.until(({ length }) => length === 2);
    const sent = receiver.received[1]?.headers;
    assert.deepEqual([sent?.['x-key'], sent?.['x-berth-signature-256']], ['c4nary', undefined]);

    await choose('Remove…');
    await checkAccessibility(page);
    await page.getByRole('button', { name: 'Remove 1 webhook' }).click();
    await page.getByText('Nobody is told').waitFor();
  });

  await t.test('a receiver that is down is told with its reason, and what waits is given up', async () => {
    await berth.run('webhook', 'add', hostile, 'http://127.0.0.1:1/hook');
    await window.push('a', '1', 'layer');
    const row = page.getByRole('row').filter({ hasText: hostile });
    await row.getByText('Failing').waitFor();
    await row.getByText('3', { exact: true }).waitFor();
    await page.getByRole('note').filter({ hasText: 'nobody listens there' }).waitFor();
    await row.getByRole('button', { name: `More for ${hostile}` }).click();
    await page.getByRole('menuitem', { name: 'Send a test' }).click();
    await page.getByRole('alert').filter({ hasText: 'failed' }).waitFor();
    await checkAccessibility(page);
    await row.getByRole('button', { name: `More for ${hostile}` }).click();
    await page.getByRole('menuitem', { name: 'Give up what waits…' }).click();
    await page.getByRole('button', { name: /Give up 3 events/ }).click();
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    await row.getByText('0', { exact: true }).first().waitFor();

    assert.equal(await page.locator('main img').count(), 0);
  });

  await t.test('what differs from the default is exported without secrets', async () => {
    await window.go('#/settings/export');
    const shown = page.getByRole('group', { name: 'settings', exact: true });
    await shown.getByText('trash: 24h').waitFor();
    const file = await textOf(shown);
    assert.match(file, /^# http\.secret holds secrets/);
    const { tags } = parse(file) as { readonly tags: { readonly maxtags: number } };
    assert.equal(tags.maxtags, 9);
    await page.getByRole('button', { name: 'As a file (YAML) Show' }).click();
    await page.getByRole('option', { name: 'As variables of the environment' }).click();
    await shown.getByText('REGISTRY_TAGS_MAXTAGS=9').waitFor();
    await page.getByText('berth config export --env').waitFor();
    await checkAccessibility(page);

    assert.doesNotMatch(await textOf(shown), /hush-hush/);
  });

  await t.test('the engines of the computer stand in the settings, too', async () => {
    await window.go('#/settings/engines');

    await page.getByRole('region', { name: 'Engines on the computer of the registry' }).waitFor();
    await checkAccessibility(page);
  });

  await t.test('all that stands in the file is reset at once, after its list was shown', async () => {
    await window.go('#/settings/reset');
    await page.getByText('berth uninstall').waitFor();
    await page.getByRole('button', { name: /^Reset \d+ settings…$/ }).click();
    const dialog = page.getByRole('alertdialog');
    await dialog.getByText('berth.storage.trash', { exact: true }).waitFor();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: /^Reset \d+ settings$/ }).click();

    await page.getByText('Every setting of the file is at its default.').waitFor();
    assert.doesNotMatch(await berth.run('config', 'export'), /trash/);
    await checkAccessibility(page);
  });

  await t.test('without a connection the settings stay, and a change says why it is none', async () => {
    await window.go('#/settings/storage');
    await settingOf(page, 'Read-only').waitFor();
    await registry.kill('SIGKILL');
    await page.getByText('The connection to the registry is lost').waitFor();
    const readOnly = settingOf(page, 'Read-only');
    await readOnly.getByRole('switch').focus();
    await page.keyboard.press('Space');

    await readOnly.getByText('The registry does not answer.').waitFor();
  });
});
