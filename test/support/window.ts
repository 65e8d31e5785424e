/** The window as people use it: the built page, served by a real registry, in Chromium. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { buildWhereOlder } from './build.ts';
import { pushImage } from './push.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from './registry.ts';

const admin = { name: 'admin', password: 'a-long-password' } as const;

export interface TestWindow extends AsyncDisposable {
  readonly registry: TestRegistry;
  readonly browser: Browser;
  readonly context: BrowserContext;
  /** Logged in as `admin`, at 1120 x 720. */
  readonly page: Page;
  /** `admin:PASSWORD`, for requests beside the window. */
  readonly user: string;
  /** Goes to a place, such as `#/logs`, and waits until its screen is there and nothing is loading. */
  go(hash: string): Promise<void>;
  /** Pushes an image of one layer with that text; answers its digest. */
  push(repository: string, tag: string, layer: string): Promise<string>;
  /** What scripts threw, and what the policy has refused, in every page so far; each test leaves it empty. */
  readonly complaints: readonly string[];
}

/** Starts a registry with an administrator, opens the window and logs in. Disposing asserts that nothing complained. */
export async function openWindow(options: RegistryOptions = {}): Promise<TestWindow> {
  await buildOnce();
  await using cleanup = new AsyncDisposableStack();
  const registry = cleanup.use(
    await startRegistry({
      auth: 'htpasswd',
      ...options,
      users: { [admin.name]: { role: 'admin', password: admin.password }, ...options.users },
      env: { BERTH_WEB_ENABLED: 'true', ...options.env },
    }),
  );
  const browser = await launchBrowser();
  cleanup.defer(() => browser.close());
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 1120, height: 720 },
    permissions: ['clipboard-read', 'clipboard-write'],
    reducedMotion: 'reduce',
  });
  const complaints: string[] = [];
  await watch(context, complaints);
  const page = await context.newPage();
  await logIn(page, registry, admin.name, admin.password);
  const user = `${admin.name}:${admin.password}`;
  const owned = cleanup.move();
  return {
    registry,
    browser,
    context,
    page,
    user,
    complaints,
    push: (repository, tag, layer) =>
      pushImage({ plainUrl: registry.plainUrl, user }, repository, tag, layer),
    async go(hash) {
      await goTo(page, hash);
    },
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      assert.deepEqual(complaints, []);
    },
  };
}

/** With further arguments, and as a user whose home that is. */
export async function launchBrowser(
  more: readonly string[] = [],
  home = process.env['HOME'],
): Promise<Browser> {
  return await chromium.launch({
    executablePath: '/usr/bin/chromium',
    env: { ...process.env, HOME: home },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  });
}

/** Opens the window in a page and logs in by its form. */
export async function logIn(
  page: Page,
  registry: TestRegistry,
  user: string,
  password: string,
): Promise<void> {
  await page.goto(`${registry.url}/ui/`);
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
}

export async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
  await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
}

/** Notes what scripts throw and what the policy refuses. */
async function watch(context: BrowserContext, complaints: string[]): Promise<void> {
  await context.exposeFunction('complain', (text: string) => void complaints.push(text));
  await context.addInitScript(() => {
    const { complain } = globalThis as unknown as { readonly complain: (text: string) => void };
    document.addEventListener('securitypolicyviolation', (event) => {
      complain(
        `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`,
      );
    });
  });
  context.on('weberror', (error) =>
    complaints.push(`script: ${error.error().stack ?? String(error.error())}`),
  );
}

/** Presses Escape while nothing has the focus, as for a frame after what had it went. */
export async function escapeUnfocused(page: Page): Promise<void> {
  await page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    document.body.dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }),
    );
  });
}

const axeSource = readFile(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

/** Asserts that axe-core finds nothing wrong with what is shown, in both themes. */
export async function checkAccessibility(page: Page): Promise<void> {
  await page.evaluate(await axeSource);
  for (const theme of ['light', 'dark']) {
    const found = await page.evaluate(async (name) => {
      document.documentElement.dataset['theme'] = name;
      // Colours on their way to the other theme are those of none.
      const moving = document.getAnimations().filter((each) => each instanceof CSSTransition);
      await Promise.allSettled(moving.map(({ finished }) => finished));
      const { axe } = globalThis as unknown as {
        readonly axe: {
          run(): Promise<{
            readonly violations: readonly {
              readonly id: string;
              readonly help: string;
              readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
            }[];
          }>;
        };
      };
      const { violations } = await axe.run();
      return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(
          ({ html, failureSummary }) =>
            `${name}: ${id}: ${help}: ${html.slice(0, 300)} ${failureSummary ?? ''}`,
        ),
      );
    }, theme);
    assert.deepEqual(found, []);
  }
  await page.evaluate(() => {
    document.documentElement.dataset['theme'] = 'light';
  });
}

/** A picture for the guide, where SCREENSHOTS names a directory. */
export async function takePicture(page: Page, name: string): Promise<void> {
  const directory = process.env['SCREENSHOTS'];
  if (directory !== undefined) await page.screenshot({ path: join(directory, `${name}.png`) });
}

/** Builds the page where a source is newer than it. */
export async function buildOnce(): Promise<void> {
  await buildWhereOlder({
    result: 'dist/ui/index.html.gz',
    folders: ['renderer', 'registry/spec', 'build'],
    script: 'build/renderer.ts',
  });
}

/** What comes with the session is asked by the socket, as where it takes too long. */
export async function askBySocket(page: Page): Promise<void> {
  await page.route(/\/api\/session\?/, (route) =>
    route.continue({ url: route.request().url().replace(/\?.*/, '') }),
  );
}
