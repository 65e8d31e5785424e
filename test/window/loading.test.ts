/** What is shown before everything is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../support/tools.ts';
import { openWindow } from '../support/window.ts';

test('while the window is loaded', needs('chromium'), async (t) => {
  await using window = await openWindow();
  const { page } = window;
  await window.push('team/api', '1.0', 'a layer');
  const heading = (name: string) => page.getByRole('main').getByRole('heading', { level: 1, name });

  /** Opens the page anew at a place, with a socket that is held back; answers how to let it through. */
  async function holdSocket(hash: string): Promise<() => void> {
    const { promise: isWanted, resolve: connect } = Promise.withResolvers<void>();
    await page.routeWebSocket(/\/api\/rpc$/, async (socket) => {
      await isWanted;
      socket.connectToServer();
    });
    await page.goto(`${window.registry.url}/ui/${hash}`);
    await page.reload();
    return connect;
  }

  await t.test('the frame and the head of the screen stand before there is a connection', async () => {
    const connect = await holdSocket('#/access');

    await heading('Access').waitFor();
    await page.getByRole('navigation', { name: 'Screens' }).waitFor();
    await page.getByRole('button', { name: 'Starting' }).waitFor();
    await page.getByRole('status', { name: 'Loading' }).waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    connect();

    await page.getByRole('row', { name: 'admin' }).waitFor();
    await page.getByRole('button', { name: 'Running' }).waitFor();
  });

  for (const [hash, known, pushed, added] of [
    ['#/repositories/team/api', '1.0', ['team/api', '1.1'], '1.1'],
    ['#/repositories', 'team/api', ['team/web', '1.0'], 'team/web'],
  ] as const)
    await t.test(
      `${hash} is shown before there is a connection, and what happens then is added`,
      async () => {
        const row = (name: string) => page.getByRole('row', { name });
        const connect = await holdSocket(hash);

        await row(known).waitFor();
        await page.getByRole('button', { name: 'Starting' }).waitFor();
        assert.equal(await page.getByRole('status', { name: 'Loading' }).count(), 0);
        await window.push(pushed[0], pushed[1], added);
        assert.equal(await row(added).count(), 0);
        connect();

        await row(added).waitFor();
        await page.getByRole('button', { name: 'Running' }).waitFor();
      },
    );

  await t.test(
    'a screen that cannot be had says so, and comes by a reload or when it is wanted again',
    async () => {
      const go = (name: string) => page.getByRole('link', { name }).click();
      for (const act of [
        () => page.getByRole('button', { name: 'Reload the window' }).click(),
        async () => {
          await go('Access');
          await heading('Access').waitFor();
          await go('Storage');
        },
      ]) {
        await page.route(/\/assets\/storage-/, (route) => route.abort());
        await go('Repositories');
        await page.reload();
        await heading('Repositories').waitFor();
        // Not by its link: what that leads to is fetched once more while it is pointed at.
        await page.evaluate(() => {
          location.hash = '#/storage';
        });
        await page.getByText('This part of the window could not be loaded.').waitFor();

        await page.unroute(/\/assets\/storage-/);
        await act();

        await heading('Storage').waitFor();
      }
    },
  );

  await t.test('a screen that fails says why in its place, and can be tried again', async () => {
    const alert = page.getByRole('alert');
    await page.route(/\/assets\/access-[^/]*\.js/, async (route) => {
      const answer = await route.fetch();
      const names = [...(await answer.text()).matchAll(/\bexport\s*\{([^}]*)\}/g)].flatMap(([, list = '']) =>
        list.split(',').map((each) => each.split(' as ').at(-1)?.trim()),
      );
      const body = names.map(
        (name) =>
          `export const ${name} = () => { if (!globalThis.isMended) throw new Error('planted'); return null; };`,
      );
      // Without the header by which it would be kept.
      await route.fulfill({ contentType: 'text/javascript', body: body.join('\n') });
    });
    await window.go('#/repositories');
    await page.reload();
    await heading('Repositories').waitFor();

    await page.getByRole('link', { name: 'Access' }).click();
    await alert.filter({ hasText: 'Something unexpected happened: planted' }).waitFor();
    await page.getByRole('link', { name: 'Storage' }).click();
    await heading('Storage').waitFor();
    assert.equal(await alert.count(), 0);
    await page.getByRole('link', { name: 'Access' }).click();
    await page.evaluate(() => Object.assign(globalThis, { isMended: true }));
    await page.getByRole('button', { name: 'Try again' }).click();

    await alert.waitFor({ state: 'detached' });
    await page.unrouteAll();
    await page.reload();
    await heading('Access').waitFor();
  });

  await t.test('what a link leads to is asked while it is pointed at, or has the focus', async () => {
    await page.unrouteAll();
    await window.go('#/access');
    const opened = page.waitForEvent('websocket');
    await page.reload();
    await heading('Access').waitFor();
    await page.getByRole('button', { name: 'Running' }).waitFor();
    const socket = await opened;
    const asks = async (method: string): Promise<unknown> =>
      await socket.waitForEvent('framesent', ({ payload }) => String(payload).includes(`"${method}"`));

    await Promise.all([asks('usage.get'), page.getByRole('link', { name: 'Storage' }).hover()]);
    await Promise.all([asks('changes.list'), page.getByRole('link', { name: 'System changes' }).focus()]);

    assert.equal(new URL(page.url()).hash, '#/access');
  });
});
