import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Histogram, Registry } from 'prom-client';
import { createTallies, type ObservedRequest } from './tallies.ts';

test('what is written is what the library of Prometheus writes of the same requests', async () => {
  const registers = [new Registry()];
  const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const sizes = [0, 1024, 65_536, 1_048_576, 16_777_216, 268_435_456, 4_294_967_296];
  const total = new Counter({
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
  const received = new Histogram({
    name: 'registry_http_request_size_bytes',
    help: 'Bytes of request bodies.',
    labelNames: ['handler'],
    buckets: sizes,
    registers,
  });
  const sent = new Histogram({
    name: 'registry_http_response_size_bytes',
    help: 'Bytes of answer bodies.',
    labelNames: ['handler'],
    buckets: sizes,
    registers,
  });
  const tallies = createTallies();

  for (const request of requests()) {
    tallies.add(request);
    const { handler, method, status } = request;
    total.inc({ code: String(status), handler, method: method.toLowerCase() });
    durations.observe({ handler, method: method.toLowerCase() }, request.seconds);
    received.observe({ handler }, request.bytesIn);
    sent.observe({ handler }, request.bytesOut);
  }

  const lines = tallies.text().split('\n');
  const own = lines.findIndex((line) => line.includes('berth_'));
  const [theirs = ''] = [await registers[0]?.metrics()];
  assert.deepEqual(
    lines.slice(0, own),
    theirs.split('\n').filter((line) => line !== ''),
  );
  assert.deepEqual(lines.slice(own), [
    '# HELP berth_received_bytes_total Bytes of request bodies.',
    '# TYPE berth_received_bytes_total counter',
    'berth_received_bytes_total 5368710144',
    '# HELP berth_sent_bytes_total Bytes of answer bodies.',
    '# TYPE berth_sent_bytes_total counter',
    'berth_sent_bytes_total 66560',
    '',
  ]);
});

/** Values on a bound, beside it, and beyond all. */
function requests(): readonly ObservedRequest[] {
  const request = {
    handler: 'manifest',
    method: 'GET',
    status: 200,
    seconds: 0.005,
    bytesIn: 0,
    bytesOut: 1024,
  };
  return [
    request,
    { ...request, seconds: 0.0051, bytesOut: 0 },
    { ...request, status: 404, seconds: 11 },
    { ...request, method: 'PUT', status: 201, seconds: 0.25, bytesIn: 1024, bytesOut: 0 },
    { ...request, handler: 'blob_upload', method: 'PATCH', status: 202, seconds: 3, bytesIn: 5 * 2 ** 30 },
    { ...request, handler: 'blob_upload', method: 'PATCH', status: 202, seconds: 2.5, bytesOut: 63_488 },
  ];
}
