import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WebhookRow } from '../../../registry/spec/admin/webhooks.ts';
import { askedBy, commandOf, draftOf, type WebhookDraft, withAction } from './webhook-draft.ts';

const row: WebhookRow = {
  name: 'ci',
  url: 'https://ci.example/?***',
  isLocked: false,
  isSigned: true,
  headers: ['Authorization'],
  ignoredActions: ['pull'],
  ignoredMediaTypes: [],
  timeoutMs: 2500,
  backoffMs: 1000,
  threshold: 3,
  state: 'ok',
  pending: 0,
  delivered: 0,
  dropped: 0,
};
const kept = { name: 'ci', ignoredActions: ['pull'], timeoutMs: 2500, backoffMs: 1000, threshold: 3 };

const cases: Readonly<Record<string, readonly [change: Partial<WebhookDraft>, asked: object]>> = {
  'nothing that is not shown, where nothing is typed': [{}, kept],
  'what is typed': [
    { url: 'https://a/', secret: 's', headers: 'X-A: 1', ca: 'PEM' },
    { ...kept, url: 'https://a/', secret: 's', headers: { 'X-A': ['1'] }, ca: 'PEM' },
  ],
  'that secret and headers go, whatever is typed': [
    { secret: 's', headers: 'X-A: 1', removesSecret: true, removesHeaders: true },
    { ...kept, secret: '', headers: {} },
  ],
  'seconds as milliseconds': [
    { timeoutMs: '0.25', backoffMs: '60', threshold: '0' },
    { ...kept, timeoutMs: 250, backoffMs: 60_000, threshold: 0 },
  ],
};

for (const [name, [change, asked]] of Object.entries(cases)) {
  test(`a changed webhook asks for ${name}`, () => {
    assert.deepEqual(askedBy({ ...draftOf(row), ...change }), asked);
  });
}

test('actions are told of or not, and the command line says the same', () => {
  const draft = withAction(withAction(draftOf(row), 'push', false), 'pull', true);

  assert.deepEqual(draft.ignored, ['push']);
  assert.equal(
    commandOf({ ...draft, secret: 's' }),
    'berth webhook add ci URL --secret-stdin --ignore push --timeout 2.5s --backoff 1s --threshold 3',
  );
  assert.match(commandOf(draftOf(undefined)), /^berth webhook add NAME URL --ignore none --timeout 5s/);
});
