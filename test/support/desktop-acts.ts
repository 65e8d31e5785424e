/** What people do with the desktop app, and what it shows them. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { type DesktopModule, isReal, type TestDesktop } from './desktop.ts';
import { pushImage } from './push.ts';

/** Options of tests that look at what is the system's otherwise: tray, keychain, dialogs, what it opens. */
export const onlyStandIn = isReal ? { skip: 'nobody can look at what only the system has' } : {};

/** The status block says that the connection is there. */
export async function running(page: Page): Promise<void> {
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
  await page.getByText('Running', { exact: true }).first().waitFor();
}

export async function push(desktop: TestDesktop, repository: string): Promise<void> {
  const { plainUrl } = await desktop.holder();
  await pushImage({ plainUrl, user: await desktop.user() }, repository, '1', `a layer of ${repository}`);
}

export async function isReady(desktop: TestDesktop): Promise<boolean> {
  try {
    const { plainUrl } = await desktop.holder();
    return (await fetch(`${plainUrl}/readyz`)).ok;
  } catch {
    return false;
  }
}

/** Asks again until it is so, for 30 seconds at most. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await isSo().catch(() => false))) {
    assert.ok(Date.now() < deadline, `not so after 30 s: ${isSo.toString()}`);
    await delay(20);
  }
}

export async function trayOf(desktop: TestDesktop) {
  return await desktop.app.evaluate((given) => {
    const { standIn } = given as unknown as DesktopModule;
    const [tray] = standIn.trays;
    return {
      icon: tray?.image.replace(/^.*\/|\.png$/g, '') ?? '',
      items: tray?.menu.map(({ label = '-' }) => label) ?? [],
    };
  });
}

export async function trayShows(desktop: TestDesktop, icon: string, head: RegExp): Promise<void> {
  await until(async () => {
    const tray = await trayOf(desktop);
    return tray.icon === icon && head.test(tray.items[0] ?? '');
  });
}

export async function click(desktop: TestDesktop, label: string): Promise<void> {
  const isThere = await desktop.app.evaluate((given, wanted) => {
    const { standIn } = given as unknown as DesktopModule;
    const [tray] = standIn.trays;
    const item = tray?.menu.find((each) => each.label === wanted);
    // Not within the call: quitting ends the process before it could answer.
    if (item?.click !== undefined) setTimeout(item.click, 10);
    return item?.click !== undefined;
  }, label);
  assert.ok(isThere, `no ${label} in the tray`);
}

/** Makes dialogs answer with this button, and counts them anew. */
export async function answer(desktop: TestDesktop, button: number): Promise<void> {
  await desktop.app.evaluate((given, response) => {
    const { dialog } = given as unknown as DesktopModule;
    const counted = globalThis as { asked?: number };
    counted.asked = 0;
    dialog.showMessageBox = async () => {
      counted.asked = (counted.asked ?? 0) + 1;
      return { response };
    };
  }, button);
}

/** The titles of the notifications that were shown, the oldest first. */
export async function noticesOf(desktop: TestDesktop): Promise<readonly string[]> {
  return await desktop.app.evaluate((given) => {
    const { standIn } = given as unknown as DesktopModule;
    return standIn.notifications.map(({ options }) => options.title ?? '');
  });
}

export async function asked(desktop: TestDesktop): Promise<number> {
  return await desktop.app.evaluate(() => (globalThis as { asked?: number }).asked ?? 0);
}

export async function closeWindow(desktop: TestDesktop): Promise<void> {
  await desktop.app.evaluate((given) => {
    const { BrowserWindow } = given as unknown as DesktopModule;
    for (const window of BrowserWindow.getAllWindows()) window.close();
  });
}

export async function isVisible(desktop: TestDesktop): Promise<boolean> {
  return await desktop.app.evaluate((given) => {
    const { BrowserWindow } = given as unknown as DesktopModule;
    return BrowserWindow.getAllWindows().some((window) => window.isVisible());
  });
}
