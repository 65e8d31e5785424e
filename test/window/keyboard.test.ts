/** Every act of the window, by keys alone: from the page load on, no pointer is moved or pressed. */
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openClient } from '../../registry/cli/client.ts';
import { adminArguments, type AdminMethod } from '../../registry/spec/admin-api.ts';
import { keysOf } from '../support/keys.ts';
import { needs } from '../support/tools.ts';
import { openWindow } from '../support/window.ts';
import { accessActs } from './keyboard/access.ts';
import { contentActs } from './keyboard/content.ts';
import type { KeyboardAct } from './keyboard/desk.ts';
import { firstActs, frameActs, lastActs } from './keyboard/frame.ts';
import { settingsActs } from './keyboard/settings.ts';
import { storageActs } from './keyboard/storage.ts';
import { transferActs } from './keyboard/transfer.ts';

const groups: Readonly<Record<string, readonly KeyboardAct[]>> = {
  'while nothing is stored': firstActs,
  access: accessActs,
  content: contentActs,
  transfer: transferActs,
  storage: storageActs,
  'activity, logs and home': frameActs,
  settings: settingsActs,
  'in the end': lastActs,
};

/** What the window asks outside of its cache without changing or saving anything for a person. */
const looks: ReadonlySet<AdminMethod> = new Set<AdminMethod>([
  'bundles.discard',
  'bundles.inspect',
  // In the app alone, by the button that downloads in a browser.
  'bundles.export',
  'collect.plan',
  'images.raw',
  'layers.files',
  'manifests.plan',
  'rules.simulate',
  'status.get',
  'tags.list',
  'tags.plan',
  'trash.list',
]);

test('every act of the source has one by keys, and every one by keys is in the source', async () => {
  const source = join(import.meta.dirname, '../../renderer');
  const found = new Set<string>();
  for await (const file of glob('**/*.{ts,tsx}', {
    cwd: source,
    exclude: (name) => name.includes('.test.'),
  })) {
    const text = await readFile(join(source, file), 'utf8');
    for (const [, method = ''] of text.matchAll(/\b(?:ask|useAct|call)\(\s*'([a-z]+\.[A-Za-z]+)'/g)) {
      if (Object.hasOwn(adminArguments, method) && !looks.has(method as AdminMethod))
        found.add(`${file} ${method}`);
    }
  }

  const covered = Object.values(groups).flatMap((acts) => acts.flatMap(({ covers }) => covers));
  assert.deepEqual([...new Set(covered)].toSorted(), [...found].toSorted());
});

test('every act is done by keys alone', needs('chromium'), async (t) => {
  await using window = await openWindow({ env: { BERTH_NOTIFICATIONS_PRIVATETARGETS: '[127.0.0.1]' } });
  const { registry, user, context } = window;
  using client = await openClient(registry.dataDir);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const pointers: string[] = [];
  await page.exposeFunction('pointed', (what: string) => void pointers.push(what));
  await page.addInitScript(() => {
    const { pointed } = globalThis as unknown as { readonly pointed: (what: string) => void };
    for (const type of ['pointerdown', 'pointermove', 'touchstart', 'wheel'])
      addEventListener(type, ({ isTrusted }) => isTrusted && pointed(type), { capture: true });
  });
  const keys = keysOf(page);
  const desk = { ...window, page, keys, client };

  await t.test('a login', async () => {
    await context.clearCookies();
    await page.goto(`${registry.url}/ui/`);
    await keys.fill(page.getByLabel('User'), 'admin');
    await keys.fill(page.getByLabel('Password'), user.slice(user.indexOf(':') + 1));
    await keys.press('Enter');
    await page.getByRole('navigation', { name: 'Screens' }).waitFor();
  });

  for (const [group, acts] of Object.entries(groups)) {
    await t.test(group, async (each) => {
      for (const { name, run } of acts)
        await each.test(name, async () => {
          try {
            await run(desk);
          } catch (error) {
            // What it left open is not in the way of the next.
            await page.reload();
            throw error;
          }
          assert.deepEqual(pointers, []);
          await page
            .getByRole('dialog')
            .or(page.getByRole('alertdialog'))
            .first()
            .waitFor({ state: 'detached' });
        });
    });
  }
});
