/**
 * What /metrics says, in the text format of Prometheus. Names and labels of requests are distribution's,
 * so that its dashboards go on working; the rest begins with `berth_`.
 */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** A request that was answered. `handler` is the route: base, blob, blob_upload, manifest, tags ... */
interface ObservedRequest {
  readonly handler: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
  /** Bytes of the body received and of the body sent. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

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

// Any other word would be a label that clients can make up.
const methods = new Set(['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'connect', 'trace']);
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const sizes = [0, 1024, 65_536, 1_048_576, 16_777_216, 268_435_456, 4_294_967_296];

/** Makes the metrics of one registry; several in one process do not mix. */
export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [register] = registers as [Registry];
  // Those watch the event loop, which wakes the process a hundred times a second: only where somebody looks.
  let hasDefaults = false;

  const requests = new Counter({
    name: 'registry_http_requests_total',
    help: 'Requests answered.',
    labelNames: ['code', 'handler', 'method'],
    registers,
  });
  const durations = new Histogram({
    name: 'registry_http_request_duration_seconds',
    help: 'Time from the request line to the end of the answer.',
    labelNames: ['handler', 'method'],
    buckets: seconds,
    registers,
  });
  const requestSizes = new Histogram({
    name: 'registry_http_request_size_bytes',
    help: 'Bytes of request bodies.',
    labelNames: ['handler'],
    buckets: sizes,
    registers,
  });
  const responseSizes = new Histogram({
    name: 'registry_http_response_size_bytes',
    help: 'Bytes of answer bodies.',
    labelNames: ['handler'],
    buckets: sizes,
    registers,
  });
  const inFlight = new Gauge({
    name: 'registry_http_in_flight_requests',
    help: 'Requests that are being answered.',
    labelNames: ['handler'],
    registers,
  });
  const received = new Counter({
    name: 'berth_received_bytes_total',
    help: 'Bytes of request bodies.',
    registers,
  });
  const sent = new Counter({ name: 'berth_sent_bytes_total', help: 'Bytes of answer bodies.', registers });
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
    observeRequest({ handler, method, status, seconds: time, bytesIn, bytesOut }) {
      const label = methods.has(method.toLowerCase()) ? method.toLowerCase() : 'unknown';
      requests.inc({ code: String(status), handler, method: label });
      durations.observe({ handler, method: label }, time);
      requestSizes.observe({ handler }, bytesIn);
      responseSizes.observe({ handler }, bytesOut);
      received.inc(bytesIn);
      sent.inc(bytesOut);
    },
    requestStarted: (handler) => {
      inFlight.inc({ handler });
    },
    requestEnded: (handler) => {
      inFlight.dec({ handler });
    },
    loginFailed: () => {
      logins.inc();
    },
    async text({ uploadsOpen, freeBytes, certificateEndsAt }) {
      if (!hasDefaults) collectDefaultMetrics({ register });
      hasDefaults = true;
      uploads.set(uploadsOpen);
      if (freeBytes !== undefined) free.set(freeBytes);
      expiry.set(certificateEndsAt / 1000);
      return await register.metrics();
    },
    contentType: register.contentType,
  };
}
