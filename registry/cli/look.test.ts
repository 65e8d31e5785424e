import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { run } from './main.ts';

async function attempt(args: readonly string[], isTTY: boolean) {
  let out = '';
  let err = '';
  const status = await run(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    stdin: Readable.from([]),
    isTTY,
    canAsk: false,
    env: {},
  });
  return { status, out, err };
}

test('what is wrong in a query is marked under it on a terminal, and said in a sentence in a pipe', async () => {
  const query = 'api\u001b arhc:arm64 size:1g';

  const seen = await attempt(['ls', '--filter', query], true);
  const piped = await attempt(['tags', 'team/api', '--filter', query], false);

  assert.deepEqual(seen, {
    status: 2,
    out: '',
    err: [
      'QUERY_INVALID: The query cannot be understood.',
      '  api\\x1b arhc:arm64 size:1g',
      '          ^^^^^ "arhc:" is no key; did you mean arch:?',
      '                          ^^ "1g" is no size; write size:>500m or size:<1.5g.',
      '',
    ].join('\n'),
  });
  assert.equal(piped.status, 2);
  assert.match(piped.err, /^QUERY_INVALID: "arhc:" is no key; did you mean arch:\?\nCorrect what/);
});
