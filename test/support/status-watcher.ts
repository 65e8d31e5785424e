/**
 * The watcher of StatusNotifierItems, as desktops with a tray have it: on a bus of its own, and as far as it is asked whether
 * a host is registered. https://dbus.freedesktop.org/doc/dbus-specification.html
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';

export interface TestBus extends AsyncDisposable {
  /** For DBUS_SESSION_BUS_ADDRESS. */
  readonly address: string;
  /** Puts a watcher on the bus that says this from then on; again, it says something else. */
  watch(hasHost: boolean): Promise<void>;
}

/** Starts a bus, with its socket in that directory. */
export async function startBus(directory: string): Promise<TestBus> {
  const path = join(directory, 'bus');
  const address = `unix:path=${path}`;
  const daemon = spawn(
    'dbus-daemon',
    ['--session', '--nofork', '--nopidfile', '--print-address', `--address=${address}`],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  await once(daemon.stdout, 'data');
  let watcher: { hasHost: boolean; readonly socket: Socket } | undefined;
  return {
    address,
    async watch(hasHost) {
      watcher ??= { hasHost, socket: await beWatcher(path, () => watcher?.hasHost ?? hasHost) };
      watcher.hasHost = hasHost;
    },
    async [Symbol.asyncDispose]() {
      watcher?.socket.destroy();
      await end(daemon);
    },
  };
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null) return;
  daemon.kill();
  await once(daemon, 'exit');
}

/** Resolves when the name is taken. */
async function beWatcher(path: string, hasHost: () => boolean): Promise<Socket> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
  socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
  await once(socket, 'data');
  socket.write('BEGIN\r\n');
  let serial = 0;
  let read = Buffer.alloc(0);
  const isNamed = Promise.withResolvers<void>();
  const bus = { path: '/org/freedesktop/DBus', name: 'org.freedesktop.DBus' };
  const call = (member: string, body?: { readonly signature: string; readonly bytes: Buffer }): void => {
    const fields = [
      field(1, 'o', text(bus.path)),
      field(2, 's', text(bus.name)),
      field(3, 's', text(member)),
      field(6, 's', text(bus.name)),
    ];
    serial += 1;
    socket.write(message({ type: 1, serial, fields, ...(body === undefined ? {} : { body }) }));
  };
  socket.on('data', (part: Buffer) => {
    read = Buffer.concat([read, part]);
    for (;;) {
      const got = parse(read);
      if (got === undefined) return;
      read = read.subarray(got.length);
      // The second answer is that to RequestName.
      if (got.type === 2 && got.replySerial === 2) isNamed.resolve();
      if (got.type !== 1) continue;
      serial += 1;
      const fields = [field(5, 'u', number(got.serial)), field(6, 's', text(got.sender))];
      const value = Buffer.concat([
        Buffer.from([1]),
        Buffer.from('b\0'),
        Buffer.alloc(1),
        number(hasHost() ? 1 : 0),
      ]);
      socket.write(message({ type: 2, serial, fields, body: { signature: 'v', bytes: value } }));
    }
  });
  call('Hello');
  const name = text('org.kde.StatusNotifierWatcher');
  call('RequestName', { signature: 'su', bytes: Buffer.concat([pad(name, 4), number(0)]) });
  await isNamed.promise;
  return socket;
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([number(Buffer.byteLength(value)), Buffer.from(`${value}\0`)]);
}

function pad(bytes: Buffer, to: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)]);
}

/** A field of the header; it begins at a multiple of eight bytes. */
function field(code: number, signature: string, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([code, signature.length]), Buffer.from(`${signature}\0`), value]);
}

function message(given: {
  readonly type: number;
  readonly serial: number;
  readonly fields: readonly Buffer[];
  readonly body?: { readonly signature: string; readonly bytes: Buffer };
}): Buffer {
  const { type, serial, body } = given;
  const signature = body?.signature ?? '';
  const fields =
    body === undefined
      ? given.fields
      : [...given.fields, field(8, 'g', Buffer.from([signature.length, ...Buffer.from(`${signature}\0`)]))];
  const array = Buffer.concat(
    fields.map((each, index) => (index === fields.length - 1 ? each : pad(each, 8))),
  );
  const head = Buffer.concat([
    Buffer.from('l'),
    Buffer.from([type, 0, 1]),
    number(body?.bytes.length ?? 0),
    number(serial),
    number(array.length),
    array,
  ]);
  return Buffer.concat([pad(head, 8), body?.bytes ?? Buffer.alloc(0)]);
}

/** The first message, if it is whole. Those of the bus are little-endian, as its clients are. */
function parse(bytes: Buffer) {
  if (bytes.length < 16) return undefined;
  const arrayEnd = 16 + bytes.readUInt32LE(12);
  const length = Math.ceil(arrayEnd / 8) * 8 + bytes.readUInt32LE(4);
  if (bytes.length < length) return undefined;
  let sender = '';
  let replySerial = 0;
  for (let at = 16; at < arrayEnd;) {
    at = Math.ceil(at / 8) * 8;
    const code = bytes[at];
    const signature = String.fromCodePoint(bytes[at + 2] ?? 0);
    at += 4;
    if (signature === 'u') {
      if (code === 5) replySerial = bytes.readUInt32LE(at);
      at += 4;
    } else if (signature === 'g') at += (bytes[at] ?? 0) + 2;
    else {
      const size = bytes.readUInt32LE(at);
      if (code === 7) sender = bytes.toString('utf8', at + 4, at + 4 + size);
      at += size + 5;
    }
  }
  return { length, type: bytes[1], serial: bytes.readUInt32LE(8), sender, replySerial };
}
