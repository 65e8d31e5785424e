/**
 * Pages of other origins, in Chromium, in which somebody is logged in: what they can change in the registry, and what
 * they can read of it. BROWSER_ORIGINS: from how many origins of four.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createPlain, type RequestListener } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { pushImage } from '../support/push.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { buildOnce, launchBrowser, logIn } from '../support/window.ts';
import { listStore } from '../wire/support.ts';

const originCount = Number(process.env['BROWSER_ORIGINS'] ?? 2);
const repository = 'team/canary';
const user = 'admin:a-long-password';

interface Site extends AsyncDisposable {
  readonly port: number;
}

async function serve(
  listener: RequestListener,
  tls?: { readonly cert: Buffer; readonly key: Buffer },
): Promise<Site> {
  const server = tls === undefined ? createPlain(listener) : createSecure(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const blank: RequestListener = (_, res) =>
  void res.setHeader('content-type', 'text/html').end('<!doctype html><title>x</title>');

/** What a page did, and what it got of it: text that it could read, or that something opened. */
interface Attempt {
  readonly name: string;
  readonly got: string;
}

/** Tries to read each path in every way that a page has. */
async function tryReads(page: Page, base: string): Promise<readonly Attempt[]> {
  const paths = [
    '/v2/_catalog',
    `/v2/${repository}/tags/list`,
    `/v2/${repository}/manifests/v`,
    '/api/session',
  ];
  return await page.evaluate(
    async ({ from, all }) => {
      const within = async (act: Promise<string>): Promise<string> => {
        const late = new Promise<string>(
          (resolve) => void setTimeout(() => resolve('no answer in time'), 10_000),
        );
        return await Promise.race([act.catch(() => ''), late]);
      };
      const element = (
        tag: string,
        set: Record<string, string>,
        read: (node: HTMLElement) => string,
      ): Promise<string> =>
        new Promise((resolve) => {
          const node = Object.assign(document.createElement(tag), set);
          node.addEventListener('load', () => resolve(read(node)));
          node.addEventListener('error', () => resolve(''));
          document.body.append(node);
        });
      const textIn = (node: HTMLElement): string =>
        (node as HTMLIFrameElement).contentDocument?.body.textContent ?? '';
      const ways: Record<string, (url: string) => Promise<string>> = {
        fetch: async (url) => await (await fetch(url)).text(),
        'fetch with cookies': async (url) => await (await fetch(url, { credentials: 'include' })).text(),
        'fetch without CORS': async (url) =>
          await (await fetch(url, { mode: 'no-cors', credentials: 'include' })).text(),
        XMLHttpRequest: (url) =>
          new Promise((resolve) => {
            const request = new XMLHttpRequest();
            request.open('GET', url);
            request.withCredentials = true;
            request.addEventListener('loadend', () => resolve(request.responseText));
            request.send();
          }),
        iframe: (url) => element('iframe', { src: url }, textIn),
        object: (url) => element('object', { data: url, type: 'text/html' }, textIn),
        image: (url) => element('img', { src: url }, () => 'shown'),
        script: (url) => element('script', { src: url }, () => 'run'),
        style: (url) =>
          element('link', { rel: 'stylesheet', href: url }, (node) =>
            String((node as HTMLLinkElement).sheet?.cssRules.length ?? ''),
          ),
        module: async (url) => JSON.stringify(await import(url)),
        EventSource: (url) =>
          new Promise((resolve) => {
            const source = new EventSource(url, { withCredentials: true });
            source.addEventListener('open', () => resolve('open'));
            source.addEventListener('error', () => resolve(''));
          }),
        WebSocket: (url) =>
          new Promise((resolve) => {
            const socket = new WebSocket(
              url.replace(/^http/, 'ws').replace(/\/api\/.*|\/v2\/.*/, '/api/rpc'),
              ['berth.1'],
            );
            socket.addEventListener('open', () => resolve('open'));
            socket.addEventListener('error', () => resolve(''));
          }),
      };
      const attempts: { readonly name: string; readonly got: string }[] = [];
      // One way after the other: Chromium opens few connections to one host at a time.
      for (const [way, act] of Object.entries(ways)) {
        const asked = way === 'WebSocket' ? all.slice(0, 1) : all;
        const tried = asked.map(async (path) => ({
          name: `${way} of ${from}${path}`,
          got: await within(act(from + path)),
        }));
        attempts.push(...(await Promise.all(tried)));
      }
      return attempts;
    },
    { from: base, all: paths },
  );
}

/** Tries to change something in every way that a page has; answers how many. */
async function tryWrites(page: Page, base: string): Promise<number> {
  const paths = [
    `/v2/${repository}/blobs/uploads/`,
    `/v2/${repository}/manifests/v`,
    '/api/logout',
    '/api/login',
  ];
  return await page.evaluate(
    async ({ from, all }) => {
      const settle = async (acts: readonly Promise<unknown>[]): Promise<void> => {
        const late = new Promise((resolve) => void setTimeout(resolve, 3000));
        await Promise.race([Promise.allSettled(acts), late]);
      };
      const submit = (url: string, enctype: string): Promise<unknown> =>
        new Promise((resolve) => {
          const name = `f${Math.random()}`;
          const frame = Object.assign(document.createElement('iframe'), { name });
          const form = Object.assign(document.createElement('form'), {
            action: url,
            method: 'POST',
            enctype,
            target: name,
          });
          form.append(
            Object.assign(document.createElement('input'), {
              name: '{"user":"admin","password":"',
              value: 'a-long-password"}',
            }),
          );
          document.body.append(frame, form);
          frame.addEventListener('load', resolve);
          form.submit();
        });
      const simple = { mode: 'no-cors', credentials: 'include', body: '{}' } as const;
      const ways: readonly ((url: string) => Promise<unknown>)[] = [
        (url) => submit(url, 'application/x-www-form-urlencoded'),
        (url) => submit(url, 'multipart/form-data'),
        (url) => submit(url, 'text/plain'),
        (url) => fetch(url, { method: 'POST', ...simple }),
        (url) => fetch(url, { method: 'POST', ...simple, keepalive: true }),
        (url) =>
          fetch(url, {
            method: 'POST',
            credentials: 'include',
            headers: { 'content-type': 'application/json' },
            body: '{}',
          }),
        (url) => fetch(url, { method: 'PUT', credentials: 'include', body: '{}' }),
        (url) => fetch(url, { method: 'PATCH', credentials: 'include', body: '{}' }),
        (url) => fetch(url, { method: 'DELETE', credentials: 'include' }),
        async (url) => navigator.sendBeacon(url, '{}'),
        (url) => fetch(`${url}?_method=DELETE`, { mode: 'no-cors', credentials: 'include' }),
      ];
      await settle(ways.flatMap((way) => all.map((path) => way(from + path))));
      return ways.length * all.length;
    },
    { from: base, all: paths },
  );
}

test('a page of another origin changes and reads nothing', needs('chromium'), async (t) => {
  await buildOnce();
  await using registry = await startRegistry({
    auth: 'htpasswd',
    users: { admin: { role: 'admin', password: 'a-long-password' } },
    env: { BERTH_WEB_ENABLED: 'true' },
  });
  await using open = await startRegistry();
  await pushImage({ plainUrl: registry.plainUrl, user }, repository, 'v', 'layer');
  await pushImage(open, repository, 'v', 'layer');
  const [cert, key] = await Promise.all(
    ['leaf.crt', 'leaf.key'].map((name) => readFile(join(registry.dataDir, 'berth/tls', name))),
  );
  assert.ok(cert !== undefined && key !== undefined);
  await using plain = await serve(blank);
  await using secure = await serve(blank, { cert, key });
  const browser = await launchBrowser(['--host-resolver-rules=MAP evil.test 127.0.0.1']);
  t.after(() => browser.close());
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    // Without some, Chromium asks for a login and waits.
    httpCredentials: { username: 'nobody', password: 'wrong' },
  });
  const window = await context.newPage();
  await logIn(window, registry, 'admin', 'a-long-password');
  const before = await Promise.all([registry, open].map(listStore));
  const page = await context.newPage();
  let [reads, writes] = [0, 0];
  const got: Attempt[] = [];

  const origins = [
    // Of the same site as the window: its cookie goes along.
    `https://127.0.0.1:${secure.port}`,
    `http://evil.test:${plain.port}`,
    `https://evil.test:${secure.port}`,
    `http://127.0.0.1:${plain.port}`,
  ].slice(0, originCount);
  for (const origin of origins) {
    for (const base of [registry.url, open.url, open.plainUrl, registry.plainUrl].slice(0, originCount + 1)) {
      await page.goto(origin);
      const tried = await tryReads(page, base);
      reads += tried.length;
      got.push(...tried.filter((each) => each.got !== '' && !isTelling(each)));
      await page.goto(origin);
      writes += await tryWrites(page, base);
    }
  }
  const rebound = await rebind(page, [registry, open]);

  assert.deepEqual(got, []);
  assert.deepEqual(
    rebound.filter(({ got: text }) => text !== '421'),
    [],
  );
  assert.deepEqual(await Promise.all([registry, open].map(listStore)), before);
  await window.reload();
  await window.getByRole('navigation', { name: 'Screens' }).waitFor();
  assert.ok(reads + rebound.length >= 40 && writes >= 40);
  t.diagnostic(
    `${writes} writes: 0 change something; ${reads} reads and ${rebound.length} rebound names: 0 read something`,
  );
});

/** What says nothing: an empty sheet of styles that was refused as such, a frame that shows an error of Chromium. */
function isTelling({ got }: Attempt): boolean {
  return got === '0';
}

/** Goes to the registry by a name of somebody else, as a page does whose name now means this computer; answers statuses. */
async function rebind(page: Page, registries: readonly TestRegistry[]): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = [];
  for (const { port } of registries) {
    for (const path of [
      '/',
      '/livez',
      '/v2/',
      '/v2/_catalog',
      `/v2/${repository}/tags/list`,
      '/api/session',
      '/ui/',
      '/token',
    ]) {
      for (const scheme of ['http', 'https']) {
        const url = `${scheme}://evil.test:${port}${path}`;
        const answer = await page.goto(url);
        attempts.push({ name: url, got: String(answer?.status()) });
      }
    }
  }
  return attempts;
}

test('what is tried works where nobody hinders it', needs('chromium'), async (t) => {
  let changes = 0;
  await using lax = await serve((req, res) => {
    if (!['GET', 'OPTIONS'].includes(req.method ?? '')) changes += 1;
    res.writeHead(200, {
      'access-control-allow-origin': req.headers.origin ?? '*',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'PUT, PATCH, DELETE, POST',
      'access-control-allow-headers': 'content-type',
      'content-type': req.headers['sec-fetch-dest'] === 'script' ? 'text/javascript' : 'text/html',
    });
    res.end('export const canary = 1');
  });
  await using plain = await serve(blank);
  const browser = await launchBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${plain.port}`);

  const tried = await tryReads(page, `http://127.0.0.1:${lax.port}`);
  await tryWrites(page, `http://127.0.0.1:${lax.port}`);

  const successful = new Set(
    tried.filter(({ got }) => got !== '').map(({ name }) => name.split(' of ', 1)[0]),
  );
  assert.ok(
    successful.has('fetch') && successful.has('XMLHttpRequest') && successful.has('module'),
    [...successful].join(),
  );
  assert.ok(changes >= 36, String(changes));
});
