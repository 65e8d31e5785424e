import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../support/tools.ts';
import { checkAccessibility, escapeUnfocused, openWindow } from '../support/window.ts';

test('the frame', needs('chromium'), async (t) => {
  await using window = await openWindow({ env: { OTEL_SERVICE_NAME: 'x' } });
  const { page } = window;
  const status = page.getByRole('navigation', { name: 'Screens' });
  const banner = page.getByRole('region', { name: 'State of the registry' });

  await t.test('what has no effect in the configuration is told until it is put away', async () => {
    await banner.getByText('1 key of the configuration has no effect.').waitFor();
    await banner.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('dialog').getByText('OTEL_SERVICE_NAME has no effect').waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
    await banner.getByRole('button', { name: 'Hide until there are others' }).click();

    await banner.waitFor({ state: 'detached' });
    await page.reload();
    await status.getByText('Running').waitFor();
    assert.equal(await banner.count(), 0);
  });

  await t.test('the status block makes the registry read-only, and that is taken back', async () => {
    await status.getByRole('button', { name: /^Running/ }).click();
    assert.equal(await page.getByRole('menuitem', { name: 'Restart the registry' }).count(), 0);
    await page.getByRole('menuitem', { name: 'Read-only: refuse pushes' }).click();
    await status.getByText('Read-only').waitFor();
    await banner.getByText('pushes and deletes are refused').waitFor();
    await assert.rejects(window.push('team/refused', '1', 'x'));

    await page.keyboard.press('Control+z');

    await status.getByText('Running').waitFor();
    await window.push('team/admitted', '1', 'x');
  });

  await t.test('keys ask whether it shall stop, and go back', async () => {
    await window.go('#/logs');
    await window.go('#/storage');
    await page.keyboard.press('>');
    await page.getByRole('alertdialog', { name: 'Stop the registry?' }).waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });

    await page.keyboard.press('Backspace');
    await page.getByRole('heading', { level: 1, name: 'Logs' }).waitFor();
  });

  await t.test('every screen is reached by its keys and its address', async () => {
    for (const [keys, title] of [
      ['gr', 'Repositories'],
      ['ga', 'Activity'],
      ['gs', 'Storage'],
      ['gl', 'Logs'],
      ['gu', 'Access'],
      ['gd', 'Doctor'],
      ['gc', 'System changes'],
      ['gh', 'Home'],
    ] as const) {
      for (const key of keys) await page.keyboard.press(key);
      await page.getByRole('heading', { level: 1, name: title }).waitFor();
    }
    assert.equal(new URL(page.url()).hash, '#/home');
  });

  await t.test('the search of the top bar goes where the key for it goes', async () => {
    const top = page.getByRole('banner', { name: 'Top bar' });
    const isSearching = (label: string) =>
      page.waitForFunction((name) => document.activeElement?.getAttribute('aria-label') === name, label);
    await top.getByRole('button', { name: 'Search' }).press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Repositories' }).waitFor();
    await isSearching('Search repositories');

    await window.go('#/settings');
    await top.getByRole('button', { name: 'Search' }).press('Enter');
    await isSearching('Search settings');
    await page.keyboard.press('Escape');
    await window.go('#/storage');
    await page.keyboard.press('/');
    await isSearching('Search repositories');
    await page.keyboard.press('Escape');
    await top.getByRole('button', { name: /^Connect c/ }).waitFor();
  });

  await t.test('the palette finds a screen', async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('stor');
    await page.keyboard.press('Enter');

    await page.getByRole('heading', { level: 1, name: 'Storage' }).waitFor();
  });

  await t.test('Escape closes a dialog that has lost the focus', async () => {
    await page.keyboard.press('?');
    const dialog = page.getByRole('dialog', { name: 'Keys' });
    await dialog.waitFor();

    await escapeUnfocused(page);

    await dialog.waitFor({ state: 'detached' });
  });

  await t.test('the palette, the cheat sheet and the frame are accessible', async () => {
    await checkAccessibility(page);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog', { name: 'Find' }).waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
  });

  await t.test('a registry that was stopped here is called so, and how it is started', async () => {
    const other = await window.context.newPage();
    await other.goto(`${window.registry.url}/ui/#/storage`);
    await other.getByRole('button', { name: /^Running/ }).waitFor();
    await window.go('#/home');
    const card = page.getByRole('region', { name: 'Registry', exact: true });
    await card.getByRole('button', { name: 'Stop' }).press('Enter');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Stop the registry' }).press('Enter');

    await card.getByText('Stopped', { exact: true }).waitFor();
    await card.getByText('berth up').waitFor();
    await banner
      .getByText('The registry was stopped by admin: nobody can push or pull until berth up')
      .waitFor();
    await banner.getByText(/^Next try in \d+ s$/).waitFor();
    await status.getByRole('button', { name: /^Stopped/ }).waitFor();
    assert.equal(await card.getByRole('button', { name: /^(?:Start|Stop|Restart)$/ }).count(), 0);
    await checkAccessibility(page);
    // Whoever looks at it elsewhere is told the same.
    await other.getByRole('button', { name: /^Stopped/ }).waitFor();
    await other.getByText('The registry was stopped by admin: nobody can push or pull until').waitFor();
  });
});
