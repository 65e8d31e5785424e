import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannelMain } from '../test/host/ports.ts';
import { type Download, receiveDownload, sendDownload } from './download-port.ts';

/** A file of three parts; `read` counts those that were asked for. */
function file(fails: boolean) {
  const state = { read: 0, isOver: false };
  const download: Download = {
    fileName: 'a "name".txt',
    mediaType: 'text/plain',
    size: 3,
    async *open(signal) {
      signal.addEventListener('abort', () => {
        state.isOver = true;
      });
      for (const letter of ['a', 'b', 'c']) {
        if (fails && letter === 'c') throw new Error('broken');
        state.read += 1;
        yield Buffer.from(letter);
      }
    },
  };
  return { download, state };
}

test('a file arrives whole, with its name', async () => {
  const { port1, port2 } = new MessageChannelMain();
  sendDownload(port1, file(false).download);

  const answer = await receiveDownload(port2);

  assert.equal(await answer.text(), 'abc');
  assert.deepEqual(
    ['content-type', 'content-length', 'content-disposition'].map((name) => answer.headers.get(name)),
    ['text/plain', '3', `attachment; filename="a__name_.txt"; filename*=UTF-8''a%20%22name%22.txt`],
  );
});

test('a ticket that stands for nothing is 404', async () => {
  const { port1, port2 } = new MessageChannelMain();
  sendDownload(port1, undefined);

  assert.equal((await receiveDownload(port2)).status, 404);
});

test('a file that cannot be read to its end is an error', async () => {
  const { port1, port2 } = new MessageChannelMain();
  sendDownload(port1, file(true).download);

  await assert.rejects((await receiveDownload(port2)).text(), /broke/);
});

test('no part is read before the reader wants it, and none after it went', async () => {
  const { port1, port2 } = new MessageChannelMain();
  const { download, state } = file(false);
  sendDownload(port1, download);
  const answer = await receiveDownload(port2);
  const reader = answer.body?.getReader();

  await reader?.read();
  await new Promise(setImmediate);
  const readEarly = state.read;
  await reader?.cancel();
  await new Promise(setImmediate);

  // One is kept ready.
  assert.ok(readEarly <= 2, String(readEarly));
  assert.equal(state.isOver, true);
});

test('a process that ends in the middle is an error, not the end of the file', async () => {
  const { port1, port2 } = new MessageChannelMain();
  sendDownload(port1, file(false).download);
  const reader = (await receiveDownload(port2)).body?.getReader();
  await reader?.read();

  port1.close();

  await assert.rejects(async () => {
    while ((await reader?.read())?.done === false);
  }, /broke/);
});
