/** The desktop app from the outside: its window, its tray, its process of the registry, and what it refuses. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openClient } from '../../registry/cli/client.ts';
import {
  type DesktopModule,
  isReal,
  startDesktop,
  type TestDesktop,
  needsDesktop,
} from '../support/desktop.ts';
import {
  answer,
  asked,
  click,
  closeWindow,
  isReady,
  isVisible,
  onlyStandIn,
  push,
  running,
  trayOf,
  trayShows,
  until,
} from '../support/desktop-acts.ts';
import { pushImage } from '../support/push.ts';
import { berth, startRegistry } from '../support/registry.ts';
import { goTo } from '../support/window.ts';

const inElectron = isReal ? 'Electron' : 'the stand-in';
suite(`the desktop app in ${inElectron}`, needsDesktop(), () => {
  test('shows the registry, and what happens there', async (t) => {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();

    await t.test('the window says that it runs', async () => {
      await running(page);
      const size = await page.evaluate(() => [innerWidth, innerHeight]);
      assert.deepEqual(size, [1120, 720]);
    });

    await t.test('a push appears within a second', async (each) => {
      await goTo(page, '#/repositories');
      const pushedMs = await pushAndSee(desktop, page, 'team/one');

      each.diagnostic(`${pushedMs} ms`);
      assert.ok(pushedMs < 1000, String(pushedMs));
    });

    await t.test('a file of the registry is fetched by its ticket, once', async () => {
      using client = await openClient(desktop.dataDir);
      const { ticket } = await client.call('logs.download', {});
      const fetchFile = () =>
        page.evaluate(async (name) => {
          const response = await fetch(`download/${name}`);
          return { status: response.status, text: await response.text() };
        }, ticket);

      const first = await fetchFile();
      const second = await fetchFile();

      assert.match(first.text, /listening on /);
      assert.deepEqual([first.status, second.status], [200, 404]);
    });

    await t.test(
      'the process of the registry is back in two seconds when it was killed, and the page goes on',
      async (each) => {
        const { pid } = await desktop.holder();
        const killedAt = performance.now();

        process.kill(pid, 'SIGKILL');
        await until(async () => (await desktop.holder()).pid !== pid && (await isReady(desktop)));
        const backMs = performance.now() - killedAt;
        await running(page);
        const seenMs = await pushAndSee(desktop, page, 'team/two');

        each.diagnostic(`back after ${Math.round(backMs)} ms; a push is seen after ${seenMs} ms`);
        assert.ok(backMs < 2000, String(backMs));
        assert.ok(seenMs < 1000, String(seenMs));
      },
    );

    await t.test('a second start brings the window to the front, and ends', async () => {
      const focus = () =>
        desktop.app.evaluate((given) => {
          const { BrowserWindow } = given as unknown as DesktopModule;
          const [window] = BrowserWindow.getAllWindows();
          return window?.focused ?? 0;
        });
      const before = await focus();

      assert.equal(await desktop.startAgain(), 0);

      if (!isReal) await until(async () => (await focus()) > before);
      assert.equal(desktop.app.windows().length, 1);
    });

    await t.test('quitting stops the registry, which gives everything back', async () => {
      const { pid } = await desktop.holder();
      const ended = once(desktop.app.process(), 'exit');

      await desktop.app.close();

      assert.deepEqual((await ended)[0], 0);
      assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
      await assert.rejects(access(join(desktop.dataDir, 'berth', 'lock.json')), { code: 'ENOENT' });
    });
  });

  test('gives the page nothing but two functions', async (t) => {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();
    await running(page);

    await t.test('there is no Node, and the bridge cannot be changed', async () => {
      const found = await page.evaluate(() => {
        const globals = globalThis as unknown as Readonly<Record<string, object | undefined>>;
        const bridge = globals['berthShell'] ?? {};
        return {
          node: ['require', 'process', 'module', 'Buffer', 'global', '__dirname'].filter(
            (name) => name in globals,
          ),
          shell: Object.keys(bridge),
          ports: Object.keys(globals['berthPorts'] ?? {}),
          isFrozen: Object.isFrozen(bridge),
        };
      });

      assert.deepEqual(found, { node: [], shell: ['invoke'], ports: ['ask'], isFrozen: true });
    });

    await t.test('the policy holds', async () => {
      const refused = await page.evaluate(async (expected) => {
        const seen = new Set<string>();
        const all = Promise.withResolvers<void>();
        document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
          seen.add(effectiveDirective);
          if (seen.size === expected) all.resolve();
        });
        // The type of scripts alone would hold them back before the policy is asked where they come from.
        const { trustedTypes } = globalThis as unknown as {
          readonly trustedTypes: {
            createPolicy(
              name: string,
              rules: object,
            ): {
              createScript(text: string): string;
              createScriptURL(text: string): string;
            };
          };
        };
        const same = (text: string): string => text;
        const trusted = trustedTypes.createPolicy('test', { createScript: same, createScriptURL: same });
        const add = (name: string, fields: object): void =>
          document.body.append(Object.assign(document.createElement(name), fields));
        const attempts = [
          // oxlint-disable-next-line no-eval -- the policy has to refuse it
          () => (0, eval)(trusted.createScript('1')) as void,
          () => add('script', { src: trusted.createScriptURL('https://example.com/x.js') }),
          () => {
            document.body.innerHTML = '<p>';
          },
          () => add('iframe', { src: 'https://example.com/' }),
          () => add('img', { src: 'https://example.com/x.png' }),
          () => add('style', { textContent: 'p{}' }),
          () => void fetch('https://example.com/').catch(() => undefined),
        ];
        // From a timer: what is evaluated by a test is let through.
        setTimeout(() => {
          for (const attempt of attempts) {
            try {
              attempt();
            } catch {
              // The event tells it.
            }
          }
        });
        await Promise.race([all.promise, new Promise((resolve) => setTimeout(resolve, 10_000))]);
        return [...seen].toSorted();
      }, violated.length);

      assert.deepEqual(refused, violated);
      await page.reload();
      await running(page);
    });

    await t.test('it leads nowhere else', async () => {
      const before = page.url();

      for (const url of ['https://example.com/', 'file:///etc/passwd', 'data:text/html,x']) {
        await page
          .evaluate((to) => {
            location.href = to;
          }, url)
          .catch(() => undefined);
        await page.getByRole('navigation', { name: 'Screens' }).waitFor();
        assert.equal(page.url(), before, url);
      }
    });

    await t.test('it opens no window', async () => {
      const isRefused = await page.evaluate(() =>
        ['https://example.com/', 'about:blank'].map((url) => window.open(url) === null),
      );

      assert.deepEqual(isRefused, [true, true]);
      assert.equal(desktop.app.windows().length, 1);
    });
  });

  test('the tray says and does what the state allows', onlyStandIn, async (t) => {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();
    await running(page);
    const { host } = new URL((await desktop.holder()).plainUrl);
    const address = host.replace('127.0.0.1', 'localhost');

    await t.test('running', async () => {
      await trayShows(desktop, 'running', /^Running: 0 repositories, 0B$/);
      await click(desktop, `Copy address ${address}`);

      const copied = () =>
        desktop.app.evaluate(async (given) => {
          const { clipboard, standIn } = given as unknown as DesktopModule;
          return {
            text: await clipboard.readText(),
            said: standIn.notifications.map(({ options }) => options.body),
          };
        });
      await until(async () => (await copied()).text !== '');
      assert.deepEqual(await copied(), { text: address, said: ['The address is in the clipboard.'] });
    });

    await t.test('after a push', async () => {
      await push(desktop, 'team/api');

      await trayShows(desktop, 'running', /^Running: 1 repository, /);
      assert.ok((await trayOf(desktop)).items.includes('Copy pull of team/api:1'));
    });

    await t.test('paused, and resumed', async () => {
      await click(desktop, 'Pause');
      await trayShows(desktop, 'readOnly', /^Read-only$/);
      await click(desktop, 'Resume');
      await trayShows(desktop, 'running', /^Running: /);
    });

    await t.test('stopped and started again, which the window follows', async () => {
      const { pid } = await desktop.holder();
      await click(desktop, 'Stop');
      await trayShows(desktop, 'stopped', /^Stopped$/);
      assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
      await page.getByText('Stopped', { exact: true }).first().waitFor();

      await click(desktop, 'Start');
      await running(page);
      await trayShows(desktop, 'running', /^Running: 1 repository, /);
    });

    await t.test('restarted, which ends one process and starts the next', async () => {
      const { pid } = await desktop.holder();
      await click(desktop, 'Restart');

      await until(async () => (await desktop.holder()).pid !== pid && (await isReady(desktop)));
      assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
      await running(page);
      await trayShows(desktop, 'running', /^Running: 1 repository, /);
    });

    await t.test('stopped from the command line, and it stays so', async () => {
      await berth(desktop.dataDir, 'down');

      await trayShows(desktop, 'stopped', /^Stopped$/);
      await click(desktop, 'Start');
      await trayShows(desktop, 'running', /^Running: 1 repository, /);
    });

    await t.test('a screen is opened', async () => {
      await click(desktop, 'Settings');

      await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
    });
  });

  test('closing the window asks once, and keeps the registry', onlyStandIn, async () => {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();
    await running(page);
    await answer(desktop, 0);

    await closeWindow(desktop);
    await until(async () => !(await isVisible(desktop)));
    await closeWindow(desktop);

    assert.equal(await asked(desktop), 1);
    assert.equal(await isReady(desktop), true);
    const file = join(desktop.userData, 'preferences.json');
    const kept = JSON.parse(await readFile(file, 'utf8')) as { readonly onClose: string };
    assert.equal(kept.onClose, 'keep');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    await desktop.startAgain();
    await until(() => isVisible(desktop));
  });

  test('a registry that berth serve runs is shown, and taken over when it ends', async () => {
    await using served = await startRegistry({ listen: 'localhost:0' });
    await using desktop = await startDesktop({ dataDir: served.dataDir });
    const page = await desktop.openPage();
    await running(page);
    await goTo(page, '#/repositories');
    await pushImage({ plainUrl: served.plainUrl }, 'team/served', '1', 'a layer');
    await page.getByRole('row').filter({ hasText: 'team/served' }).waitFor();
    if (!isReal) {
      await trayShows(desktop, 'running', /, by another program$/);
      assert.ok(!(await trayOf(desktop)).items.includes('Stop'));
    }

    await served.stop();

    await until(async () => (await desktop.holder()).pid !== served.pid && (await isReady(desktop)));
    await running(page);
  });

  test(
    'what hinders the registry is said, and it starts by itself when that is gone',
    onlyStandIn,
    async () => {
      await using served = await startRegistry({ listen: '127.0.0.1:0' });
      await using desktop = await startDesktop({ env: { REGISTRY_HTTP_ADDR: `127.0.0.1:${served.port}` } });

      await trayShows(desktop, 'error', new RegExp(`${served.port}`));
      await served.stop();

      await trayShows(desktop, 'running', /^Running: /);
    },
  );

  test('preferences that cannot be read are kept aside, defaults hold, and it is said', async () => {
    await using desktop = await startDesktop({ preferences: '{"onClose": "quit", "hasTray": false, ' });
    const page = await desktop.openPage();
    await running(page);

    const names = await readdir(desktop.userData);

    const aside = names.find((name) => name.startsWith('preferences.json.bak-')) ?? '';
    assert.equal(
      await readFile(join(desktop.userData, aside), 'utf8'),
      '{"onClose": "quit", "hasTray": false, ',
      names.join(' '),
    );
    const reply = await page.evaluate(async () => {
      const { berthShell } = globalThis as unknown as {
        readonly berthShell: { invoke(method: string, args: object): Promise<{ readonly ok: object }> };
      };
      return await berthShell.invoke('preferences.get', {});
    });
    const { onClose, hasTray } = reply.ok as { readonly onClose: string; readonly hasTray: boolean };
    assert.deepEqual({ onClose, hasTray }, { onClose: 'ask', hasTray: true });
    if (isReal) return;
    const [box] = await desktop.app.evaluate((given) => {
      const { standIn } = given as unknown as DesktopModule;
      return standIn.boxes;
    });
    assert.equal(box?.message, 'The preferences of the window could not be read.');
    assert.match(box.detail ?? '', new RegExp(`${aside}\\.$`));
  });
});

/** What the policy of the page names when everything is tried. */
const violated = [
  'connect-src',
  'frame-src',
  'img-src',
  'require-trusted-types-for',
  'script-src',
  'script-src-elem',
  'style-src-elem',
];

/** Answers how many milliseconds after the end of the push the list had the repository. */
async function pushAndSee(desktop: TestDesktop, page: Page, repository: string): Promise<number> {
  const row = page.getByRole('row').filter({ hasText: repository });
  assert.equal(await row.count(), 0);
  await push(desktop, repository);
  const pushedAt = performance.now();
  await row.waitFor();
  return Math.round(performance.now() - pushedAt);
}
