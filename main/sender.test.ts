import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnFrame } from './sender.ts';

const rows = [
  { name: 'the page', frame: { url: 'berth://app/index.html#/logs', parent: null }, isOwn: true },
  { name: 'a frame in the page', frame: { url: 'berth://app/index.html', parent: {} }, isOwn: false },
  { name: 'a frame that is gone', frame: null, isOwn: false },
  { name: 'another host', frame: { url: 'berth://other/index.html', parent: null }, isOwn: false },
  { name: 'another scheme', frame: { url: 'https://app/index.html', parent: null }, isOwn: false },
  { name: 'a name before ours', frame: { url: 'berth://app@evil/index.html', parent: null }, isOwn: false },
  { name: 'nothing', frame: { url: '', parent: null }, isOwn: false },
  { name: 'data', frame: { url: 'data:text/html,berth://app/', parent: null }, isOwn: false },
];

for (const { name, frame, isOwn } of rows) {
  test(`${name} may ${isOwn ? '' : 'not '}ask`, () => assert.equal(isOwnFrame(frame), isOwn));
}
