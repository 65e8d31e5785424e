import { createServer } from 'node:http';
import express from 'express';
import type { Metrics, Moment } from '../feed/metrics.ts';
import { openListeners, parseListenAddress } from './listen.ts';

export interface DebugOptions {
  /** `http.debug.addr`. */
  readonly address: string;
  /** The path of the metrics; `undefined` when they are switched off. */
  readonly metricsPath: string | undefined;
  readonly metrics: Metrics;
  readonly moment: () => Promise<Moment>;
  readonly notReady: () => readonly string[];
}

/**
 * The listener of `http.debug.addr`: /debug/health and, if switched on, the metrics. It asks for no login, so it
 * belongs on an address that only the monitoring reaches.
 * @throws AppError PORT_BUSY, CONFIG_INVALID
 */
export async function openDebug({
  address,
  metricsPath,
  metrics,
  moment,
  notReady,
}: DebugOptions): Promise<AsyncDisposable> {
  const app = express();
  app.disable('x-powered-by');
  app.get('/debug/health', (_req, res) => {
    const failed = notReady();
    res
      .status(failed.length === 0 ? 200 : 503)
      .json(Object.fromEntries(failed.map((name) => [name, 'failed'])));
  });
  if (metricsPath !== undefined) {
    app.get(metricsPath, async (_req, res) => {
      res.set('Content-Type', metrics.contentType).send(await metrics.text(await moment()));
    });
  }
  const server = createServer(app);
  const target = { ...parseListenAddress(address), asked: true };
  const listeners = await openListeners(target, {}, (socket) => void server.emit('connection', socket));
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await Promise.all(listeners.map((each) => new Promise((resolve) => each.close(resolve))));
    },
  };
}
