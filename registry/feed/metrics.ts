/**
 * What /metrics says, in the text format of Prometheus. Names and labels of requests and storage are distribution's,
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

export interface Metrics {
  observeRequest(request: ObservedRequest): void;
  requestStarted(handler: string): void;
  requestEnded(handler: string): void;
  /** One call of the storage driver: `read`, `write`, `commit` ... */
  observeStorage(call: { readonly action: string; readonly driver: string; readonly seconds: number }): void;
  loginFailed(): void;
  uploadOpened(): void;
  uploadClosed(): void;
  /** Bytes stored and bytes free, as far as they are known. */
  setStorage(bytes: { readonly free?: number; readonly blobs?: number }): void;
  setCertificateExpiry(at: Date): void;
  text(): Promise<string>;
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
  collectDefaultMetrics({ register });

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
  const storage = new Histogram({
    name: 'registry_storage_action_seconds',
    help: 'Time of calls of the storage driver.',
    labelNames: ['action', 'driver'],
    buckets: seconds,
    registers,
  });
  const received = new Counter({
    name: 'berth_received_bytes_total',
    help: 'Bytes of request bodies.',
    registers,
  });
  const sent = new Counter({ name: 'berth_sent_bytes_total', help: 'Bytes of answer bodies.', registers });
  const logins = new Counter({ name: 'berth_logins_failed_total', help: 'Wrong credentials.', registers });
  const uploads = new Gauge({
    name: 'berth_uploads_open',
    help: 'Upload sessions that are open.',
    registers,
  });
  const free = gauge('berth_storage_free_bytes', 'Bytes free where the data directory is.');
  const blobs = gauge('berth_storage_blob_bytes', 'Bytes of all blobs, each counted once.');
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
    observeStorage: ({ action, driver, seconds: time }) => {
      storage.observe({ action, driver }, time);
    },
    loginFailed: () => {
      logins.inc();
    },
    uploadOpened: () => {
      uploads.inc();
    },
    uploadClosed: () => {
      uploads.dec();
    },
    setStorage(bytes) {
      if (bytes.free !== undefined) free.set(bytes.free);
      if (bytes.blobs !== undefined) blobs.set(bytes.blobs);
    },
    setCertificateExpiry: (at) => {
      expiry.set(at.getTime() / 1000);
    },
    text: () => register.metrics(),
    contentType: register.contentType,
  };
}
