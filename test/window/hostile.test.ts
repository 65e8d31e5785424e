/** What strangers write is text and nothing else: on every screen, in every dialog that shows some of it. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { writeTar } from '../../registry/archive/tar.ts';
import { openClient } from '../../registry/cli/client.ts';
import { mediaTypes, pushInto } from '../support/content.ts';
import { request } from '../support/http.ts';
import { startReceiver } from '../support/receiver.ts';
import { needs } from '../support/tools.ts';
import { openWindow } from '../support/window.ts';

/** The part that is looked for on the screen. */
function seen(where: string): string {
  return `<img src=x onerror=executed('${where}')>`;
}

/** As short as names have to be. */
function short(where: string): string {
  return `'">${seen(where)}\u202Egnp.exe`;
}

/** Everything at once: each part would do something in markup, in a template, in an address or in a terminal. */
function whole(where: string): string {
  const act = `executed('${where}')`;
  return [
    `'">`,
    seen(where),
    `</title></textarea></style></script><script>${act}</script>`,
    `<svg/onload=${act}><animate onbegin=${act} attributeName=x dur=1s></svg>`,
    `<iframe srcdoc="<script>parent.${act}</script>"></iframe><object data="javascript:${act}"></object>`,
    `<a href="javascript:${act}" onmouseover=${act} style="position:fixed;inset:0">press</a>`,
    `<base href="https://elsewhere.example/"><meta http-equiv=refresh content="0;url=javascript:${act}">`,
    `<details open ontoggle=${act}><body onload=${act}><input autofocus onfocus=${act}>`,
    `javascript:${act} JaVaScRiPt&#58;${act} data:text/html,<script>${act}</script>`,
    `{{constructor.constructor("${act}")()}} \${${act}} #{${act}} <%= ${act} %> __proto__ constructor`,
    // Turned around, hidden, of a terminal, and letters that look like others.
    `\u202Egnp.exe\u2066\u200B\uFEFF\u001B[2J\u001B]8;;https://elsewhere.example\u0007\u0008\u009B31m`,
    `аdmin ɡoogle ⁄etc⁄passwd Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘`,
    'w'.repeat(3000),
  ].join(' ');
}

const forbidden = [
  'img',
  'iframe',
  'object',
  'embed',
  'base',
  'script:not([src])',
  'meta[http-equiv="refresh"]',
  'a[href^="javascript" i]',
  'a[href^="data" i]',
  'a[href*="elsewhere"]',
  '[onload]',
  '[onerror]',
  '[onfocus]',
  '[onmouseover]',
  '[onbegin]',
  '[ontoggle]',
].join();

test('what strangers write', needs('chromium'), async (t) => {
  await using receiver = await startReceiver({
    instead(res) {
      res.statusMessage = seen('response').replaceAll("'", '');
      res.writeHead(500, { 'content-type': 'text/html' }).end(whole('response'));
      return true;
    },
  });
  await using window = await openWindow({
    env: { BERTH_NOTIFICATIONS_PRIVATETARGETS: '[127.0.0.1]' },
  });
  const { page, registry, user, context, complaints } = window;
  page.setDefaultTimeout(20_000);
  using client = await openClient(registry.dataDir);
  const executed: string[] = [];
  await context.exposeFunction('executed', (where: string) => void executed.push(where));
  await page.reload();
  const repository = 'constructor/proto';
  await pushEverything();
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();

  /** Pushes, adds and asks with hostile text wherever somebody can write some. */
  async function pushEverything(): Promise<void> {
    const pusher = pushInto({ ...registry, user }, repository);
    const layer = gzipSync(
      writeTar([
        { name: short('file').replaceAll('/', ''), bytes: Buffer.from(whole('content')) },
        { name: 'plain', bytes: Buffer.from('plain') },
      ]),
    );
    const words = whole('label');
    const config = {
      os: 'linux',
      architecture: short('platform'),
      author: whole('author'),
      config: {
        Labels: { [short('labelName')]: words, 'org.opencontainers.image.source': `javascript:${words}` },
        Env: [`${short('env').replaceAll('=', '')}=${whole('envValue')}`, `PASSWORD=${whole('secret')}`],
        Cmd: [whole('cmd')],
        Entrypoint: [whole('entrypoint')],
        User: short('runsAs'),
        WorkingDir: short('directory'),
        ExposedPorts: { [short('port')]: {} },
        Volumes: { [short('volume')]: {} },
      },
      history: [{ created_by: whole('history'), comment: whole('comment') }],
      rootfs: { type: 'layers', diff_ids: [] },
    };
    const annotations = { [short('annotationName')]: whole('annotation') };
    const pushed = await pusher.image({ layers: [layer], config, annotations }, 'javascript_executed.1');
    const other = { ...config, config: { ...config.config, Cmd: [whole('otherCmd')] } };
    await pusher.image({ layers: [layer], config: other }, '__proto__');
    await pusher.image({ layers: [layer], config: { ...other, author: 'a' } }, 'moved');
    await pusher.image({ layers: [layer], config: { ...other, author: 'b' } }, 'moved');

    const spdx = JSON.stringify({
      spdxVersion: 'SPDX-2.3',
      packages: [
        { name: short('package'), versionInfo: short('version'), licenseConcluded: short('license') },
      ],
    });
    const title = { 'org.opencontainers.image.title': short('title') };
    const file = { ...(await pusher.blob(spdx, 'application/spdx+json')), annotations: title };
    const empty = await pusher.blob('{}', mediaTypes.empty);
    const artifact = { artifactType: 'application/spdx+json', config: empty, layers: [file] };
    await pusher.manifest({ ...artifact, annotations: { [short('a')]: short('referrer') }, subject: pushed });
    await pusher.manifest({ ...artifact, annotations }, 'artifact');

    await client.call('users.add', {
      name: short('user'),
      role: 'pull',
      repositories: ['**'],
      password: 'long enough',
    });
    await client.call('tokens.create', {
      owner: short('user'),
      label: short('token'),
      verbs: ['pull'],
      repositories: ['**'],
      expiryDays: 7,
    });
    await client.call('webhooks.set', {
      name: short('hook'),
      url: `${receiver.url}?${encodeURI(seen('url'))}`,
    });
    await client.call('protect.add', { rule: 'constructor/**:__proto__' });
    await client.call('tags.set', { repository, tag: 'lost', digest: pushed.digest });
    await client.call('tags.delete', { repository, tag: 'lost' });
    for (let count = 0; count < 5; count += 1) {
      await request(registry.plainUrl, {
        path: `/v2/${encodeURIComponent(seen('path'))}/manifests/1`,
        user: `${short('login')}:wrong`,
        headers: { 'user-agent': seen('agent') },
      });
    }
  }

  /** Nothing ran, nothing was refused by the policy since nothing tried, and no markup came of text. */
  async function mustBeText(where: string, ...shown: readonly string[]): Promise<void> {
    for (const each of shown) {
      await page
        .getByText(seen(each))
        .first()
        .waitFor({ state: 'attached' })
        .catch(async () =>
          assert.fail(`${where} does not show ${each}: ${await page.getByRole('main').innerText()}`),
        );
    }
    assert.deepEqual(executed, [], where);
    assert.deepEqual(complaints, [], where);
    const markup = await page.locator(forbidden).evaluateAll((all) => all.map((each) => each.outerHTML));
    assert.deepEqual(markup, [], where);
    const isTooWide = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth > clientWidth;
    });
    assert.equal(isTooWide, false, `${where} is wider than the window`);
  }

  const at = `#/repositories/${repository}`;
  const tag = `${at}/_/image/javascript_executed.1`;
  for (const [hash, ...shown] of [
    ['#/home', 'hook'],
    ['#/repositories'],
    [at],
    [`${at}/_/untagged`],
    [`${at}/_/history`],
    [`${at}/_/settings`],
    [tag, 'labelName', 'label', 'cmd', 'entrypoint', 'envValue', 'runsAs', 'directory', 'port', 'volume'],
    [`${tag}/layers?layer=1`, 'history', 'file'],
    [`${tag}/dockerfile`, 'history'],
    [`${tag}/attached`],
    [`${tag}/history`],
    [`${tag}/raw`],
    [`${tag}/use`],
    [`${at}/_/image/artifact`, 'annotationName', 'annotation'],
    [`${at}/_/image/artifact/files?file=1`, 'title'],
    [`${at}/_/compare/javascript_executed.1/__proto__`, 'cmd', 'otherCmd'],
    ['#/activity', 'login'],
    ['#/storage/usage'],
    ['#/storage/cleanup?preview=yes'],
    ['#/storage/trash'],
    ['#/storage/rules'],
    ['#/storage/verify'],
    ['#/logs', 'login'],
    ['#/access/users', 'user'],
    ['#/access/tokens', 'token', 'user'],
    ['#/access/anonymous'],
    ['#/doctor'],
    ['#/changes'],
    ['#/settings/webhooks', 'hook'],
    ['#/settings/look'],
    ['#/settings/certificate'],
    ['#/settings/export'],
  ] as const) {
    await t.test(`is text at ${hash}`, async () => {
      await window.go(hash);
      await mustBeText(hash, ...shown);
    });
  }

  await t.test('is text in the address of the window', async () => {
    for (const hash of [
      `#/repositories?q=${encodeURIComponent(whole('query'))}`,
      `#/repositories/${encodeURIComponent(seen('name'))}`,
      `#/settings?q=${encodeURIComponent(seen('setting'))}`,
      `#/logs?q=${encodeURIComponent(seen('grep'))}`,
      `#/${encodeURIComponent(seen('screen'))}`,
      '#/__proto__',
      '#javascript:executed("hash")',
    ]) {
      await page.evaluate((to) => {
        location.hash = to;
      }, hash);
      await page.getByRole('main').waitFor();
      await mustBeText(hash);
    }
  });

  await t.test('is text in the dialogs', async () => {
    await window.go(`${tag}/layers?layer=1`);
    await page
      .getByRole('treegrid', { name: 'Files' })
      .getByRole('row')
      .filter({ hasText: seen('file') })
      .focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await mustBeText('a file', 'content');
    await page.keyboard.press('Escape');

    await window.go('#/access/users');
    for (const act of ['Role and repositories', 'Reset password', 'Delete']) {
      const row = page.getByRole('row').filter({ hasText: seen('user') });
      await row.click({ button: 'right' });
      await page.getByRole('menuitem', { name: act }).click();
      await page.getByRole('dialog').or(page.getByRole('alertdialog')).waitFor();
      await mustBeText(act, 'user');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').or(page.getByRole('alertdialog')).waitFor({ state: 'detached' });
    }

    await window.go('#/access/tokens');
    await page
      .getByRole('row')
      .filter({ hasText: seen('token') })
      .focus();
    await page.keyboard.press('Delete');
    await page.getByRole('alertdialog').waitFor();
    await mustBeText('revoke', 'token');
    await page.keyboard.press('Escape');

    await window.go('#/activity');
    await page
      .getByRole('row')
      .filter({ hasText: seen('login') })
      .first()
      .focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await mustBeText('an entry', 'login');
    await page.keyboard.press('Escape');

    await window.go('#/home');
    await page.keyboard.press('Control+k');
    await page.keyboard.type(seen('palette'));
    await mustBeText('the palette');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('c');
    await page.getByRole('dialog').waitFor();
    await mustBeText('connect');
    await page.keyboard.press('Escape');
  });

  await t.test('is text in what a receiver of events answers', async () => {
    await window.go('#/settings/webhooks');
    await page
      .getByRole('row')
      .filter({ hasText: seen('hook') })
      .click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Send a test' }).click();
    await page.getByText(/The test of .* failed/).waitFor();
    await mustBeText('a test', 'hook');
    await page
      .getByRole('row')
      .filter({ hasText: seen('hook') })
      .click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Change' }).click();
    await page.getByRole('dialog').waitFor();
    await mustBeText('a webhook');
    await page.keyboard.press('Escape');
  });

  await t.test('is text in the fields of a line of the log', async () => {
    await window.go('#/logs');
    await page.getByText(seen('login')).first().waitFor();
    await page.getByRole('log').getByRole('row').last().focus();
    await page.keyboard.press('Enter');
    await mustBeText('a line');
  });
});
