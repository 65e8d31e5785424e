/**
 * What is counted of each request. The metrics of the library take 2 us a call, for its look at each label; these are
 * added up by one look a request, and are written when somebody asks, in the text format of Prometheus 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */

/** A request that was answered. `handler` is the route: base, blob, blob_upload, manifest, tags ... */
export interface ObservedRequest {
  readonly handler: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
  /** Bytes of the body received and of the body sent. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface Tallies {
  add(request: ObservedRequest): void;
  text(): string;
}

/** How many values were not larger than each bound; the last is for all others. */
interface Spread {
  readonly counts: number[];
  sum: number;
}

/** Of the requests with the same labels. */
interface Row {
  readonly code: string;
  readonly handler: string;
  readonly method: string;
  count: number;
  readonly seconds: Spread;
  readonly bytesIn: Spread;
  readonly bytesOut: Spread;
}

// Any other word would be a label that clients can make up.
const methods = new Set(['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'connect', 'trace']);
const secondBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const sizeBounds = [0, 1024, 65_536, 1_048_576, 16_777_216, 268_435_456, 4_294_967_296];

export function createTallies(): Tallies {
  const rows = new Map<string, Row>();

  function rowOf({ handler, method: said, status }: ObservedRequest): Row {
    const lower = said.toLowerCase();
    const method = methods.has(lower) ? lower : 'unknown';
    const key = `${handler} ${method} ${status}`;
    const known = rows.get(key);
    if (known !== undefined) return known;
    const row: Row = {
      code: String(status),
      handler,
      method,
      count: 0,
      seconds: emptySpread(secondBounds),
      bytesIn: emptySpread(sizeBounds),
      bytesOut: emptySpread(sizeBounds),
    };
    rows.set(key, row);
    return row;
  }

  function histogram(
    name: string,
    help: string,
    {
      bounds,
      labelsOf,
      spreadOf,
    }: {
      readonly bounds: readonly number[];
      readonly labelsOf: (row: Row) => string;
      readonly spreadOf: (row: Row) => Spread;
    },
  ): readonly string[] {
    const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
    for (const [labels, same] of Map.groupBy(rows.values(), labelsOf)) {
      const { counts, sum } = sumOf(same.map(spreadOf));
      let upTo = 0;
      for (const [at, count] of counts.entries()) {
        upTo += count;
        lines.push(`${name}_bucket{le="${bounds[at] ?? '+Inf'}",${labels}} ${upTo}`);
      }
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${upTo}`);
    }
    return lines;
  }

  return {
    add(request) {
      const row = rowOf(request);
      row.count++;
      note(row.seconds, secondBounds, request.seconds);
      note(row.bytesIn, sizeBounds, request.bytesIn);
      note(row.bytesOut, sizeBounds, request.bytesOut);
    },
    text() {
      const all = [...rows.values()];
      const sizes = { bounds: sizeBounds, labelsOf: ({ handler }: Row) => `handler="${handler}"` };
      const total = 'registry_http_requests_total';
      return [
        `# HELP ${total} Requests answered.`,
        `# TYPE ${total} counter`,
        ...all.map(
          ({ code, handler, method, count }) =>
            `${total}{code="${code}",handler="${handler}",method="${method}"} ${count}`,
        ),
        ...histogram(
          'registry_http_request_duration_seconds',
          'Time from the request line to the end of the answer.',
          {
            bounds: secondBounds,
            labelsOf: ({ handler, method }) => `handler="${handler}",method="${method}"`,
            spreadOf: ({ seconds }) => seconds,
          },
        ),
        ...histogram('registry_http_request_size_bytes', 'Bytes of request bodies.', {
          ...sizes,
          spreadOf: ({ bytesIn }) => bytesIn,
        }),
        ...histogram('registry_http_response_size_bytes', 'Bytes of answer bodies.', {
          ...sizes,
          spreadOf: ({ bytesOut }) => bytesOut,
        }),
        ...counter(
          'berth_received_bytes_total',
          'Bytes of request bodies.',
          sumOf(all.map((row) => row.bytesIn)),
        ),
        ...counter(
          'berth_sent_bytes_total',
          'Bytes of answer bodies.',
          sumOf(all.map((row) => row.bytesOut)),
        ),
        '',
      ].join('\n');
    },
  };
}

function counter(name: string, help: string, { sum }: Spread): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, `${name} ${sum}`];
}

function emptySpread(bounds: readonly number[]): Spread {
  return { counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 };
}

function note(spread: Spread, bounds: readonly number[], value: number): void {
  spread.sum += value;
  let at = 0;
  while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
  spread.counts[at] = (spread.counts[at] ?? 0) + 1;
}

function sumOf(spreads: readonly Spread[]): Spread {
  return spreads.reduce(
    (sum, { counts, sum: more }) => ({
      counts: counts.map((count, at) => count + (sum.counts[at] ?? 0)),
      sum: sum.sum + more,
    }),
    { counts: [], sum: 0 },
  );
}
