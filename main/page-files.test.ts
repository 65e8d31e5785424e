import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { answerFile } from './page-files.ts';

const known: Readonly<Record<string, string>> = { '/ui/index.html': '<p>', '/ui/assets/a-1.js': 'x' };

const rows = [
  { url: 'berth://app/', status: 200, type: 'text/html; charset=utf-8' },
  { url: 'berth://app/index.html?x#y', status: 200, type: 'text/html; charset=utf-8' },
  { url: 'berth://app/assets/a-1.js', status: 200, type: 'text/javascript; charset=utf-8' },
  { url: 'berth://app/assets/absent.js', status: 404 },
  { url: 'berth://other/index.html', status: 404 },
  { url: 'berth://app/index.html', method: 'POST', status: 404 },
  { url: 'berth://app/../secret.html', status: 404 },
  { url: 'berth://app/%2e%2e/secret.html', status: 404 },
  { url: 'berth://app/..%2fsecret.html', status: 404 },
  { url: 'berth://app/assets/..%5csecret.html', status: 404 },
  { url: 'berth://app//etc/secret.html', status: 404 },
  { url: 'berth://app/.hidden.html', status: 404 },
  { url: 'berth://app/a%00.html', status: 404 },
  { url: 'berth://app/assets/', status: 404 },
  { url: 'berth://app/package.json', status: 404 },
];

suite('files of the page', () => {
  for (const { url, method = 'GET', status, type = null } of rows) {
    test(`${method} ${url} is ${status}`, async () => {
      const read: string[] = [];

      const answer = await answerFile({ url, method }, '/ui', async (path) => {
        read.push(path);
        const text = known[path.replaceAll('\\', '/')];
        if (text === undefined) throw new Error('absent');
        return Buffer.from(text);
      });

      assert.equal(answer.status, status);
      assert.equal(
        answer.headers.get('content-type') ?? null,
        status === 200 ? type : 'text/plain;charset=UTF-8',
      );
      assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none';/);
      assert.ok(read.every((path) => path.startsWith('/ui/')));
    });
  }
});
