/** Copies or removes a data directory in a process of its own: it can be ended at any time, and takes no time of the window's. */
import { isAppError } from '../../registry/spec/errors.ts';
import { copyData } from './copy-data.ts';
import type { FromDataTask } from './data-messages.ts';
import { removeData } from './remove-data.ts';

const everyMs = 250;
const { parentPort } = process;

function tell(message: FromDataTask): void {
  parentPort.postMessage(message);
}

/** Tells how far it is, four times a second at most. */
function createTeller(): (done: { readonly files: number; readonly bytes: number }) => void {
  let toldAt = 0;
  return ({ files, bytes }) => {
    const now = Date.now();
    if (now - toldAt < everyMs) return;
    toldAt = now;
    tell({ kind: 'progress', files, bytes });
  };
}

async function run([kind, path = '', to = '']: readonly string[]): Promise<FromDataTask> {
  try {
    if (kind === 'copy') await copyData({ from: path, to, onProgress: createTeller() });
    else await removeData(path);
    return { kind: 'done' };
  } catch (error) {
    if (!isAppError(error)) {
      const message = error instanceof Error ? error.message : String(error);
      return {
        kind: 'failed',
        code: 'STORAGE_FAILED',
        message: `${message}.`,
        hint: 'Look at the disk, and try again.',
      };
    }
    const { code, message, hint } = error;
    return { kind: 'failed', code, message, hint };
  }
}

// What was told may be lost by an exit: the shell ends the process when it has read the last message.
tell(await run(process.argv.slice(2)));
