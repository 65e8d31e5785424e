/** The window as who has no mouse uses it: everything goes through the keyboard, from where the focus is. */
import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';

export interface Keys {
  press(...keys: readonly string[]): Promise<void>;
  type(text: string): Promise<void>;
  /** Presses Tab until the focus is there. */
  tabTo(target: Locator): Promise<void>;
  /** Presses the arrow down until the focus is there. */
  next(target: Locator): Promise<void>;
  /** Goes there, and presses Enter. */
  use(target: Locator): Promise<void>;
  /** Goes to a field, and writes over what is in it. */
  fill(target: Locator, text: string): Promise<void>;
  /** Goes to a screen by its keys (`g u`), wherever the focus is. */
  screen(...keys: readonly string[]): Promise<void>;
  /** Goes to the row of a table that holds that text. */
  row(grid: string, text: string): Promise<void>;
  /** Opens the menu of the row that has the focus, and chooses. */
  menu(entry: string): Promise<void>;
  /** Chooses a tab of the screen. */
  tab(name: string): Promise<void>;
  /** Chooses in a list that a button opens. */
  choose(chooser: Locator, option: string): Promise<void>;
  /** Takes back what was done last, once a message says that it was. */
  undo(said: string | RegExp): Promise<void>;
  /** Answers the dialog that asks whether to go on. */
  confirm(verb: string | RegExp): Promise<void>;
}

/** More than any screen has. */
const mostSteps = 300;

export function keysOf(page: Page): Keys {
  const { keyboard } = page;
  const isFocused = async (target: Locator): Promise<boolean> =>
    (await target.and(page.locator(':focus')).count()) > 0;
  const focusOn = (target: Locator): Promise<void> => target.and(page.locator(':focus')).first().waitFor();

  async function press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await keyboard.press(key);
  }

  /** Presses a key until the focus is there. */
  async function goTo(target: Locator, key: string): Promise<void> {
    await target.first().waitFor();
    for (let step = 0; step < mostSteps; step += 1) {
      if (await isFocused(target)) return;
      await press(key);
    }
    const focused = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200));
    assert.fail(`${key} does not lead to ${String(target)}; the focus is on ${focused}`);
  }

  const tabTo = (target: Locator): Promise<void> => goTo(target, 'Tab');

  async function use(target: Locator): Promise<void> {
    await tabTo(target);
    await press('Enter');
  }

  async function choose(chooser: Locator, option: string): Promise<void> {
    await use(chooser);
    await goTo(page.getByRole('option', { name: option, exact: true }), 'ArrowDown');
    await press('Enter');
    await page.getByRole('listbox').waitFor({ state: 'detached' });
  }

  return {
    press,
    type: (text) => keyboard.type(text),
    tabTo,
    next: (target) => goTo(target, 'ArrowDown'),
    use,
    choose,
    async fill(target, text) {
      await tabTo(target);
      await press('Control+a');
      await keyboard.type(text);
    },
    async screen(...keys) {
      // By the title of its entry: the heading that is there may be that of the screen before.
      const entry = page.locator(`nav a[title$="${keys.join(' ')})"]`);
      const isThere = () =>
        entry
          .and(page.locator('[aria-current=page]'))
          .waitFor({ timeout: 2000 })
          .then(
            () => true,
            () => false,
          );
      do {
        // Out of a field, where letters are text. On a busy machine the second key may come too late for the first.
        await press('F6', ...keys);
      } while (!(await isThere()));
      await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
      await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
    },
    async row(grid, text) {
      const named = { name: grid, exact: true };
      const table = page.getByRole('grid', named).or(page.getByRole('treegrid', named));
      await table.getByRole('row').filter({ hasText: text }).first().waitFor();
      await tabTo(table.locator('[data-row]'));
      await press('Home');
      await goTo(table.locator('[data-row]').filter({ hasText: text }), 'ArrowDown');
    },
    async menu(entry) {
      await press('ContextMenu');
      const item = page.getByRole('menuitem', { name: new RegExp(`^${entry}`) });
      await goTo(item, 'ArrowDown');
      await press('Enter');
      await page.getByRole('menu').waitFor({ state: 'detached' });
    },
    async tab(name) {
      const wanted = page.getByRole('tab', { name, exact: true });
      await wanted.waitFor();
      await tabTo(page.getByRole('tab', { selected: true }));
      await goTo(wanted, 'ArrowRight');
      await press('Enter');
      await page.getByRole('tab', { name, exact: true, selected: true }).waitFor();
      await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
    },
    async undo(said) {
      await page.getByRole('status', { name: 'Messages' }).getByText(said).last().waitFor();
      await press('Control+z');
    },
    async confirm(verb) {
      const dialog = page.getByRole('alertdialog');
      await focusOn(dialog.locator('*'));
      await use(dialog.getByRole('button', { name: verb }));
      await dialog.waitFor({ state: 'detached' });
    },
  };
}
