import assert from 'node:assert/strict';
import type { KeyboardAct } from './desk.ts';

export const transferActs: readonly KeyboardAct[] = [
  {
    name: 'a repository is saved as a file, and brought in below another name',
    covers: [
      'pages/transfer/export-dialog.tsx bundles.download',
      'pages/transfer/import-dialog.tsx bundles.import',
    ],
    async run({ page, keys, client, push }) {
      const digest = await push('keys/exported', '1', 'exported');
      await keys.screen('g', 'r');
      await keys.row('Repositories', 'keys/exported');
      await keys.press('e');
      const saved = page.waitForEvent('download');
      const dialog = page.getByRole('dialog', { name: 'Export keys/exported' });
      await keys.use(dialog.getByRole('button', { name: 'Download' }));
      const file = await (await saved).path();
      await dialog.waitFor({ state: 'detached' });

      await keys.screen('g', 'r');
      await keys.press('i');
      const chooser = page.waitForEvent('filechooser');
      await keys.use(page.getByRole('dialog').getByRole('button', { name: /^Choose/ }));
      // The dialog of the system is the system's.
      await (await chooser).setFiles(file);
      await keys.fill(page.getByRole('textbox', { name: 'Put below' }), 'mirror');
      await keys.use(page.getByRole('button', { name: 'Import 1 image' }));
      await page.getByRole('button', { name: 'Done' }).waitFor();
      const { rows } = await client.call('tags.list', { repository: 'mirror/keys/exported' });
      assert.deepEqual(
        rows.map((row) => [row.tag, row.digest]),
        [['1', digest]],
      );
      await keys.use(page.getByRole('button', { name: 'Done' }));
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    },
  },
];
