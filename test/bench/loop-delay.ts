/** Loaded into the process that is measured: at its end DELAY_FILE has the 99th percentile of its delays, in milliseconds. */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const resolution = 10;

if (isMainThread) {
  const delays = monitorEventLoopDelay({ resolution });
  // What a start takes is a measure of its own.
  setTimeout(() => delays.enable(), 2000).unref();
  process.once('exit', () => {
    // The histogram counts from one look to the next.
    const late = Math.max(0, delays.percentile(99) / 1e6 - resolution);
    writeFileSync(process.env['DELAY_FILE'] ?? '/dev/null', String(late));
  });
}
