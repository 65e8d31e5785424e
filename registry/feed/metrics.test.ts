import assert from 'node:assert/strict';
import performanceHooks from 'node:perf_hooks';
import { test } from 'node:test';
import { createMetrics, type Moment } from './metrics.ts';

async function linesOf(
  metrics: ReturnType<typeof createMetrics>,
  pattern: RegExp,
  now: Moment = { uploadsOpen: 0, freeBytes: undefined, certificateEndsAt: 2_000_000_000_000 },
): Promise<readonly string[]> {
  return (await metrics.text(now)).split('\n').filter((line) => pattern.test(line));
}

const request = { handler: 'manifest', method: 'GET', status: 404, seconds: 0.02, bytesIn: 0, bytesOut: 96 };

test("requests are counted with distribution's names and labels", async () => {
  const metrics = createMetrics();

  metrics.observeRequest(request);
  metrics.observeRequest({ ...request, method: 'MADEUP', status: 200 });
  metrics.requestStarted('blob');
  metrics.requestStarted('blob');
  metrics.requestEnded('blob');

  // Oracle: the names and labels of distribution 2.8 at /metrics.
  assert.deepEqual(await linesOf(metrics, /^registry_(?!.*_bucket)/), [
    'registry_http_requests_total{code="404",handler="manifest",method="get"} 1',
    'registry_http_requests_total{code="200",handler="manifest",method="unknown"} 1',
    'registry_http_request_duration_seconds_sum{handler="manifest",method="get"} 0.02',
    'registry_http_request_duration_seconds_count{handler="manifest",method="get"} 1',
    'registry_http_request_duration_seconds_sum{handler="manifest",method="unknown"} 0.02',
    'registry_http_request_duration_seconds_count{handler="manifest",method="unknown"} 1',
    'registry_http_request_size_bytes_sum{handler="manifest"} 0',
    'registry_http_request_size_bytes_count{handler="manifest"} 2',
    'registry_http_response_size_bytes_sum{handler="manifest"} 192',
    'registry_http_response_size_bytes_count{handler="manifest"} 2',
    'registry_http_in_flight_requests{handler="blob"} 1',
  ]);
});

test('what is not known is not shown, what is known is as it is at the moment', async () => {
  const metrics = createMetrics();
  const before = await linesOf(metrics, /^berth_/);

  metrics.loginFailed();
  metrics.observeRequest({ ...request, bytesIn: 10 });
  const now = { uploadsOpen: 2, freeBytes: 5, certificateEndsAt: 1_900_000_000_000 };

  assert.deepEqual(before, [
    'berth_received_bytes_total 0',
    'berth_sent_bytes_total 0',
    'berth_logins_failed_total 0',
    'berth_uploads_open 0',
    'berth_certificate_expiry_seconds 2000000000',
  ]);
  assert.deepEqual(await linesOf(metrics, /^berth_/, now), [
    'berth_received_bytes_total 10',
    'berth_sent_bytes_total 96',
    'berth_logins_failed_total 1',
    'berth_uploads_open 2',
    'berth_storage_free_bytes 5',
    'berth_certificate_expiry_seconds 1900000000',
  ]);
});

test('two registries in one process do not mix, and each tells of the process', async () => {
  const [first, second] = [createMetrics(), createMetrics()];

  first.loginFailed();

  assert.deepEqual(await linesOf(second, /^berth_logins/), ['berth_logins_failed_total 0']);
  assert.equal(
    (await linesOf(second, /^(?:process_cpu_seconds_total|nodejs_eventloop_lag_seconds) /)).length,
    2,
  );
  assert.match(second.contentType, /^text\/plain; version=0\.0\.4/);
});

test('the event loop is watched from the first look on, and not before', async (t) => {
  const watch = t.mock.method(performanceHooks, 'monitorEventLoopDelay');
  const metrics = createMetrics();
  const before = watch.mock.callCount();

  const lines = await linesOf(metrics, /^process_cpu_seconds_total /);
  await linesOf(metrics, /./);

  assert.deepEqual([before, watch.mock.callCount(), lines.length], [0, 1, 1]);
});
