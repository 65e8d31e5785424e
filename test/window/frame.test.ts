import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../support/tools.ts';
import { checkAccessibility, openWindow } from '../support/window.ts';

test('the frame', needs('chromium'), async (t) => {
  await using window = await openWindow();
  const { page } = window;

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

  await t.test('the palette finds a screen', async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('stor');
    await page.keyboard.press('Enter');

    await page.getByRole('heading', { level: 1, name: 'Storage' }).waitFor();
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
});
