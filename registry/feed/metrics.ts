/**
 * What /metrics says, in the text format of Prometheus. Names and labels of requests are distribution's,
 * so that its dashboards go on working; the rest begins with `berth_`.
 */

import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { createTallies, type ObservedRequest } from './tallies.ts';

/** What is looked at when somebody asks. */
export interface Moment {
  readonly uploadsOpen: number;
  /** Bytes free where the data directory is; `undefined` where the storage has no such thing. */
  readonly freeBytes: number | undefined;
  /** When the certificate ends, in milliseconds since the epoch. */
  readonly certificateEndsAt: number;
}

export interface Metrics {
  observeRequest(request: ObservedRequest): void;
  requestStarted(handler: string): void;
  requestEnded(handler: string): void;
  loginFailed(): void;
  /** All of it; what is only looked at when somebody asks is handed in. */
  text(now: Moment): Promise<string>;
  readonly contentType: string;
}

/** Makes the metrics of one registry; several in one process do not mix. */
export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [register] = registers as [Registry];
  // Those watch the event loop, which wakes the process a hundred times a second: only where somebody looks.
  let hasDefaults = false;

  const tallies = createTallies();
  const answering = new Map<string, number>();
  const inFlight = new Gauge({
    name: 'registry_http_in_flight_requests',
    help: 'Requests that are being answered.',
    labelNames: ['handler'],
    registers,
  });
  const logins = new Counter({ name: 'berth_logins_failed_total', help: 'Wrong credentials.', registers });
  const uploads = gauge('berth_uploads_open', 'Upload sessions that are open.');
  const free = gauge('berth_storage_free_bytes', 'Bytes free where the data directory is.');
  const expiry = gauge(
    'berth_certificate_expiry_seconds',
    'When the certificate ends, in seconds since 1970.',
  );

  /** A gauge that is not shown before it is known: 0 would raise an alarm. */
  function gauge(name: string, help: string): Gauge {
    const made = new Gauge({ name, help, registers });
    made.remove();
    return made;
  }

  return {
    observeRequest: (request) => tallies.add(request),
    requestStarted: (handler) => void answering.set(handler, (answering.get(handler) ?? 0) + 1),
    requestEnded: (handler) => void answering.set(handler, (answering.get(handler) ?? 0) - 1),
    loginFailed: () => {
      logins.inc();
    },
    async text({ uploadsOpen, freeBytes, certificateEndsAt }) {
      if (!hasDefaults) collectDefaultMetrics({ register });
      hasDefaults = true;
      uploads.set(uploadsOpen);
      if (freeBytes !== undefined) free.set(freeBytes);
      expiry.set(certificateEndsAt / 1000);
      for (const [handler, count] of answering) inFlight.set({ handler }, count);
      return `${tallies.text()}${await register.metrics()}`;
    },
    contentType: register.contentType,
  };
}
