import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { findPortOwner, parseLsof, parseNetstat, parseProcNet, programName } from './port-owner.ts';

test('the process that listens on a port is named', async (t) => {
  if (process.platform === 'win32') return t.skip('names of processes differ on Windows');
  const script =
    "require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];

  const owner = await findPortOwner(Number(line));
  child.kill();
  await text(child.stdout);

  assert.equal(owner, `node (pid ${String(child.pid)})`);
  return undefined;
});

test('a port without a listener has no owner', async () => {
  assert.equal(await findPortOwner(1), undefined);
});

test('listening sockets are found in the table of Linux, connections on the port are not', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1543 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 424242 1 0 100 0 0 10 0
   1: 0100007F:1543 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 424243 1 0 20 4 30 10 -1
   2: 0100007F:1544 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 424244 1 0 100 0 0 10 0
   3: 00000000000000000000000001000000:1543 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 424245 1 0 100 0 0 10 0
`;

  assert.deepEqual(parseProcNet(table, 0x1543), [
    { uid: 1000, inode: '424242' },
    { uid: 0, inode: '424245' },
  ]);
  assert.deepEqual(parseProcNet('', 1), []);
});

test('the answer of lsof is read', () => {
  assert.equal(parseLsof('p123\ncpython3\nf3\np456\ncnode\n'), 'python3 (pid 123)');
  assert.equal(parseLsof(''), undefined);
});

test('the answer of netstat is read in any language', () => {
  const table = [
    'Aktive Verbindungen',
    '',
    '  Proto  Lokale Adresse         Remoteadresse          Status           PID',
    '  TCP    127.0.0.1:15443        0.0.0.0:0              ABHÖREN          11',
    '  TCP    127.0.0.1:5443         127.0.0.1:50000        HERGESTELLT      12',
    '  TCP    [::1]:5443             [::]:0                 ABHÖREN          13',
  ].join('\r\n');

  assert.equal(parseNetstat(table, 5443), 13);
  assert.equal(parseNetstat(table, 5444), undefined);
});

test('programs are named in short and harmless words', () => {
  const cases = [
    ['/usr/bin/python3\0-m\0http.server\0', 'python3'],
    ['nginx: master process /usr/sbin/nginx -g daemon on;\0', 'nginx'],
    ['/opt/My App/serve\0', 'serve'],
    ['evil\x1b[31m\0', 'evil?[31m'],
    ['', 'a process'],
  ] as const;

  for (const [cmdline, name] of cases) assert.equal(programName(cmdline), name);
});
