/** The end of the app while clients push or pull: who is asked, and what becomes of the transfers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { type DesktopModule, needsDesktop, startDesktop, type TestDesktop } from '../support/desktop.ts';
import { answer, asked, click, isReady, onlyStandIn, trayShows, until } from '../support/desktop-acts.ts';
import { startRegistry } from '../support/registry.ts';

/** The buttons of the question. */
const [quitAnyway, finishFirst, cancel] = [0, 1, 2];

interface Way {
  readonly name: string;
  /** Which button is pressed, if it is asked. */
  readonly button: number;
  readonly leave: (desktop: TestDesktop) => Promise<void>;
  /** What the client gets. A chunk that is being sent is waited for a second, then it is told to come again. */
  readonly outcome: number;
}

const ways: readonly Way[] = [
  {
    name: '"Quit anyway"',
    button: quitAnyway,
    leave: (desktop) => click(desktop, 'Quit'),
    // A refusal, so that docker does not try again.
    outcome: 403,
  },
  { name: 'the end of the system', button: cancel, leave: shutDown, outcome: 503 },
  { name: 'SIGTERM', button: cancel, leave: terminate, outcome: 503 },
  {
    name: 'SIGTERM while it waits for the end of the push',
    button: finishFirst,
    async leave(desktop) {
      await click(desktop, 'Quit');
      await until(async () => (await asked(desktop)) === 1);
      await terminate(desktop);
    },
    outcome: 503,
  },
];

suite('the end of the app during a push', { ...needsDesktop(), ...onlyStandIn }, () => {
  test('asks, and can be taken back or wait for its end', async () => {
    await using desktop = await startDesktop({ args: ['--hidden'] });
    await trayShows(desktop, 'running', /^Running: /);
    assert.equal(desktop.app.windows().length, 0);
    const upload = await beginUpload(await placeOf(desktop), 'team/slow');
    await trayShows(desktop, 'transfer', /^Pushing team\/slow, /);
    await answer(desktop, 2);

    await click(desktop, 'Quit');
    await until(async () => (await asked(desktop)) === 1);
    assert.equal(await isReady(desktop), true);
    await answer(desktop, 1);
    const ended = once(desktop.app.process(), 'exit');
    await click(desktop, 'Quit');
    await until(async () => (await asked(desktop)) === 1);
    assert.equal(await isReady(desktop), true);

    assert.equal(await upload.finish(), 202);
    assert.deepEqual((await ended)[0], 0);
  });

  for (const { name, button, leave, outcome } of ways) {
    test(`by ${name}, and the registry gives everything back`, async (t) => {
      // The test is over sooner.
      const env = { REGISTRY_HTTP_DRAINTIMEOUT: '60s' };
      await using desktop = await startDesktop({ args: ['--hidden'], env });
      await trayShows(desktop, 'running', /^Running: /);
      const upload = await beginUpload(await placeOf(desktop), 'team/cut');
      await trayShows(desktop, 'transfer', /^Pushing team\/cut, /);
      await answer(desktop, button);
      const ended = once(desktop.app.process(), 'exit');
      const since = performance.now();

      await leave(desktop);

      assert.deepEqual((await ended)[0], 0);
      t.diagnostic(`${Math.round(performance.now() - since)} ms`);
      assert.equal(await upload.answered, outcome);
      await assert.rejects(access(join(desktop.dataDir, 'berth', 'lock.json')), { code: 'ENOENT' });
    });
  }

  test('of another registry, which goes on: nothing is asked', async () => {
    await using served = await startRegistry({ listen: 'localhost:0' });
    await using desktop = await startDesktop({ dataDir: served.dataDir, args: ['--hidden'] });
    await trayShows(desktop, 'running', /, by another program$/);
    const upload = await beginUpload({ plainUrl: served.plainUrl }, 'team/served');
    await trayShows(desktop, 'transfer', /^Pushing team\/served, /);
    await answer(desktop, cancel);
    const ended = once(desktop.app.process(), 'exit');

    await click(desktop, 'Quit');

    assert.deepEqual((await ended)[0], 0);
    assert.equal(await upload.finish(), 202);
  });
});

async function terminate({ app }: TestDesktop): Promise<void> {
  app.process().kill('SIGTERM');
}

async function shutDown({ app }: TestDesktop): Promise<void> {
  await app.evaluate((given) => {
    const { powerMonitor } = given as unknown as DesktopModule;
    // Not within the call, which ends with the app.
    setTimeout(() => powerMonitor.emit('shutdown', { preventDefault: () => undefined }), 10);
  });
}

interface UploadPlace {
  readonly plainUrl: string;
  /** `dev:PASSWORD`; nobody logs in where it is absent. */
  readonly user?: string;
}

async function placeOf(desktop: TestDesktop): Promise<UploadPlace> {
  const { plainUrl } = await desktop.holder();
  return { plainUrl, user: await desktop.user() };
}

/** An upload whose last bytes are sent by `finish`. Both answer the status, or that there was no answer. */
async function beginUpload({ plainUrl, user }: UploadPlace, repository: string) {
  const headers =
    user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
  const begun = await fetch(`${plainUrl}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers });
  const patch = request(new URL(begun.headers.get('location') ?? '', plainUrl), {
    method: 'PATCH',
    headers: { ...headers, 'content-type': 'application/octet-stream' },
  });
  const answered = (
    once(patch, 'response') as Promise<[{ readonly statusCode: number; resume(): void }]>
  ).then(
    ([response]) => {
      response.resume();
      return response.statusCode;
    },
    () => 'cut' as const,
  );
  patch.write(Buffer.alloc(100_000));
  return {
    answered,
    async finish(): Promise<number | 'cut'> {
      patch.end('the end');
      return await answered;
    },
  };
}
