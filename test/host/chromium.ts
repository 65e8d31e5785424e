/** Chromium, begun before anything else of the stand-in is loaded: on two processors both take as long as one. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const profile = mkdtempSync(join(tmpdir(), 'berth-stand-in-'));
const child = spawn(
  '/usr/bin/chromium',
  [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--no-startup-window',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--remote-debugging-port=0',
    // It ends when this pipe does: an app that is killed takes it along.
    '--remote-debugging-pipe',
    `--user-data-dir=${profile}`,
  ],
  { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] },
);
if (child.stderr === null) throw new Error('Chromium says nothing');
const lines = createInterface({ input: child.stderr });

/** Where its debugger listens, and the line that says so, which Playwright waits for. */
export const listening = new Promise<{ readonly address: string; readonly line: string }>((resolve) => {
  lines.on('line', (line) => {
    const [, address] = /^DevTools listening on (ws:\/\/\S+)$/.exec(line) ?? [];
    if (address !== undefined) resolve({ address, line });
  });
});

process.on('exit', () => {
  child.kill('SIGKILL');
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
});
