/** The process that copies and removes data directories, as Electron runs it. */
import { fileURLToPath } from 'node:url';
import { utilityProcess } from 'electron';
import { AppError, type ErrorCode, errors } from '../registry/spec/errors.ts';
import { argumentsOf, type DataTask, type FromDataTask } from './data/data-messages.ts';
import type { RunTask } from './data/data-mover.ts';

export const runDataTask: RunTask = (task: DataTask, { signal, onProgress }) => {
  const path = fileURLToPath(new URL('./data-process.mjs', import.meta.url));
  const child = utilityProcess.fork(path, [...argumentsOf(task)], {
    serviceName: 'Berth data',
    stdio: 'pipe',
  });
  child.stderr?.pipe(process.stderr, { end: false });
  const end = (): void => {
    // It may hang on a disk that does not answer, where it hears no gentler signal.
    if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
  };
  let last: FromDataTask | undefined;
  child.on('message', (message: FromDataTask) => {
    if (message.kind === 'progress') return onProgress(message);
    last = message;
    end();
  });
  signal?.addEventListener('abort', end);
  return new Promise((resolve, reject) => {
    child.once('exit', () => {
      signal?.removeEventListener('abort', end);
      if (last?.kind === 'done') resolve();
      else reject(failureOf(last));
    });
  });
};

function failureOf(last: FromDataTask | undefined): AppError {
  if (last?.kind !== 'failed')
    return new AppError('STORAGE_FAILED', {
      message: 'The copy ended before it was complete.',
      hint: 'What was there is as it was. Try again.',
    });
  const { code, message, hint } = last;
  return new AppError(Object.hasOwn(errors, code) ? (code as ErrorCode) : 'STORAGE_FAILED', {
    message,
    hint,
  });
}
