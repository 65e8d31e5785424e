/** Every channel of the shell, asked by who may not ask, and for what is not of its contract: nothing of it is accepted. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { channels } from '../../main/contract/channels.ts';
import { shellArguments } from '../../main/contract/shell-api.ts';
import { type DesktopModule, desktopFolder, needsDesktop, startDesktop } from '../support/desktop.ts';
import { onlyStandIn, running } from '../support/desktop-acts.ts';

/** For each method, and for the files of a drop. */
const shapesOfEach = 50;

suite('the channels of the shell', needsDesktop(), () => {
  test('from the page, with what they do not take', async (t) => {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();
    await running(page);

    await t.test(`each method with ${shapesOfEach} wrong shapes, and methods that are none`, async (each) => {
      const calls = Object.entries(shellArguments).flatMap(([method, { shape }]) =>
        wrongArguments(Object.keys(shape)).map((args) => ({ method: method as unknown, args })),
      );
      const wrong = [...calls, ...noMethods.map((method) => ({ method, args: {} as unknown }))];
      for (const method of Object.keys(shellArguments))
        assert.ok(calls.filter((call) => call.method === method).length >= shapesOfEach, method);

      const answers = await page.evaluate(async (asked) => {
        const { berthShell } = globalThis as unknown as {
          readonly berthShell: { invoke(method: unknown, args: unknown): Promise<object> };
        };
        return await Promise.all(
          asked.map(async ({ method, args }) => {
            const reply = (await berthShell.invoke(method, args)) as {
              readonly error?: { readonly code: string };
            };
            return reply.error?.code ?? 'accepted';
          }),
        );
      }, wrong);

      const accepted = wrong.filter((_, index) => !['USAGE', 'DENIED'].includes(answers[index] ?? ''));
      each.diagnostic(
        `${Object.keys(shellArguments).length} methods, ${wrong.length} calls with wrong shapes or to no method: ${accepted.length} accepted`,
      );
      assert.deepEqual(accepted, []);
    });

    await t.test(`a drop with ${shapesOfEach} wrong shapes gives nothing to the window`, async () => {
      const wrong = wrongDrops();
      assert.ok(wrong.length >= shapesOfEach, String(wrong.length));

      await desktop.app.evaluate(
        (given, { channel, drops, url }) => {
          const { ipcMain } = given as unknown as DesktopModule;
          for (const paths of drops) ipcMain.emit(channel, { senderFrame: { url, parent: null } }, paths);
        },
        { channel: channels.drop, drops: wrong, url: 'berth://app/index.html' },
      );

      assert.deepEqual(await givenTo(page), { ok: [] });
      assert.equal(await page.getByRole('dialog').count(), 0);
      assert.doesNotMatch(desktop.log(), /failed: |Error/);
    });
  });

  test('from another page, whose preload script is ours', async () => {
    await using desktop = await startDesktop();
    await running(await desktop.openPage());
    const opened = desktop.app.waitForEvent('window');
    await desktop.app.evaluate(
      async (given, preload) => {
        const { BrowserWindow } = given as unknown as DesktopModule;
        const foreign = new BrowserWindow({ webPreferences: { preload } });
        await foreign.loadURL('data:text/html,<p>foreign</p>');
      },
      join(desktopFolder, 'preload.cjs'),
    );
    const foreign = await opened;
    await foreign.getByText('foreign').waitFor();

    const answers = await foreign.evaluate(async (methods) => {
      const { berthShell, berthPorts } = globalThis as unknown as {
        readonly berthShell: { invoke(method: string, args: object): Promise<object> };
        readonly berthPorts: { ask(): void };
      };
      let ports = 0;
      window.addEventListener('message', () => {
        ports += 1;
      });
      berthPorts.ask();
      const replies = await Promise.all(
        methods.flatMap((method) => [
          berthShell.invoke(method, {}),
          berthShell.invoke(method, { engine: 'docker' }),
        ]),
      );
      return { replies: [...new Set(replies.map((reply) => JSON.stringify(reply)))], ports };
    }, Object.keys(shellArguments));

    assert.deepEqual(answers, { replies: [denied], ports: 0 });
  });

  test('from frames that are not the page', onlyStandIn, async () => {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();
    await running(page);

    const found = await desktop.app.evaluate(
      async (given, { names, frames, methods }) => {
        const { ipcMain } = given as unknown as DesktopModule;
        let posted = 0;
        const sender = {
          postMessage() {
            posted += 1;
          },
          once: () => undefined,
        };
        const events = frames.map((senderFrame) => ({ senderFrame, sender }));
        const replies = await Promise.all(
          events.flatMap((event) =>
            methods.map((method) => ipcMain.handlers.get(names.invoke)?.(event, method, {})),
          ),
        );
        for (const event of events) {
          ipcMain.emit(names.askPort, event);
          ipcMain.emit(names.drop, event, ['/etc/hostname']);
        }
        return {
          // A channel that is new has to be asked here, too.
          open: [...ipcMain.handlers.keys(), ...ipcMain.eventNames().map(String)].toSorted(),
          replies: [...new Set(replies.map((reply) => JSON.stringify(reply)))],
          posted,
        };
      },
      { names: channels, frames: foreignFrames, methods: Object.keys(shellArguments) },
    );

    const open = [channels.askPort, channels.drop, channels.invoke];
    assert.deepEqual(found, { open, replies: [denied], posted: 0 });
    assert.deepEqual(await givenTo(page), { ok: [] });
  });
});

const denied = JSON.stringify({
  error: { code: 'DENIED', message: 'This page may not ask for that.', hint: '' },
});

/** As Electron tells of them; `null` for one that is gone. */
const foreignFrames = [
  null,
  { url: 'https://example.com/', parent: null },
  { url: 'data:text/html,x', parent: null },
  { url: 'about:blank', parent: null },
  { url: 'file:///etc/passwd', parent: null },
  { url: 'berth://other/index.html', parent: null },
  { url: 'berth://app@example.com/', parent: null },
  { url: '', parent: null },
  // A frame inside of the page itself.
  { url: 'berth://app/index.html', parent: {} },
];

const noMethods = [
  '',
  'constructor',
  '__proto__',
  'toString',
  'trust',
  'TRUST.PLAN',
  'shell.openExternal',
  7,
  null,
  undefined,
  {},
  ['registry.get'],
];

/** Values that no argument is. */
const values = [undefined, null, true, 0, -1, 1e308, '', 'docker', '../..', [], [0], [['x']], {}, { x: 1 }];

/** Arguments that no method takes: what is no object, and objects with a key of nobody; `known` are keys of the method. */
function wrongArguments(known: readonly string[]): readonly unknown[] {
  // `{}` is right for a method that takes nothing.
  const noObjects = values.filter((value) => !isPlain(value) || Object.keys(value).length > 0);
  const strangers = ['extra', 'constructor', '', 'Engine'].flatMap((key) =>
    values.map((value) => ({ [key]: value ?? null })),
  );
  const mixed = known.flatMap((key) => values.map((value) => ({ [key]: value, extra: 1 })));
  return [...noObjects, ...strangers, ...mixed];
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is no list of whole paths. */
function wrongDrops(): readonly unknown[] {
  const path = '/etc/hostname';
  const noPaths = [undefined, null, true, 7, {}, [], [path], { path }, '', `/${'x'.repeat(5000)}`];
  const relative = [
    'x.tar',
    './x.tar',
    '../etc/hostname',
    '~/x.tar',
    'file:///etc/hostname',
    ' /etc/hostname',
  ];
  return [
    ...noPaths.flatMap((each) => [[each], [path, each], [each, path], { 0: each, length: 1 }]),
    ...relative.flatMap((each) => [each, [each], { paths: [each] }]),
    path,
    { path },
    7,
    null,
    undefined,
  ];
}

/** What waits for the window to be imported. */
async function givenTo(page: Awaited<ReturnType<Awaited<ReturnType<typeof startDesktop>>['openPage']>>) {
  return await page.evaluate(async () => {
    const { berthShell } = globalThis as unknown as {
      readonly berthShell: { invoke(method: string, args: object): Promise<object> };
    };
    return await berthShell.invoke('files.pickBundles', { from: 'given' });
  });
}
