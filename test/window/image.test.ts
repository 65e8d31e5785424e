import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { digestOf, mediaTypes, pushInto, type Pusher } from '../support/content.ts';
import { makeImage } from '../support/image.ts';
import { succeed } from '../support/process.ts';
import { berth } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, openWindow, type TestWindow } from '../support/window.ts';
import {
  attach,
  file,
  hostile,
  layerOf,
  noise,
  pushChart,
  pushHostile,
  pushVersion,
} from './image-content.ts';

test('one image or artifact', needs('chromium'), async (t) => {
  await using window = await openWindow({
    env: {
      BERTH_STORAGE_PROTECTEDTAGS: '["**:v*"]',
      BERTH_VALIDATION_SPARSE: 'true',
      REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMS: 'none',
    },
  });
  const { page, registry, user } = window;
  const into = (repository: string): Pusher => pushInto({ plainUrl: registry.plainUrl, user }, repository);
  const api = into('team/api');
  const former = await pushVersion(api, '1.3.0');
  const newest = await pushVersion(api, '1.4.0');
  const sbom = await attach(api, newest.amd64);
  const at = '#/repositories/team/api/_/image/1.4.0';
  const clipboard = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
  const tab = (name: string) => page.getByRole('tab', { name, exact: true });

  await t.test(
    'the head and the overview say what it is, with secrets masked until they are revealed',
    async () => {
      await window.go(at);

      await page.getByRole('heading', { level: 1, name: 'team/api:1.4.0' }).waitFor();
      await page.getByText('Signed, not verified').waitFor();
      await page.getByText(/^Pushed (now|.* ago) by admin/).waitFor();
      await page.getByText('["/sbin/tini", "--", "node", "server.js"]').waitFor();
      const labels = page.getByRole('table', { name: 'Labels' }).getByRole('rowheader');
      assert.match((await labels.first().textContent()) ?? '', /^org\.opencontainers\./);
      const row = page.getByRole('row', { name: /DATABASE_PASSWORD/ });
      assert.match((await row.textContent()) ?? '', /•{8}/);
      await row.getByRole('button', { name: 'Reveal DATABASE_PASSWORD' }).click();
      await row.getByText('hunter-1.4.0').waitFor();
      await page.getByRole('button', { name: 'Count unpacked' }).click();
      await page.getByText(/^[\d.]+MB unpacked$/).waitFor();
      await checkAccessibility(page);
    },
  );

  await t.test('a platform is chosen by keys, and kept by tabs and a reload', async () => {
    await window.go(at);
    await page.getByRole('button', { name: /Platform/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('option', { name: 'linux/arm64' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash.includes('platform=linux'));
    await tab('Raw').click();

    await page.reload();

    await page.getByText(newest.arm64.digest.slice(7, 19), { exact: true }).waitFor();
    assert.equal(new URL(page.url()).hash, `${at}/raw?platform=linux%2Farm64`);
    await window.go(`${at}?platform=plan9%2Fmips`);
    await page.getByText(/has nothing for "plan9\/mips"/).waitFor();
    await page.getByRole('button', { name: 'Choose for me' }).click();
    await page.getByText(newest.index.digest.slice(7, 19), { exact: true }).first().waitFor();
  });

  await t.test('layers stand with their steps, the end of the base image, and who shares them', async () => {
    await window.go(`${at}/layers`);

    const rows = page.getByRole('grid', { name: 'Layers' }).getByRole('row');
    await page.getByText(/^Above: the base image/).waitFor();
    assert.deepEqual(
      (await rows.allTextContents()).slice(0, 5).map((text) => text.replaceAll('\u00a0', ' ')),
      [
        '#CommandSizeUp to hereShared withDigestFilesSave',
        `1ADD alpine-minirootfs-3.22.1-x86_64.tar.gz /926kB28 %3 images936b367e4739`,
        'CMD ["/bin/sh"]no files',
        'Above: the base image registry.example.test/base/alpine:3.22, as the times of the steps tell. Below: what was built on it.',
        '2RUN apk add --no-cache openssl ca-certificates tini2.04MB89 %3 imagesd96a35f07ef8',
      ],
    );
    await checkAccessibility(page);
  });

  await t.test(
    'a layer is saved, on the desktop where a dialog says, and a step without one is not',
    async () => {
      await window.go(`${at}/layers`);
      assert.equal(await page.getByRole('button', { name: /^More for / }).count(), 0);
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download layer 1' }).click(),
      ]);
      assert.match(download.suggestedFilename(), /^sha256-936b367e4739[0-9a-f]{52}\.tar\.gz$/);
      const digest = digestOf(await readFile(await download.path()));
      assert.equal(`${digest.replace(':', '-')}.tar.gz`, download.suggestedFilename());

      const desk = await openDesk(window);
      await desk.page.goto(page.url());
      const rows = desk.page.getByRole('grid', { name: 'Layers' }).getByRole('row');
      const without = rows.filter({ hasText: 'CMD ["/bin/sh"]' });
      await without.waitFor();
      assert.equal(await without.getByRole('button').count(), 0);
      await rows.filter({ hasText: 'ADD alpine' }).focus();
      await desk.page.keyboard.press('Shift+F10');
      const [saved] = await Promise.all([
        desk.page.waitForEvent('download'),
        desk.page.getByRole('menuitem', { name: 'Save as…' }).press('Enter'),
      ]);
      assert.equal(saved.suggestedFilename(), download.suggestedFilename());
      assert.ok((await desk.asked()).includes('files.askWhere'));
      await checkAccessibility(desk.page);
      await desk.page.close();
    },
  );

  await t.test('files of a layer are found, opened and read by keys alone', async () => {
    await window.go(`${at}/layers`);
    await page.getByRole('row', { name: /COPY --chown/ }).focus();
    await page.keyboard.press('Enter');
    const pane = page.getByRole('region', { name: 'Files of layer 4' });
    const tree = pane.getByRole('treegrid', { name: 'Files' });
    await tree.getByRole('row', { name: /^Expand etc/ }).focus();
    await page.keyboard.press('ArrowRight');
    await tree.getByRole('row', { name: /motd/ }).waitFor();

    await page.keyboard.press('ArrowDown');

    assert.match((await tree.locator(':focus').textContent()) ?? '', /^motd.*modified10B8B/);
    await checkAccessibility(page);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'etc/motd' }).getByText('api 1.4.0').waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('zone-7');
    await pane.getByRole('row', { name: /zone-7.*removed.*600B/ }).waitFor();
    await page.keyboard.press('Escape');
    await tree.getByRole('row', { name: /^Expand usr/ }).focus();
    await page.keyboard.press('Escape');
    await pane.waitFor({ state: 'detached' });
  });

  await t.test(
    'a directory of many files is read as far as it is asked for, and a file is saved',
    async () => {
      const many = Array.from({ length: 1200 }, (_, number) =>
        file(`many/file-${String(number).padStart(4, '0')}`, 'x'),
      );
      await into('files/app').image({ layers: [layerOf(...many, file('bytes.bin', noise('b', 3000)))] }, '1');
      await window.go('#/repositories/files/app/_/image/1/layers?layer=1');
      const tree = page.getByRole('treegrid', { name: 'Files' });
      await tree.getByRole('row', { name: /^(?:Expand|Collapse) many/ }).dblclick();
      await tree.getByRole('row', { name: /file-0000/ }).waitFor();
      assert.equal(await tree.getAttribute('aria-rowcount'), '504');

      await tree.getByRole('row', { name: /^(?:Expand|Collapse) many/ }).focus();
      await page.keyboard.press('Home');
      assert.match((await tree.locator(':focus').textContent()) ?? '', /bytes\.bin/);
      await page.keyboard.press('Enter');

      const dialog = page.getByRole('dialog', { name: 'bytes.bin' });
      await dialog.getByText(/^This is no text/).waitFor();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        dialog.getByRole('button', { name: 'Download' }).click(),
      ]);
      assert.equal(download.suggestedFilename(), 'bytes.bin');
      assert.deepEqual(await readFile(await download.path()), noise('b', 3000));
      await page.keyboard.press('Escape');
      await tree.locator(':focus').waitFor();
      await page.keyboard.press('End');
      await tree.getByRole('row', { name: /Show more of 700 entries/ }).waitFor();
      await page.keyboard.press('Enter');
      await page.waitForFunction(
        () => document.querySelector('[role="treegrid"]')?.getAttribute('aria-rowcount') === '1004',
      );
      await page.keyboard.press('End');
      await page.keyboard.press('ArrowUp');
      await page.waitForFunction(() => document.activeElement?.textContent.includes('file-0999'));
    },
  );

  await t.test('the Dockerfile is rebuilt, and copied', async () => {
    await window.go(`${at}/dockerfile`);

    await page.getByRole('button', { name: 'Copy Dockerfile' }).click();

    assert.match(await clipboard(), /\nFROM scratch\nADD alpine.*\nCMD \["\/bin\/sh"\]\nRUN apk add/);
    await checkAccessibility(page);
  });

  await t.test('what is attached is a tree; packages are searched, and a document is saved', async () => {
    await window.go(`${at}/attached`);
    const tree = page.getByRole('treegrid', { name: 'Attached' });
    await tree.getByRole('row', { name: /^SBOM/ }).focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => document.querySelector('[aria-level="2"]') !== null);
    assert.deepEqual(
      (await tree.getByRole('row').allTextContents()).map(
        (text) => /^(?:What|SBOM|Signature|Attestation)/.exec(text)?.[0],
      ),
      ['What', 'SBOM', 'Signature', 'Signature', 'Attestation'],
    );

    await page.keyboard.press('Enter');
    await page.getByText('260 packages').waitFor();
    await page.getByLabel('Search packages').fill('library-04');

    await page.getByText('10 packages').waitFor();
    await checkAccessibility(page);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download file 1' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'sbom.spdx.json');
    assert.equal(digestOf(await readFile(await download.path())), sbom.digest);
    await page.getByRole('tab', { name: 'Text' }).click();
    await page.getByText('"spdxVersion": "SPDX-2.3"').waitFor();
    assert.equal(await page.getByRole('button', { name: 'More for 1', exact: true }).count(), 0);

    const desk = await openDesk(window);
    await desk.page.goto(page.url());
    await desk.page.getByRole('button', { name: 'More for 1', exact: true }).click();
    const [saved] = await Promise.all([
      desk.page.waitForEvent('download'),
      desk.page.getByRole('menuitem', { name: 'Save as…' }).click(),
    ]);
    assert.equal(saved.suggestedFilename(), 'sbom.spdx.json');
    assert.ok((await desk.asked()).includes('files.askWhere'));
    await desk.page.close();
  });

  await t.test('an earlier digest of a tag is restored, and that is taken back', async () => {
    await into('moved/app').image({ config: { os: 'linux', author: 'one' } }, 'latest');
    const second = await into('moved/app').image({ config: { os: 'linux', author: 'two' } }, 'latest');
    await window.go('#/repositories/moved/app/_/image/latest/history');
    const moves = page.getByRole('grid', { name: 'Moves of latest' });
    await checkAccessibility(page);
    await moves.getByRole('row', { name: /New/ }).focus();

    await page.keyboard.press('r');

    await page.getByText(/^latest means/).waitFor();
    await tab('Overview').click();
    await page.getByText('one', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('two', { exact: true }).waitFor();
    assert.equal((await page.getByText(second.digest.slice(7, 19)).count()) > 0, true);
  });

  await t.test('columns are hidden and moved in each table, and stay so', async () => {
    const heads = async (table: string): Promise<readonly string[]> =>
      await page.getByLabel(table, { exact: true }).getByRole('columnheader').allInnerTexts();
    const hide = async (column: string): Promise<void> => {
      await page.getByRole('button', { name: 'Columns' }).last().press('Enter');
      const choice = page.getByRole('dialog', { name: 'Columns' });
      await choice.getByRole('checkbox', { name: column }).press('Space');
      await page.keyboard.press('Escape');
      await choice.waitFor({ state: 'detached' });
    };
    await window.go(`${at}/layers`);
    await hide('Shared with');
    await page.getByRole('button', { name: 'Columns' }).press('Enter');
    const choice = page.getByRole('dialog', { name: 'Columns' });
    await choice.getByRole('button', { name: 'Move Digest left' }).press('Enter');
    await choice.getByRole('button', { name: 'Move Digest left' }).press('Enter');
    await checkAccessibility(page);
    await page.keyboard.press('Escape');
    await choice.waitFor({ state: 'detached' });
    assert.deepEqual(await heads('Layers'), [
      '#',
      'Command',
      'Size',
      'Digest',
      'Up to here',
      'Files',
      'Save',
    ]);
    await page.reload();
    await page.getByRole('grid', { name: 'Layers' }).waitFor();
    assert.deepEqual(await heads('Layers'), [
      '#',
      'Command',
      'Size',
      'Digest',
      'Up to here',
      'Files',
      'Save',
    ]);

    await window.go(`${at}/layers?layer=1`);
    await page.getByRole('treegrid', { name: 'Files' }).waitFor();
    await hide('Mode');
    assert.ok(!(await heads('Files')).includes('Mode'));
    await window.go(`${at}/history`);
    await hide('From');
    assert.ok(!(await heads('Moves of 1.4.0')).includes('From'));
    await window.go(`${at}/attached`);
    await hide('Type');
    assert.ok(!(await heads('Attached')).includes('Type'));
    await page.getByRole('button', { name: 'SBOM' }).click();
    await page.getByRole('grid', { name: 'Packages' }).waitFor();
    await hide('License');
    assert.ok(!(await heads('Packages')).includes('License'));
    await page.getByLabel('Search packages').focus();
    await checkAccessibility(page);
  });

  await t.test('times that are copied with a selection are those of the clock', async () => {
    await window.go(`${at}/history`);
    const cell = page.getByRole('grid', { name: 'Moves of 1.4.0' }).locator('time').first();
    const shown = await cell.innerText();
    const exact = (await cell.getAttribute('title')) ?? '';

    await page.keyboard.press('Escape');
    await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector('main') ?? document));
    await page.keyboard.press('Control+c');

    const copied = await clipboard();
    assert.match(exact, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    assert.ok(copied.includes(exact), copied);
    assert.equal(await cell.innerText(), shown);
    await page.evaluate(() => getSelection()?.removeAllRanges());
  });

  await t.test('digests in the raw texts lead on, inside of the window', async () => {
    await window.go(`${at}/raw`);
    const text = page.getByRole('group', { name: 'Manifest' });
    await text.getByText('"schemaVersion": 2').waitFor();
    await checkAccessibility(page);

    await text.getByRole('link').first().click();

    await page.getByRole('group', { name: 'Config' }).getByText('"WorkingDir": "/srv/app"').waitFor();
    await page.goBack();
    await text.getByRole('link').last().click();
    await page.getByRole('region', { name: 'Files of layer 4' }).waitFor();
    await window.go(`${at}/raw?doc=index`);
    await page.getByRole('group', { name: 'Index' }).getByRole('link', { name: newest.arm64.digest }).click();
    await page.getByRole('heading', { name: newest.arm64.digest.slice(7, 19) }).waitFor();
    await page.getByText('linux/arm64').first().waitFor();
  });

  await t.test('every client has its words, by tag and by digest', async () => {
    await window.go(`${at}/use`);
    await page.getByRole('button', { name: 'Copy for Podman' }).click();
    assert.match(await clipboard(), /^podman pull localhost:\d+\/team\/api:1\.4\.0$/);
    await checkAccessibility(page);

    await page.getByRole('button', { name: /Name it/ }).click();
    await page.getByRole('option', { name: /By digest/ }).click();

    await page.getByRole('button', { name: 'Copy for Kubernetes' }).click();
    assert.match(await clipboard(), new RegExp(`^image: localhost:\\d+/team/api@${newest.index.digest}$`));
  });

  await t.test('keys copy the reference, the pull command and the digest', async () => {
    await window.go(at);
    for (const [key, expected] of [
      ['y', /^localhost:\d+\/team\/api:1\.4\.0$/],
      ['Y', /^docker pull localhost:\d+\/team\/api:1\.4\.0$/],
      ['d', new RegExp(`^${newest.index.digest}$`)],
    ] as const) {
      await page.evaluate(() => navigator.clipboard.writeText(''));
      await page.keyboard.press(key);
      await page.waitForFunction(async () => (await navigator.clipboard.readText()) !== '');
      assert.match(await clipboard(), expected);
    }
  });

  await t.test('a tag is added by keys, and taken back', async () => {
    await window.go(at);
    await page.keyboard.press('a');
    const dialog = page.getByRole('dialog', { name: 'Add a tag' });
    await dialog.waitFor();
    await page.keyboard.type('no tag');
    await dialog.getByText(/^Letters, digits/).waitFor();
    await checkAccessibility(page);
    await page.keyboard.press('Control+a');
    await page.keyboard.type('stable');
    await dialog.getByText(`berth tag team/api:stable ${newest.index.digest}`).waitFor();

    await page.keyboard.press('Enter');

    await page.getByRole('link', { name: 'stable' }).waitFor();
    await page.keyboard.press('Control+z');
    await page.getByRole('link', { name: 'stable' }).waitFor({ state: 'detached' });
  });

  await t.test('an image is copied to another name, and that is taken back', async () => {
    await window.go(at);
    await page.keyboard.press('C');
    const dialog = page.getByRole('dialog', { name: 'Copy to another name' });
    await dialog.getByText('That is this image.').waitFor();
    await dialog.getByLabel('Repository').fill('release/api');
    await dialog.getByText('berth copy team/api:1.4.0 release/api:1.4.0').waitFor();
    await checkAccessibility(page);

    await dialog.getByLabel('Repository').press('Enter');

    await page.getByText(/^Copied to release\/api:1\.4\.0/).waitFor();
    assert.match(await berth(registry.dataDir, 'tags', 'release/api'), /^1\.4\.0/m);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone').last().waitFor();
    assert.doesNotMatch(await berth(registry.dataDir, 'tags', 'release/api').catch(() => ''), /1\.4\.0/);
  });

  await t.test(
    'an image is not copied to a repository that is read-only, which its dialog says',
    async () => {
      await into('closed/app').image({ config: { os: 'linux' } }, '1');
      await berth(registry.dataDir, 'repository', 'closed/app', '--read-only', 'on');
      await window.go(at);
      await page.keyboard.press('C');
      const dialog = page.getByRole('dialog', { name: 'Copy to another name' });
      await dialog.getByLabel('Repository').fill('closed/app');

      await dialog.getByText('The repository is read-only: see its Settings.').waitFor();

      assert.equal(
        await dialog.getByRole('button', { name: 'Copy', exact: true }).getAttribute('aria-disabled'),
        'true',
      );
      await dialog.getByLabel('Repository').fill('open/app');
      await dialog.getByText(/read-only/).waitFor({ state: 'detached' });
      await page.keyboard.press('Escape');
    },
  );

  await t.test('a tag is deleted at once, says where its digest stays, and comes back', async () => {
    await berth(registry.dataDir, 'tag', 'team/api:also', former.index.digest);
    await window.go('#/repositories/team/api/_/image/also');
    await page.getByRole('link', { name: '1.3.0' }).waitFor();

    await page.keyboard.press('Delete');

    await page.getByText('Deleted team/api:also. The digest stays: also 1.3.0.').waitFor();
    assert.equal(new URL(page.url()).hash, '#/repositories/team/api');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone').last().waitFor();
    assert.match(await berth(registry.dataDir, 'tags', 'team/api'), /^also/m);
  });

  await t.test('a protected tag says so, and stays when it is deleted all the same', async () => {
    await into('moved/app').image({ config: { os: 'linux' } }, 'v1');
    await window.go('#/repositories/moved/app/_/image/v1');
    await page.getByText('Protected by **:v*').waitFor();

    await page.getByRole('button', { name: 'More acts' }).click();
    await page.getByRole('menuitem', { name: 'Delete tag' }).click();

    await page
      .getByText(/protected/)
      .first()
      .waitFor();
    await page.getByRole('heading', { level: 1, name: 'moved/app:v1' }).waitFor();
    await page.getByRole('button', { name: 'Close message' }).last().click();
    await page.mouse.move(0, 0);
  });

  await t.test('what others push and delete is seen within a second', async () => {
    const before = await into('outside/app').image({ config: { os: 'linux', author: 'before' } }, '1');
    await window.go('#/repositories/outside/app/_/image/1');
    await page.getByText('before', { exact: true }).waitFor();

    await into('outside/app').image({ config: { os: 'linux', author: 'after' } }, '1');
    const pushedAt = Date.now();
    await page.getByText('after', { exact: true }).waitFor();

    assert.ok(Date.now() - pushedAt < 1000, `${Date.now() - pushedAt} ms`);
    await berth(registry.dataDir, 'rm', 'outside/app:1');
    await page.getByText(/^This is gone from the registry/).waitFor();
    await page.getByText('after', { exact: true }).waitFor();
    await checkAccessibility(page);
    await page.reload();
    await page.getByRole('heading', { name: 'outside/app:1 is not here' }).waitFor();
    await page
      .getByRole('row', { name: new RegExp(before.digest.slice(7, 19)) })
      .first()
      .waitFor();
    await checkAccessibility(page);
  });

  await t.test('a chart shows its fields and texts, and how it is installed', async () => {
    await pushChart(into('charts/shop'), '0.9.2');
    await window.go('#/repositories/charts/shop/_/image/0.9.2');

    await page.getByText('The shop with its database').waitFor();
    await page.getByRole('button', { name: 'Copy install command' }).click();
    assert.match(
      await clipboard(),
      /^helm install shop oci:\/\/localhost:\d+\/charts\/shop --version 0\.9\.2$/,
    );
    assert.equal(await page.getByRole('link', { name: /example\.test/ }).count(), 0);
    await checkAccessibility(page);
    await tab('Values').click();
    await page.getByText('replicas: 2').waitFor();
    await tab('Readme').click();
    await page.getByText('[read more](javascript:globalThis.isHacked=1)').waitFor();
    await checkAccessibility(page);
    await assertHarmless(page);
  });

  await t.test('other artifacts list their files; titles are no paths', async () => {
    const other = into('other/thing');
    const blob = await other.blob('some text', 'application/vnd.example.data');
    await other.manifest(
      {
        artifactType: 'application/vnd.example.unheard-of',
        config: await other.blob('{}', mediaTypes.empty),
        layers: [{ ...blob, annotations: { 'org.opencontainers.image.title': `../../${hostile.control}` } }],
      },
      '1',
    );
    await window.go('#/repositories/other/thing/_/image/1/files');

    await page.getByRole('button', { name: String.raw`../../safe\u{202e}exe.txt\u{1b}[2J` }).click();

    await page.getByRole('region', { name: 'File 1' }).getByText('some text').waitFor();
    await checkAccessibility(page);
    await tab('Overview').click();
    await page.getByText('application/vnd.example.unheard-of').waitFor();
    assert.equal(await tab('Layers').count(), 0);
  });

  await t.test('what is hostile is text everywhere, and nothing runs', async () => {
    await pushHostile(into('evil/app'), '1');
    for (const place of [
      '',
      '/layers',
      '/dockerfile',
      '/attached',
      '/history',
      '/raw',
      '/raw?doc=config',
      '/use',
    ]) {
      await window.go(`#/repositories/evil/app/_/image/1${place}`);
      if (place !== '/attached' && place !== '/history' && place !== '/use')
        await page
          .getByText(/onerror=/)
          .first()
          .waitFor();
      await assertHarmless(page);
    }
    await window.go('#/repositories/evil/app/_/image/1');
    await checkAccessibility(page);
    await window.go('#/repositories/evil/app/_/image/1/layers?layer=1');
    const tree = page.getByRole('treegrid', { name: 'Files' });
    await tree.getByRole('row', { name: /^Expand bin/ }).dblclick();
    await tree.getByRole('row', { name: /onerror=/ }).dblclick();
    await page
      .getByRole('dialog')
      .getByText(/<script>globalThis/)
      .last()
      .waitFor();
    await assertHarmless(page);
    await page.keyboard.press('Escape');
    await tree.getByText(String.raw`safe\u{202e}exe.txt\u{1b}[2J`).waitFor();
  });

  await t.test('what is missing or damaged is said in words', async () => {
    const broken = into('broken/app');
    const nowhere = { digest: digestOf('nowhere'), size: 7 };
    await broken.manifest(
      {
        manifests: [
          { mediaType: mediaTypes.manifest, ...nowhere, platform: { os: 'linux', architecture: 'amd64' } },
        ],
      },
      'childless',
    );
    await window.go('#/repositories/broken/app/_/image/childless');
    await page.getByText(/is not here\. Choose another platform, or push the image again/).waitFor();
    await checkAccessibility(page);
    await tab('Raw').click();
    await page.getByText(nowhere.digest).waitFor();

    await broken.image({ config: 'no JSON', layers: [Buffer.from('no archive '.repeat(99))] }, 'junk');
    await window.go('#/repositories/broken/app/_/image/junk/layers?layer=1');
    await page.getByText('The config is not that of an image. The raw texts show what it is.').waitFor();
    await page.getByRole('alert').waitFor();

    const layer = layerOf(file('a', noise('damage', 5000)));
    await broken.image({ layers: [layer], config: { os: 'linux' } }, 'damaged');
    await damage(registry.dataDir, digestOf(layer));
    await window.go('#/repositories/broken/app/_/image/damaged/layers?layer=1');
    await page.getByText(/is damaged on disk\. Push the image again/).waitFor();
    await checkAccessibility(page);

    await window.go(`#/repositories/broken/app/_/image/${nowhere.digest}`);
    await page.getByText('The manifest was deleted, or never pushed.', { exact: false }).waitFor();
    await window.go('#/repositories/no/such/_/image/1');
    await page.getByRole('heading', { name: 'no/such:1 is not here' }).waitFor();
  });

  await t.test('an image of three platforms from skopeo', needs('skopeo', 'busybox', 'openssl'), async () => {
    const out = join(registry.dataDir, 'layout');
    const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7'];
    const { digest } = await makeImage({ out, layers: 9, platforms });
    const to = `docker://${registry.address}/skopeo/app:1`;
    const flags = ['--all', '--dest-tls-verify=false', '--dest-creds', user];
    await succeed('skopeo', ['copy', ...flags, `oci:${out}:1`, to]);

    await window.go('#/repositories/skopeo/app/_/image/1/layers?platform=linux%2Farm%2Fv7');

    await page.getByText(digest.slice(7, 19), { exact: true }).first().waitFor();
    await page.getByText('5 smaller ones', { exact: false }).waitFor();
    assert.equal(await page.getByRole('grid', { name: 'Layers' }).getAttribute('aria-rowcount'), '11');
    await page.getByText(/by admin with skopeo/).waitFor();
  });

  await t.test('it stays in a small window, and at twice the size', async () => {
    // 1120 x 720 at 200 % has the room of 560 x 360.
    for (const [width, height] of [
      [880, 560],
      [560, 360],
    ] as const) {
      await page.setViewportSize({ width, height });
      for (const place of ['', '/layers?layer=4', '/attached', '/history', '/raw', '/use']) {
        await window.go(`${at}${place}`);
        // Tables and texts may scroll in themselves, nothing around them.
        const wide = await page.evaluate(() =>
          [...document.querySelectorAll('main *')]
            .filter((each) => each.parentElement?.closest('[role="grid"], [role="treegrid"], pre') === null)
            .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
            .map((each) => each.outerHTML.slice(0, 200)),
        );
        assert.deepEqual(wide, [], `${place} at ${width}`);
        if (place.startsWith('/layers')) await page.getByRole('button', { name: 'Expand etc' }).click();
      }
    }
    await page.setViewportSize({ width: 1120, height: 720 });
  });

  await t.test('without the registry the former answer stays', async () => {
    await window.go(at);

    await registry.stop();

    await page.getByText(/The registry was stopped.*What is shown is from before\./).waitFor();
    await page.getByText('["/sbin/tini", "--", "node", "server.js"]').waitFor();
    await tab('Layers').click();
    await page.getByRole('row', { name: /COPY --chown/ }).waitFor();
  });
});

/** Nothing of what was pushed became an element, a link or a script. */
async function assertHarmless(page: Page): Promise<void> {
  const found = await page.evaluate(() => ({
    isHacked: 'isHacked' in globalThis,
    images: document.querySelectorAll('main img, [role="dialog"] img, main script').length,
    links: [...document.querySelectorAll('a')].filter(({ protocol }) => protocol === 'javascript:').length,
  }));
  assert.deepEqual(found, { isHacked: false, images: 0, links: 0 });
}

/** Turns a byte of a stored blob around. */
async function damage(dataDir: string, digest: string): Promise<void> {
  const hex = digest.replace(/^.*:/, '');
  const files = await readdir(dataDir, { recursive: true });
  const path = files.find((name) => name.endsWith(join(hex, 'data')));
  assert.ok(path !== undefined);
  const bytes = await readFile(join(dataDir, path));
  bytes[100] = (bytes[100] ?? 0) ^ 0xff;
  await writeFile(join(dataDir, path), bytes);
}

/** The page as the desktop shows it, with a shell that notes what it is asked. */
async function openDesk({ context }: TestWindow) {
  const page = await context.newPage();
  await page.addInitScript(() => {
    const own = globalThis as unknown as { asked: string[]; berthShell: object };
    own.asked = [];
    own.berthShell = {
      async invoke(method: string) {
        own.asked.push(method);
        return { ok: undefined };
      },
    };
  });
  return {
    page,
    asked: () => page.evaluate(() => (globalThis as unknown as { readonly asked: readonly string[] }).asked),
  };
}
