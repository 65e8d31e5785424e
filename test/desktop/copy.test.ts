/** Copying in the desktop app: by the shell, since the page has no permission at all. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type DesktopModule, needsDesktop, startDesktop, type TestDesktop } from '../support/desktop.ts';
import { running, until } from '../support/desktop-acts.ts';

async function clipboardOf(desktop: TestDesktop): Promise<string> {
  return await desktop.app.evaluate((given) => {
    const { clipboard } = given as unknown as DesktopModule;
    return clipboard.readText();
  });
}

suite('copying in the desktop app', needsDesktop(), () => {
  test('a button of the page copies, where the page itself may not', async (t) => {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();
    await running(page);
    const { host } = new URL((await desktop.holder()).plainUrl);
    const address = host.replace('127.0.0.1', 'localhost');

    await t.test('the system refuses what the page writes', async () => {
      const refused = await page.evaluate(() =>
        navigator.clipboard.writeText('by the page').then(
          () => 'written',
          (error: unknown) => (error instanceof Error ? error.name : ''),
        ),
      );

      assert.equal(refused, 'NotAllowedError');
    });

    await t.test('the shell copies', async () => {
      await page
        .getByRole('button', { name: `Copy ${address}` })
        .first()
        .click();

      await page.getByText('Copied', { exact: true }).first().waitFor();
      await until(async () => (await clipboardOf(desktop)) === address);
    });

    await t.test('what is too long is refused, and said', async () => {
      const answers = await page.evaluate(async () => {
        const { berthShell } = globalThis as unknown as {
          readonly berthShell: { invoke(method: string, args: unknown): Promise<object> };
        };
        const write = (text: unknown) => berthShell.invoke('clipboard.write', { text });
        return [await write('x'.repeat(32 * 1024 * 1024 + 1)), await write('é\n')];
      });

      assert.match(JSON.stringify(answers[0]), /^\{"error":\{"code":"USAGE"/);
      assert.deepEqual(answers[1], { ok: undefined });
      assert.equal(await clipboardOf(desktop), 'é\n');
    });
  });
});
