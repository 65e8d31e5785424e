/** What the person likes of the app: start, window, tray, notifications, menus. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { setAutostart } from '../../main/engine/files/autostart.ts';
import { type DesktopModule, needsDesktop, startDesktop, type TestDesktop } from '../support/desktop.ts';
import {
  answer,
  asked,
  click,
  closeWindow,
  isVisible,
  noticesOf,
  onlyStandIn,
  push,
  running,
  trayOf,
  trayShows,
  until,
} from '../support/desktop-acts.ts';
import { startBus } from '../support/status-watcher.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, goTo } from '../support/window.ts';

suite('the preferences of the desktop app', needsDesktop(), () => {
  test('are changed in the settings, at once', onlyStandIn, async (t) => {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();
    await running(page);
    await goTo(page, '#/settings/desktop');
    const panel = (name: string) => page.getByRole('region', { name, exact: true });
    const toggle = (name: RegExp) => page.getByRole('switch', { name });
    const saved = (name: string) => panel(name).getByRole('status').getByText('Saved');
    const autostart = join(dirname(desktop.userData), 'autostart', 'berth.desktop');

    await t.test('all of it is accessible', async () => {
      // Colours that are on their way to the other theme are of neither.
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await checkAccessibility(page);
    });

    await t.test('starting at login is a file of the autostart, and shows what that says', async () => {
      const start = toggle(/^Start when I log in/);
      await until(async () => !(await start.isChecked()));

      await panel('Start and end').getByText('Start when I log in').click();
      await saved('Start and end').waitFor();

      assert.match(await readFile(autostart, 'utf8'), /^Exec=\S+ \S+ --hidden$/m);
      const look = async (): Promise<boolean> => {
        await goTo(page, '#/settings/look');
        await page.reload();
        await goTo(page, '#/settings/desktop');
        await start.waitFor({ state: 'attached' });
        return await start.isChecked();
      };
      assert.equal(await look(), true);
      await writeFile(autostart, `${await readFile(autostart, 'utf8')}Hidden=true\n`);
      assert.equal(await look(), false, 'switched off by somebody else');
      await setAutostart(autostart, ['/elsewhere']);
      assert.equal(await look(), true, 'switched on by somebody else');
      await panel('Start and end').getByText('Start when I log in').click();
      await saved('Start and end').waitFor();
      await assert.rejects(readFile(autostart), { code: 'ENOENT' });
      await rm(autostart, { force: true });
    });

    await t.test('the tray has another ink, goes, and comes back', async () => {
      await trayShows(desktop, 'running', /^Running: /);

      await panel('Tray').getByRole('button', { name: /Icon/ }).click();
      await page.getByRole('option', { name: 'Dark' }).click();
      await until(async () => (await trayOf(desktop)).icon === 'runningDark');
      await panel('Tray').getByText('Show the registry in the tray').click();
      await until(async () => (await trayCount(desktop)) === 0);
      await panel('Tray').getByText('Show the registry in the tray').click();

      await until(async () => (await trayOf(desktop)).icon === 'runningDark');
      assert.equal(await trayCount(desktop), 1);
    });

    await t.test('the page says its theme to the system', async () => {
      await goTo(page, '#/settings/look');
      await page.getByRole('button', { name: /Theme/ }).click();
      await page.getByRole('option', { name: 'Dark' }).click();

      await until(
        async () =>
          (await desktop.app.evaluate((given) => {
            const { nativeTheme } = given as unknown as DesktopModule;
            return nativeTheme.themeSource;
          })) === 'dark',
      );
      await goTo(page, '#/settings/desktop');
    });

    await t.test('everything is kept in a private file', async () => {
      await panel('Start and end')
        .getByRole('button', { name: /When the window is closed/ })
        .click();
      await page.getByRole('option', { name: 'Keep the registry running' }).click();
      await saved('Start and end').waitFor();
      await panel('Notifications').getByText('A push has ended while the window is hidden').click();
      await saved('Notifications').waitFor();

      const kept = JSON.parse(await readFile(join(desktop.userData, 'preferences.json'), 'utf8')) as object;
      const { onClose, glyph, theme, notifications } = kept as {
        readonly onClose: string;
        readonly glyph: string;
        readonly theme: string;
        readonly notifications: { readonly push: boolean; readonly disk: boolean };
      };
      assert.deepEqual(
        { onClose, glyph, theme, push: notifications.push, disk: notifications.disk },
        { onClose: 'keep', glyph: 'dark', theme: 'dark', push: true, disk: true },
      );
    });

    await t.test(
      'a push is told of while the window is hidden, and the notification leads there',
      async () => {
        await answer(desktop, 0);
        await closeWindow(desktop);
        await until(async () => !(await isVisible(desktop)));

        await push(desktop, 'team/hidden');

        await until(async () => (await noticesOf(desktop)).includes('team/hidden:1 was pushed'));
        await clickNotice(desktop, 'team/hidden:1 was pushed');
        await until(() => isVisible(desktop));
        await page.getByRole('heading', { level: 1, name: /team\/hidden/ }).waitFor();
        await push(desktop, 'team/seen');
        await goTo(page, '#/repositories');
        await page.getByRole('row').filter({ hasText: 'team/seen' }).waitFor();
        assert.ok(!(await noticesOf(desktop)).includes('team/seen:1 was pushed'));
      },
    );
  });

  test('a start without a window is told of once', onlyStandIn, async () => {
    const preferences = JSON.stringify({ openHidden: true, isSetUp: true });
    await using desktop = await startDesktop({ preferences });
    await trayShows(desktop, 'running', /^Running: /);

    assert.equal(desktop.app.windows().length, 0);
    assert.deepEqual(await noticesOf(desktop), ['Berth is running in the tray']);
    const kept = await readFile(join(desktop.userData, 'preferences.json'), 'utf8');
    await using again = await startDesktop({ preferences: kept });
    await trayShows(again, 'running', /^Running: /);
    assert.deepEqual(await noticesOf(again), []);
  });

  test('five wrong passwords are told of, and lead to the log', onlyStandIn, async () => {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();
    await running(page);
    const { plainUrl } = await desktop.holder();
    const authorization = `Basic ${Buffer.from('dev:wrong').toString('base64')}`;

    await until(async () => {
      await fetch(`${plainUrl}/v2/`, { headers: { authorization } });
      return (await noticesOf(desktop)).some((title) => /^\d+ logins failed within a minute$/.test(title));
    });

    const told = (await noticesOf(desktop)).find((title) => title.includes('logins failed')) ?? '';
    assert.ok(Number.parseInt(told, 10) >= 5, told);
    await clickNotice(desktop, told);
    await page.getByRole('heading', { level: 1, name: 'Logs' }).waitFor();
  });

  test(
    'a desktop without a tray is asked about closing until the person knows it',
    {
      ...onlyStandIn,
      ...needs('gdbus', 'dbus-daemon'),
    },
    async () => {
      await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-bus-'));
      await using bus = await startBus(directory.path);
      await using desktop = await startDesktop({
        env: { DBUS_SESSION_BUS_ADDRESS: bus.address },
        preferences: JSON.stringify({ onClose: 'keep' }),
      });
      await running(await desktop.openPage());
      const close = async (): Promise<void> => {
        await closeWindow(desktop);
        await until(async () => !(await isVisible(desktop)));
        await desktop.startAgain();
        await until(() => isVisible(desktop));
      };
      await answer(desktop, 0);

      await bus.watch(true);
      await close();
      assert.equal(await asked(desktop), 0, 'with a tray the former choice holds');
      await bus.watch(false);
      await close();
      assert.equal(await asked(desktop), 1, 'without one nobody has chosen yet');
      await close();

      assert.equal(await asked(desktop), 1, 'the person knows');
    },
  );

  test('the window is freed ten minutes after it was hidden, and back soon', onlyStandIn, async (t) => {
    await using desktop = await startDesktop({
      preferences: JSON.stringify({ onClose: 'keep', keepsUnseen: true }),
    });
    const page = await desktop.openPage();
    await running(page);
    await catchTimers(desktop, 10 * 60 * 1000);
    await closeWindow(desktop);
    await until(async () => !(await isVisible(desktop)));
    assert.equal(page.isClosed(), false);

    await runCaught(desktop);
    await until(async () => page.isClosed());
    const opened = desktop.app.waitForEvent('window');
    const wantedAt = Date.now();
    await click(desktop, 'Open Berth');
    const back = await opened;
    await running(back);

    const paintedAt = await back.evaluate(
      () =>
        performance.timeOrigin + (performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0),
    );
    t.diagnostic(`painted ${Math.round(paintedAt - wantedAt)} ms after it was wanted`);
    assert.ok(paintedAt > wantedAt);
  });

  test('the window comes back where it was, as large as it was', onlyStandIn, async () => {
    const bounds = { x: 40, y: 30, width: 900, height: 600 };
    const kept = JSON.stringify({ bounds, isMaximized: true, onClose: 'keep', keepsUnseen: true });
    await using desktop = await startDesktop({ preferences: kept });
    await running(await desktop.openPage());

    const state = await desktop.app.evaluate((given) => {
      const { BrowserWindow } = given as unknown as DesktopModule;
      const [window] = BrowserWindow.getAllWindows();
      return { isMaximized: window?.isMaximized(), bounds: window?.getNormalBounds() };
    });

    assert.deepEqual(state, { isMaximized: true, bounds });
  });

  test('the menus have what fields need, and nothing for developers', onlyStandIn, async (t) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-resources-'));
    await using desktop = await startDesktop({ env: { STAND_IN_RESOURCES: directory.path } });
    const page = await desktop.openPage();
    await running(page);

    await t.test('of the app', async () => {
      const { roles, about } = await desktop.app.evaluate((given) => {
        const { standIn } = given as unknown as DesktopModule;
        const names = standIn.appMenu.flatMap(({ label, role, submenu = [] }) => [
          role ?? label,
          ...submenu.map((item) => item.role ?? item.label ?? '-'),
        ]);
        return { roles: names, about: standIn.about };
      });

      assert.deepEqual(roles, ['&File', 'Settings…', '-', 'quit', 'editMenu', '&Help', 'about']);
      assert.deepEqual(about, {
        applicationName: 'Berth',
        applicationVersion: '0.1.0',
        copyright: 'A private container registry, one click away',
      });
    });

    await t.test('of a field', async () => {
      await goTo(page, '#/settings');
      const search = page.getByRole('searchbox', { name: 'Search settings' });
      await search.fill('port');
      await search.selectText();

      await search.click({ button: 'right' });

      await until(async () => (await popups(desktop)).length === 1);
      assert.deepEqual((await popups(desktop))[0], [
        'cut true',
        'copy true',
        'paste true',
        '-',
        'selectAll true',
      ]);
    });

    await t.test('of a place without text: none', async () => {
      await page.getByRole('heading', { level: 1 }).click({ button: 'right', position: { x: 1, y: 1 } });
      await page.getByRole('searchbox', { name: 'Search settings' }).click({ button: 'right' });

      await until(async () => (await popups(desktop)).length >= 2);
      assert.equal((await popups(desktop)).length, 2);
    });
  });
});

async function trayCount(desktop: TestDesktop): Promise<number> {
  return await desktop.app.evaluate((given) => {
    const { standIn } = given as unknown as DesktopModule;
    return standIn.trays.size;
  });
}

async function clickNotice(desktop: TestDesktop, title: string): Promise<void> {
  await desktop.app.evaluate((given, wanted) => {
    const { standIn } = given as unknown as DesktopModule;
    standIn.notifications.find(({ options }) => options.title === wanted)?.emit('click');
  }, title);
}

async function popups(desktop: TestDesktop): Promise<readonly (readonly string[])[]> {
  return await desktop.app.evaluate((given) => {
    const { standIn } = given as unknown as DesktopModule;
    return standIn.popups.map((items) =>
      items.map(({ role, enabled }) => (role === undefined ? '-' : `${role} ${enabled}`)),
    );
  });
}

/** Keeps what the app wants to do after so long, instead of waiting. */
async function catchTimers(desktop: TestDesktop, afterMs: number): Promise<void> {
  await desktop.app.evaluate((_, wanted) => {
    const caught: (() => void)[] = [];
    const original = globalThis.setTimeout;
    const replaced = (run: () => void, ms?: number) => {
      if (ms !== wanted) return original(run, ms);
      caught.push(run);
      return original(() => undefined, 0);
    };
    Object.assign(globalThis, { setTimeout: replaced, caught });
  }, afterMs);
}

async function runCaught(desktop: TestDesktop): Promise<void> {
  await desktop.app.evaluate(() => {
    const { caught } = globalThis as unknown as { readonly caught: (() => void)[] };
    for (const run of caught.splice(0)) run();
  });
}
