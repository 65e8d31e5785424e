import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pushInto } from '../support/content.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, openWindow } from '../support/window.ts';
import { file, hostile, layerOf, noise, pushVersion } from './image-content.ts';

test('two images beside each other', needs('chromium'), async (t) => {
  await using window = await openWindow({ env: { REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMS: 'none' } });
  const { page, registry, user } = window;
  const api = pushInto({ plainUrl: registry.plainUrl, user }, 'team/api');
  await pushVersion(api, '1.3.0');
  const newest = await pushVersion(api, '1.4.0');
  const base = layerOf(file('base', noise('base', 40_000)));
  const evil = (tag: string, value: string) =>
    api.image(
      {
        layers: [base, layerOf(file(tag, noise(tag, 1000 * value.length)))],
        config: {
          os: 'linux',
          config: { Env: [`API_TOKEN=${value}`, `E=${value}`], Labels: { [hostile.markup]: value } },
          history: [{ created_by: 'ADD base' }, { created_by: `RUN ${hostile.markup}` }],
        },
      },
      tag,
    );
  await evil('evil-a', hostile.control);
  await evil('evil-b', hostile.markup);
  const at = '#/repositories/team/api/_/compare/1.3.0/1.4.0';
  const tableRows = async (name: string): Promise<readonly string[]> =>
    (await page.getByRole('table', { name }).getByRole('row').allTextContents()).slice(1);

  await t.test('layers, sizes, variables, labels and config are told', async () => {
    await window.go(at);
    await page.getByText('3 layers, 3.32MB').waitFor();

    assert.deepEqual(
      (await page.getByRole('grid', { name: 'Layers' }).getByRole('row').allTextContents()).map(
        (text) => /^(?:only A|only B|both)/.exec(text)?.[0],
      ),
      [undefined, 'only A', 'only B', 'both', 'both', 'both'],
    );
    assert.deepEqual(await tableRows('Environment'), [
      'APP_VERSION1.3.01.4.0',
      'DATABASE_PASSWORD••••••••••••••••',
    ]);
    assert.equal((await tableRows('Labels')).length, 2);
    await page.getByText('berth compare team/api:1.3.0 1.4.0').waitFor();
    await checkAccessibility(page);
  });

  await t.test('masked values are revealed, and hidden again', async () => {
    await page.getByRole('button', { name: /^Reveal 1 value/ }).click();
    await page.getByText('hunter-1.3.0').waitFor();

    await page.getByRole('button', { name: /^Hide 1 value/ }).click();

    await page.getByText('hunter-1.3.0').waitFor({ state: 'detached' });
  });

  await t.test('sides are swapped and chosen by keys, and the platform stays', async () => {
    await window.go(`${at}?platform=linux%2Farm64`);
    await page.getByRole('button', { name: 'Swap sides' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash.includes('/compare/1.4.0/1.3.0?platform=linux%2Farm64'));
    await page.getByRole('region', { name: 'Side A' }).getByText(newest.arm64.digest.slice(7, 19)).waitFor();

    await page.getByRole('region', { name: 'Side B' }).getByRole('button', { name: 'Choose…' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Choose side B' }).waitFor();
    await checkAccessibility(page);
    await page.keyboard.type('evil-b');
    await page.getByRole('dialog').getByRole('button', { name: 'evil-a' }).waitFor({ state: 'detached' });
    await page.getByRole('dialog').getByRole('button', { name: 'evil-b' }).waitFor();
    await page.keyboard.press('Enter');

    await page.waitForFunction(() => location.hash.includes('/compare/1.4.0/evil-b'));
  });

  await t.test('a tag is chosen from an image with a key', async () => {
    await window.go('#/repositories/team/api/_/image/1.4.0');
    await page.keyboard.press('m');
    await page.getByRole('dialog', { name: 'Compare team/api:1.4.0 with' }).waitFor();
    await page.keyboard.type('no such');
    await page.getByText('No tag has no such in it').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.type('1.3');

    await page.keyboard.press('Enter');

    await page.getByText('3 layers, 3.32MB').waitFor();
    assert.equal(new URL(page.url()).hash, at);
  });

  await t.test('hostile values are text', async () => {
    await window.go('#/repositories/team/api/_/compare/evil-a/evil-b');
    await page.getByRole('rowheader', { name: hostile.markup }).waitFor();
    await page
      .getByRole('cell', { name: String.raw`safe\u{202e}exe.txt\u{1b}[2J` })
      .first()
      .waitFor();

    assert.deepEqual(
      await page.evaluate(() => ['isHacked' in globalThis, document.querySelectorAll('main img').length]),
      [false, 0],
    );
    await checkAccessibility(page);
  });

  await t.test('the same image twice, and a tag that is not there', async () => {
    await window.go('#/repositories/team/api/_/compare/1.3.0/1.3.0');
    await page.getByText(/^Both are the same image/).waitFor();
    await checkAccessibility(page);

    await window.go('#/repositories/team/api/_/compare/1.3.0/9.9');

    await page.getByText(/has no tag 9\.9\. Choose another tag for that side/).waitFor();
    await checkAccessibility(page);
  });

  await t.test('a push from outside is compared within a second', async () => {
    await window.go('#/repositories/team/api/_/compare/evil-a/evil-b');
    await page.getByRole('rowheader', { name: 'E', exact: true }).waitFor();

    await evil('evil-b', hostile.control);
    const pushedAt = Date.now();

    await page.getByRole('rowheader', { name: 'E', exact: true }).waitFor({ state: 'detached' });
    assert.ok(Date.now() - pushedAt < 1000, `${Date.now() - pushedAt} ms`);
  });

  await t.test('without the registry the former answer stays', async () => {
    await window.go(at);
    await page.getByText('3 layers, 3.32MB').waitFor();

    await registry.stop();

    await page.getByText('The registry was stopped').waitFor();
    await page.getByText('3 layers, 3.32MB').waitFor();
  });
});
