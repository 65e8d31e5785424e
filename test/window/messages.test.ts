/** Messages beside dialogs: they cover none of their buttons, and what is done in them is not done to the dialog. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { openClient } from '../../registry/cli/client.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, goTo, openWindow } from '../support/window.ts';

const repository = '#/repositories/team/api';
const dialogs: readonly (readonly [kind: string, place: string, open: (page: Page) => Promise<void>])[] = [
  ['a small form', '#/access', (page) => page.getByRole('button', { name: 'Add user' }).press('Enter')],
  ['a large dialog', '#/repositories', (page) => page.keyboard.press('i')],
  ['a list to choose from', `${repository}/_/image/1`, (page) => page.keyboard.press('m')],
  [
    'a question',
    '#/repositories',
    (page) => page.getByRole('row').filter({ hasText: 'api' }).first().press('Delete'),
  ],
  ['the drawer', '#/repositories', (page) => page.keyboard.press('c')],
  ['the palette', '#/repositories', (page) => page.keyboard.press('Control+k')],
  ['the keys', '#/repositories', (page) => page.keyboard.press('?')],
];

test('messages cover no button of a dialog', needs('chromium'), async (t) => {
  await using window = await openWindow();
  const { page, registry } = window;
  for (const tag of ['1', '2']) await window.push('team/api', tag, tag);
  using client = await openClient(registry.dataDir);
  await client.call('repositories.set', { repository: 'team/api', isReadOnly: true });
  const messages = page.getByRole('status', { name: 'Messages' });
  const close = messages.getByRole('button', { name: 'Close message' });

  for (const [size, width, height] of [
    ['880 pixels wide', 880, 560],
    ['zoomed to 200 %', 440, 280],
  ] as const)
    for (const [kind, place, open] of dialogs)
      await t.test(`${kind}, ${size}`, async () => {
        await page.setViewportSize({ width: 1120, height: 720 });
        await goTo(page, repository);
        for (let count = 1; count <= 2; count += 1) {
          await page.locator('[data-row]').first().press('Delete');
          await close.nth(count - 1).waitFor();
        }
        await goTo(page, place);
        await page.setViewportSize({ width, height });
        await open(page);
        const dialog = page.getByRole('dialog').or(page.getByRole('alertdialog'));
        await dialog.waitFor();

        const taken = await boxOf(messages);
        const ends = dialog.locator(':scope > header button, :scope > footer button');
        for (const button of await ends.all()) {
          const box = await boxOf(button);
          const name = (await button.textContent()) || (await button.getAttribute('aria-label'));
          assert.ok(box.bottom <= taken.top, `${name} ends at ${box.bottom}, messages begin at ${taken.top}`);
          assert.ok(box.top >= 0 && box.right <= width, `${name} is in view`);
        }
        if (kind === 'the drawer') await checkAccessibility(page);

        // By a real press, which goes to what is on top.
        await close.last().click();
        await close.nth(1).waitFor({ state: 'detached' });
        await close.click();
        await close.waitFor({ state: 'detached' });
        assert.equal(await dialog.count(), 1);
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached' });
      });
});

async function boxOf(element: Locator) {
  return await element.evaluate((found) => {
    const { top, bottom, left, right } = found.getBoundingClientRect();
    return { top, bottom, left, right };
  });
}
