/** The first screen: the set-up, the state of the registry, and what happened last, with real clients. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from '../support/http.ts';
import { skopeoOn } from '../support/skopeo.ts';
import { pushSlowly } from '../support/slow.ts';
import { needs } from '../support/tools.ts';
import { askBySocket, checkAccessibility, goTo, openWindow } from '../support/window.ts';

test('home', needs('chromium', 'podman', 'skopeo', 'busybox', 'openssl'), async (t) => {
  await using window = await openWindow({ listen: 'localhost:0' });
  const { page, registry, user } = window;
  const setup = page.getByRole('region', { name: 'Set up' });
  const waiting = page.getByRole('region', { name: 'Waiting for your first push' });
  const needsYou = page.getByRole('region', { name: 'Needs you' });
  const step = (title: string) => setup.getByRole('listitem').filter({ hasText: title });

  await t.test('on an empty registry it says what to do, for this address and this user', async () => {
    await window.go('#/home');

    await step('Running').getByLabel('Done').waitFor();
    await step('Trusted').getByText('berth trust add podman').waitFor();
    await step('Logged in').getByLabel('Not yet').waitFor();
    await step('First push').getByLabel('Not yet').waitFor();
    const commands = await waiting.getByRole('group', { name: 'login, tag and push' }).innerText();
    assert.deepEqual(commands.split('\n'), [
      `podman login -u admin localhost:${registry.port}`,
      `podman tag app:1 localhost:${registry.port}/app:1`,
      `podman push localhost:${registry.port}/app:1`,
    ]);
    assert.equal(await page.getByRole('region', { name: 'Recent pushes' }).count(), 0);
    await checkAccessibility(page);
  });

  await t.test('the set-up is put away for good, and can be had again', async () => {
    await setup.getByRole('button', { name: /show again/ }).press('Enter');
    await setup.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await setup.waitFor();
    await setup.getByRole('button', { name: /show again/ }).click();
    await page.reload();
    await waiting.waitFor();
    assert.equal(await setup.count(), 0);

    await goTo(page, '#/home?setup=1');

    await setup.waitFor();
  });

  await t.test('a first push is seen as it begins, and becomes the image', async () => {
    const push = await pushSlowly(registry, { user, repository: 'team/api', agent: 'docker/28.2.1' });
    push.send(1_500_000);

    const row = waiting.getByRole('listitem').filter({ hasText: 'team/api' });
    await row.getByText('1 uploading').waitFor();
    await step('Logged in').getByText('admin with docker 28.2').waitFor();
    await checkAccessibility(page);
    await row.getByRole('button', { name: 'Cancel: push of team/api' }).press('Enter');
    await push.ended;
    await waiting.getByRole('button', { name: 'Push a sample for me' }).press('Enter');

    const arrived = page.getByRole('region', { name: 'Your first image is here' });
    await arrived.getByRole('link', { name: 'sample/hello:latest' }).waitFor();
    await arrived.getByText('linux/amd64').waitFor();
    await step('First push').getByLabel('Done').waitFor();
    await checkAccessibility(page);
    await arrived.getByRole('button', { name: 'Open' }).press('Enter');
    await page.waitForURL(/#\/repositories\/sample\/hello\/_\/image\/latest$/);
    await page.goBack();
  });

  await t.test('a push of skopeo is among the recent ones within a second', async () => {
    await goTo(page, '#/home');
    const skopeo = await skopeoOn(registry, user);
    await skopeo('team/web:2.0');
    const at = performance.now();

    const recent = page.getByRole('grid', { name: 'Recent pushes' });
    const row = recent.getByRole('row').filter({ hasText: 'team/web:2.0' });
    await row.waitFor();
    const took = performance.now() - at;

    assert.match(await row.innerText(), /team\/web:2\.0\s+[\d.]+MB\s+linux\/amd64\s+admin\s+now/);
    assert.ok(took < 1000, `${took} ms`);
    const traffic = page.getByRole('region', { name: 'Traffic, 24 hours' });
    await traffic.getByRole('img', { name: /^Pushed by the hour: [1-9][\d.]*MB in 24 hours/ }).waitFor();
    const storage = page.getByRole('figure', { name: 'What takes room' });
    await storage.getByText(/^images [1-9]/).waitFor();
    await storage.getByText(/^free /).waitFor();
    await recent.getByRole('row').nth(1).press('Enter');
    await page.waitForURL(/#\/repositories\/team\/web\/_\/image\/2\.0$/);
    await goTo(page, '#/home');
  });

  await t.test('the cards say where it is and how to connect', async () => {
    const card = page.getByRole('region', { name: 'Registry' });
    await card.getByText('Running', { exact: true }).waitFor();
    await card.getByRole('button', { name: `Copy localhost:${registry.port}` }).press('Enter');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `localhost:${registry.port}`);
    await card.getByRole('button', { name: 'Copy fingerprint' }).press('Enter');
    assert.match(
      await page.evaluate(() => navigator.clipboard.readText()),
      /^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/,
    );
    await card.getByText('Made by Berth, ends in 1 year').waitFor();

    await card.getByText(/^admin with skopeo/).waitFor();

    const connect = page.getByRole('region', { name: 'Connect' });
    await connect.getByRole('radio', { name: /Podman.*Needs trust/ }).waitFor();
    await connect.getByText(`podman pull localhost:${registry.port}/app:1`).waitFor();
    await connect.getByRole('button', { name: 'Other clients' }).press('Enter');
    await page.getByRole('dialog', { name: 'Connect a client' }).waitFor();
    await page.keyboard.press('Escape');
    await checkAccessibility(page);
  });

  await t.test('mistakes of clients are told with what mends them, and can be put away', async () => {
    const name = '<img src=x onerror=alert(1)>';
    const headers = { authorization: `Basic ${Buffer.from(`${name}:wrong`).toString('base64')}` };
    for (let n = 0; n < 3; n++) await request(registry.plainUrl, { path: '/v2/', headers });

    const card = needsYou.getByRole('listitem').filter({ hasText: 'wrong' });
    await card.getByText(`berth user passwd '${name}'`).waitFor();
    assert.equal(await page.locator('img').count(), 0);
    await checkAccessibility(page);
    await card.getByRole('button', { name: /^Put away/ }).press('Enter');
    await card.waitFor({ state: 'detached' });

    const engine = needsYou.getByRole('listitem').filter({ hasText: /^Podman.* does not trust/ });
    await engine.getByRole('button', { name: /remind me/ }).press('Enter');
    await engine.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await engine.getByRole('button', { name: /remind me/ }).press('Enter');
    for (;;) {
      const left = needsYou.getByRole('button', { name: /^Put away/ });
      if ((await left.count()) === 0) break;
      const count = await left.count();
      await left.first().press('Enter');
      await left.nth(count - 1).waitFor({ state: 'detached' });
    }
    await needsYou.getByText('Nothing needs you.').waitFor();
  });

  await t.test('an engine needs a login until its own program had one', async () => {
    const other = await window.context.newPage();
    const engines = ['docker', 'podman'].map((kind) => ({
      id: kind,
      kind,
      title: kind,
      state: 'running',
      address: 'localhost:5443',
      need: { kind: 'nothing', sentence: '' },
      notes: [],
    }));
    const keeping = { ...engines[1], id: 'kept', title: 'kept', login: 'as dev, by the helper of Berth' };
    await other.routeWebSocket(/\/api\//, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => {
        const { id, method } = JSON.parse(String(message)) as { id: number; method?: string };
        if (method === 'engines.list')
          socket.send(JSON.stringify({ kind: 'ok', id, value: [...engines, keeping] }));
        else server.send(message);
      });
    });
    await request(registry.plainUrl, { path: '/v2/', user, headers: { 'user-agent': 'Docker-Client/28.2' } });
    await other.goto(`${registry.url}/ui/#/home`);

    await other.getByRole('radio', { name: 'docker Ready' }).waitFor();
    await other.getByRole('radio', { name: 'podman Needs login' }).waitFor();
    await other.getByRole('radio', { name: 'kept Ready' }).waitFor();
    const card = other.getByRole('region', { name: 'Registry' });
    assert.deepEqual(
      await card
        .getByRole('listitem')
        .filter({ hasText: /^\w+: / })
        .allInnerTexts(),
      ['docker: not logged in', 'podman: not logged in', 'kept: as dev, by the helper of Berth'],
    );
    await checkAccessibility(other);
    await other.close();
  });

  await t.test('what the index cannot say yet is missed in its place alone', async () => {
    const other = await window.context.newPage();
    const error = { code: 'UNAVAILABLE', message: 'The index is being built.', hint: 'Wait.' };
    await askBySocket(other);
    await other.routeWebSocket(/\/api\//, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => {
        const { id, method } = JSON.parse(String(message)) as { id: number; method?: string };
        if (method === 'tags.recent') socket.send(JSON.stringify({ kind: 'error', id, error }));
        else server.send(message);
      });
    });
    await other.goto(`${registry.url}/ui/#/home`);

    const recent = other.getByRole('region', { name: 'Recent pushes' });
    await recent.getByRole('alert').getByText('The index is being built.').waitFor();
    await recent.getByRole('button', { name: 'Try again' }).waitFor();
    await other.getByRole('region', { name: 'Registry' }).getByText('Running', { exact: true }).waitFor();
    await checkAccessibility(other);
    await other.close();
  });

  await t.test('stopping asks first, with what that ends; then what is known stays', async () => {
    const push = await pushSlowly(registry, { user, repository: 'team/slow', agent: 'docker/28.2.1' });
    push.send(1000);
    await page.getByRole('region', { name: 'Registry' }).getByRole('button', { name: 'Stop' }).press('Enter');
    const dialog = page.getByRole('alertdialog', { name: 'Stop the registry?' });
    await dialog.getByText('1 transfer under way').waitFor();
    await dialog.getByText('berth down').waitFor();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Cancel' }).press('Enter');
    await dialog.waitFor({ state: 'detached' });

    push.end();
    await push.ended;
    await registry.stop();

    await page.getByText('The registry was stopped').waitFor();
    await page.getByText(/^Next try in \d+ s$/).waitFor();
    await checkAccessibility(page);
    await page.getByRole('region', { name: 'Registry' }).getByText('Stopped', { exact: true }).waitFor();
    await page.getByRole('grid', { name: 'Recent pushes' }).getByText('team/web:2.0').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Stop', exact: true }).count(), 0);
  });
});
