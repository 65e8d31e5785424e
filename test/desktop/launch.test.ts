/** The actions of the launcher: they are second starts of the app, whose arguments the first carries out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReady, isVisible, until } from '../support/desktop-acts.ts';
import { needsDesktop, startDesktop } from '../support/desktop.ts';

test(
  '--stop stops the registry of the app that runs, --start starts it, and neither opens the window',
  needsDesktop(),
  async () => {
    await using desktop = await startDesktop({ args: ['--hidden'] });
    await until(() => isReady(desktop));

    const stop = await desktop.startAgain('--stop');
    await until(async () => !(await isReady(desktop)));
    const start = await desktop.startAgain('--start');
    await until(() => isReady(desktop));
    const wasVisible = await isVisible(desktop);
    const open = await desktop.startAgain();

    await until(() => isVisible(desktop));
    assert.deepEqual({ stop, start, wasVisible, open }, { stop: 0, start: 0, wasVisible: false, open: 0 });
  },
);
