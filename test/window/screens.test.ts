/**
 * Every screen with content, in both themes: accessible, within its frame on small windows, and as pictures for the guide
 * where SCREENSHOTS names a directory:
 *
 *     SCREENSHOTS=docs/guide/images node --test test/window/screens.test.ts test/window/consent.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { pushInto } from '../support/content.ts';
import { request } from '../support/http.ts';
import { needs } from '../support/tools.ts';
import { checkAccessibility, goTo, openWindow, takePicture, type TestWindow } from '../support/window.ts';
import { attach, pushChart, pushVersion } from './image-content.ts';

interface Shown {
  readonly name: string;
  readonly hash: string;
  /** What to do there before it is looked at. */
  readonly act?: (page: Page) => Promise<unknown>;
}

const image = '#/repositories/team/api/_/image/1.4.0';
const screens: readonly Shown[] = [
  { name: 'home', hash: '#/home' },
  { name: 'setup', hash: '#/home?setup=1' },
  { name: 'repositories', hash: '#/repositories' },
  { name: 'repository', hash: '#/repositories/team/api' },
  { name: 'repository-history', hash: '#/repositories/team/api/_/history' },
  { name: 'image', hash: image },
  { name: 'image-layers', hash: `${image}/layers` },
  { name: 'image-dockerfile', hash: `${image}/dockerfile` },
  { name: 'compare', hash: '#/repositories/team/api/_/compare/1.3.0/1.4.0' },
  { name: 'activity', hash: '#/activity' },
  { name: 'storage', hash: '#/storage' },
  { name: 'storage-cleanup', hash: '#/storage/cleanup' },
  { name: 'storage-trash', hash: '#/storage/trash' },
  { name: 'storage-rules', hash: '#/storage/rules' },
  { name: 'storage-verify', hash: '#/storage/verify' },
  { name: 'logs', hash: '#/logs' },
  { name: 'access', hash: '#/access' },
  { name: 'access-tokens', hash: '#/access/tokens' },
  { name: 'access-anonymous', hash: '#/access/anonymous' },
  { name: 'doctor', hash: '#/doctor' },
  { name: 'changes', hash: '#/changes' },
  { name: 'settings', hash: '#/settings' },
  { name: 'settings-certificate', hash: '#/settings/certificate' },
  {
    name: 'connect',
    hash: '#/repositories/team/api',
    act: async (page) => {
      await page.keyboard.press('c');
      await page.getByRole('dialog').getByText('Push and pull').waitFor();
    },
  },
  { name: 'palette', hash: '#/home', act: (page) => page.keyboard.press('Control+k') },
];

test('every screen', { ...needs('chromium') }, async (t) => {
  await using window = await openWindow({
    users: {
      ci: { role: 'push', password: 'a-password-of-ci' },
      dev: { role: 'push', password: 'a-password-of-dev' },
      viewer: { role: 'pull', password: 'a-password-of-viewer' },
    },
    env: { BERTH_STORAGE_PROTECTEDTAGS: '["team/*:v*"]' },
  });
  await fill(window);
  const { page } = window;

  for (const theme of ['light', 'dark'] as const) {
    await page.evaluate(
      (name) => localStorage.setItem('berth.preferences', JSON.stringify({ theme: name })),
      theme,
    );
    await page.goto('about:blank');
    await page.goto(`${window.registry.url}/ui/`);
    await t.test(`login, ${theme}`, async () => {
      const context = await window.browser.newContext({
        ignoreHTTPSErrors: true,
        viewport: page.viewportSize(),
        colorScheme: theme,
      });
      const login = await context.newPage();
      await login.goto(`${window.registry.url}/ui/`);
      await login.getByLabel('User').fill('ci');
      await login.getByLabel('Password').fill('a-password-of-ci');
      await login.getByRole('button', { name: 'Log in' }).click();
      await login.getByRole('alert').waitFor();
      await takePicture(login, `login-${theme}`);
      await context.close();
    });
    for (const { name, hash, act } of screens) {
      await t.test(`${name}, ${theme}`, async () => {
        await goTo(page, hash);
        await act?.(page);
        await takePicture(page, `${name}-${theme}`);
        // It looks at both themes.
        if (theme === 'light') await checkAccessibility(page);
        if (act !== undefined) await page.keyboard.press('Escape');
      });
    }
  }

  for (const [words, size] of [
    ['at the least size', { width: 880, height: 560 }],
    ['at 200 % zoom', { width: 560, height: 360 }],
  ] as const) {
    await t.test(`nothing is cut off ${words}`, async () => {
      await page.setViewportSize(size);
      const wide: string[] = [];
      for (const { name, hash, act } of screens) {
        if (act !== undefined) continue;
        await goTo(page, hash);
        wide.push(...(await findCut(page)).map((what) => `${name}: ${what}`));
      }

      assert.deepEqual(wide, []);
    });
  }

  await t.test('with forced colours everything is still accessible', async () => {
    await page.setViewportSize({ width: 1120, height: 720 });
    await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
    for (const { hash, act } of screens) {
      if (act !== undefined) continue;
      await goTo(page, hash);
      await page.keyboard.press('Tab');
      // The frame of a field may show what the field does not.
      const isSeen = await page.evaluate(() => {
        const focused = document.activeElement;
        return [focused, focused?.parentElement].some(
          (element) =>
            element !== null && element !== undefined && getComputedStyle(element).outlineStyle !== 'none',
        );
      });
      assert.ok(isSeen, `${hash}: the focus is not seen`);
    }
    await page.emulateMedia({ forcedColors: 'none' });
  });
});

/** What reaches beyond the window and is in nothing that scrolls. */
async function findCut(page: Page): Promise<readonly string[]> {
  return await page.evaluate(() => {
    const scrolls = (element: Element): boolean => {
      for (let at: Element | null = element; at !== null && at.tagName !== 'MAIN'; at = at.parentElement) {
        if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
        // Cut on purpose, with an ellipsis.
        if (at !== element && getComputedStyle(at).overflowX === 'hidden') return true;
      }
      return false;
    };
    return [...document.querySelectorAll('main *, header *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !scrolls(element))
      .map((element) => `${element.tagName} ${element.textContent.slice(0, 60)}`)
      .slice(0, 3);
  });
}

/** Content as a small team has it. */
async function fill({ registry, user }: TestWindow): Promise<void> {
  const into = (repository: string) => pushInto({ plainUrl: registry.plainUrl, user }, repository);
  const api = into('team/api');
  for (const version of ['1.2.0', '1.3.0']) await pushVersion(api, version);
  const newest = await pushVersion(api, '1.4.0');
  await attach(api, newest.amd64);
  for (const tag of ['1.4', 'latest']) await putAgain(registry.plainUrl, user, 'team/api', '1.4.0', tag);
  await pushVersion(into('team/web'), '2.0.1');
  await pushVersion(into('team/worker'), '0.9.0');
  await pushChart(into('charts/shop'), '0.4.0');
  for (const tag of ['3.20', '3.21', '3.22'])
    await into('library/alpine').image({ layers: [Buffer.from(tag)] }, tag);
  await request(registry.plainUrl, { method: 'DELETE', path: '/v2/library/alpine/manifests/3.20', user });
  await request(registry.plainUrl, { path: '/v2/team/api/manifests/latest', user });
  for (let tries = 0; tries < 3; tries++) {
    await request(registry.plainUrl, {
      path: '/v2/',
      user: 'ci:wrong',
      headers: { 'user-agent': 'docker/28.2.2' },
    });
  }
}

/** Gives what a tag means a further tag. */
async function putAgain(
  url: string,
  user: string,
  repository: string,
  from: string,
  tag: string,
): Promise<void> {
  const found = await request(url, {
    path: `/v2/${repository}/manifests/${from}`,
    user,
    headers: { accept: 'application/vnd.oci.image.index.v1+json' },
  });
  const { status } = await request(url, {
    method: 'PUT',
    path: `/v2/${repository}/manifests/${tag}`,
    user,
    body: found.body,
    headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
  });
  assert.equal(status, 201);
}
