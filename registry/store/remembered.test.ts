import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRemembered } from './remembered.ts';

const value = (text: string | undefined) => () => Promise.resolve(text);
const unread = () => Promise.reject(new Error('read though it was kept'));

test('what was read once is kept until it is changed', async () => {
  const remembered = createRemembered<string>(10);

  assert.equal(await remembered.get('a', value('old')), 'old');
  assert.equal(await remembered.get('a', unread), 'old');
  await remembered.change('a', () => Promise.resolve());
  assert.equal(await remembered.get('a', value('new')), 'new');
});

test('what was absent, and what was read beside a change, is read again', async () => {
  const remembered = createRemembered<string>(10);
  const slow = Promise.withResolvers<string>();

  assert.equal(await remembered.get('a', value(undefined)), undefined);
  const reading = remembered.get('a', () => slow.promise);
  const changing = remembered.change('a', async () => {
    slow.resolve('old');
    await reading;
  });

  assert.equal(await reading, 'old');
  await changing;
  assert.equal(await remembered.get('a', value('new')), 'new');
});

test('a read that began during a change and ends after it is not kept', async () => {
  const remembered = createRemembered<string>(10);
  const slow = Promise.withResolvers<string>();
  const write = Promise.withResolvers<void>();

  const changing = remembered.change('a', () => write.promise);
  const reading = remembered.get('a', () => slow.promise);
  write.resolve();
  await changing;
  slow.resolve('old');

  assert.equal(await reading, 'old');
  assert.equal(await remembered.get('a', value('new')), 'new');
});

test('a read that begins and ends during a change is not kept: what it saw may be gone before the change ends', async () => {
  const remembered = createRemembered<string>(10);
  const write = Promise.withResolvers<void>();

  const changing = remembered.change('a', () => write.promise);
  assert.equal(await remembered.get('a', value('old')), 'old');

  assert.equal(await remembered.get('a', value(undefined)), undefined);
  write.resolve();
  await changing;
});

test('a change that fails makes the key be read again too', async () => {
  const remembered = createRemembered<string>(10);
  await remembered.get('a', value('old'));

  await assert.rejects(
    remembered.change('a', () => Promise.reject(new Error('disk'))),
    /disk/,
  );

  assert.equal(await remembered.get('a', value('unknown')), 'unknown');
});

test('only so many keys are kept, the oldest going first', async () => {
  const remembered = createRemembered<string>(2);
  for (const key of ['a', 'b', 'c']) await remembered.get(key, value(key));

  assert.equal(await remembered.get('c', unread), 'c');
  assert.equal(await remembered.get('b', unread), 'b');
  assert.equal(await remembered.get('a', value('again')), 'again');
});
