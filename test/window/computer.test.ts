/** The screens on the computer of the registry: doctor, changes, and how clients connect. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { berthOn } from '../support/berth.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, openWindow } from '../support/window.ts';

test('the computer of the registry', needs('chromium', 'podman'), async (t) => {
  await using window = await openWindow({ listen: 'localhost:0' });
  const { page, registry } = window;

  await t.test('the doctor says what it found, and what mends it', async () => {
    await window.go('#/doctor');

    await page.getByText('A small image was pushed, pulled and deleted again.').waitFor();
    const podman = page.getByRole('region', { name: /^Podman/ });
    await podman.getByText('Fail').first().waitFor();
    await podman.getByText('berth trust add podman').waitFor();
    await checkAccessibility(page);
  });

  await t.test('a muted check no longer counts, also after a reload', async () => {
    const before = await page.getByText(/^\d+ problems?$/).textContent();

    await page.getByRole('button', { name: /^Mute/ }).first().click();

    await page.getByText(/, 1 muted$/).waitFor();
    await page.reload();
    await page.getByText(/, 1 muted$/).waitFor();
    assert.match(before ?? '', /^\d+ problems?$/);
    await page.getByRole('button', { name: /^Unmute/ }).click();
    await page.getByText(before ?? '', { exact: true }).waitFor();
  });

  await t.test('without a change, the list says what it is for', async () => {
    await window.go('#/changes');

    await page.getByRole('heading', { name: 'Berth has changed nothing on this computer' }).waitFor();
    await checkAccessibility(page);
  });

  await t.test(
    'a change that the command line made is shown with its difference and the way back',
    async () => {
      const berth = berthOn(registry.dataDir, { HOME: registry.dataDir });
      await berth.agree('trust', 'add', 'podman');
      await page.reload();

      const row = page.getByRole('row').filter({ hasText: 'Podman' });
      await row.getByText('In place').waitFor();
      await row.focus();
      await page.keyboard.press('Enter');

      const dialog = page.getByRole('dialog');
      await dialog.getByText('What is there is what was put there.').waitFor();
      await dialog.getByText('berth changes undo c1').waitFor();
      await checkAccessibility(page);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      // Root's folder of certificates is the computer's.
      await berth.run('changes', 'undo', 'c1');
    },
  );

  await t.test('the snippets of a client are those of the command line', async () => {
    const berth = berthOn(registry.dataDir, { HOME: registry.dataDir });
    const expected = (await berth.json(
      'connect',
      'skopeo',
      '--user',
      'admin',
      '--image',
      'team/web:1',
    )) as readonly {
      readonly text: string;
    }[];
    await window.go('#/repositories/team/web');

    await page.keyboard.press('c');
    const dialog = page.getByRole('dialog', { name: 'Connect a client' });
    await dialog.getByRole('tab', { name: 'skopeo, crane' }).click();
    const shown = await dialog
      .getByRole('region', { name: /^skopeo/ })
      .locator('pre')
      .allTextContents();

    assert.deepEqual(
      shown,
      expected.map(({ text }) => text.trimEnd()),
    );
    await checkAccessibility(page);
  });

  await t.test('the certificate of the authority can be saved', async () => {
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Certificate of the authority' }).click();
    const saved = await readFile(await (await saving).path(), 'utf8');

    assert.equal(saved, registry.ca);
    await page.keyboard.press('Escape');
  });
});
