/** The door of the command line: a socket that only the owner of the data directory can open. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { chmod, lstat, mkdir, realpath, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import { refuseLooseMode, systemCode, unusable, writePrivateFile } from '../disk/private-file.ts';
import type { Offer } from '../feed/tickets.ts';
import { AppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import type { Channel } from '../spec/rpc.ts';
import { sendFile, withFiles } from './file-stream.ts';
import { createLineChannel } from './line-channel.ts';
import { elsewhereAddress, socketPaths } from './socket-address.ts';

export interface AdminSocketOptions {
  /** The data directory, which this process holds (`lockRoot`). */
  readonly root: string;
  /** Gets the channel of each client that was let in. */
  readonly onConnection: (channel: Channel) => void;
  /** What a ticket of such a client stands for, once. */
  readonly findDownload: (ticket: string) => Offer | undefined;
  readonly log: Log;
}

/** Disposing it closes every connection and removes the socket. */
export interface AdminSocket extends AsyncDisposable {
  /** The path of the socket, or the name of the pipe. */
  readonly address: string;
}

/** Listens for the command line. Throws DATA_UNUSABLE or DATA_LOCKED, naming the path. */
export async function openAdminSocket(options: AdminSocketOptions): Promise<AdminSocket> {
  const root = await realpath(options.root).catch((error: unknown) => {
    throw unusable(`Cannot find the data directory "${options.root}"`, error);
  });
  const log = options.log.for('admin');
  const paths = socketPaths(root);
  const outside = elsewhereAddress(root);
  const address = outside ?? paths.socket;
  const secret = outside === undefined ? undefined : randomBytes(32).toString('base64url');
  const isFile = process.platform !== 'win32';

  await using opening = new AsyncDisposableStack();
  // Left by a process that was killed, perhaps in a directory that has another path by now.
  await rm(paths.elsewhere, { force: true });
  if (outside !== undefined && isFile) {
    await makeSharedPlacePrivate(dirname(outside));
    opening.defer(() => rm(dirname(outside), { recursive: true, force: true }));
  }
  const sockets = new Set<Socket>();
  async function send(socket: Socket, offer: Offer | undefined): Promise<void> {
    await sendFile(socket, offer).catch((error: unknown) => {
      log.debug('fileBroken', 'a file for a client of the control plane broke off', { error: String(error) });
    });
  }
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const channel = createLineChannel(socket, 'server');
    const letIn = (): void =>
      options.onConnection(withFiles(channel, (ticket) => void send(socket, options.findDownload(ticket))));
    if (secret === undefined) letIn();
    else {
      channel.onMessage((hello) => {
        if (isSecret(hello, secret)) return letIn();
        log.warn('adminRefused', 'a client of the control plane did not know the secret', { address });
        channel.close();
      });
    }
  });
  opening.defer(async () => {
    const closed = once(server, 'close');
    // Node removes the file of the socket.
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  await listen(server, address);
  server.on('error', (error) => {
    log.warn('adminSocketFailed', 'a client of the control plane could not be accepted', {
      error: error.message,
    });
  });
  if (isFile) await chmod(address, 0o600);
  if (secret !== undefined) {
    opening.defer(() => rm(paths.elsewhere, { force: true }));
    await writePrivateFile(paths.elsewhere, `${JSON.stringify({ address, secret })}\n`);
  }
  log.debug('adminListening', `the control plane listens on ${address}`);

  const stack = opening.move();
  return { address, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function listen(server: Server, address: string): Promise<void> {
  try {
    await tryListen(server, address);
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') throw unusable(`Cannot listen on "${address}"`, error);
    await removeStale(address);
    await tryListen(server, address).catch((second: unknown) => {
      throw unusable(`Cannot listen on "${address}"`, second);
    });
  }
}

async function tryListen(server: Server, address: string): Promise<void> {
  server.listen(address);
  await once(server, 'listening');
}

/** A process that was killed leaves its socket behind; one that answers is alive. */
async function removeStale(address: string): Promise<void> {
  const info = await lstat(address).catch(() => undefined);
  if (info?.isSocket() === true && !(await isAnswered(address))) return await rm(address, { force: true });
  if (info?.isSocket() === false) {
    throw new AppError('DATA_UNUSABLE', {
      message: `"${address}" is in the way: it is not a socket.`,
      hint: 'Move the file away.',
    });
  }
  throw new AppError('DATA_LOCKED', { message: `Another process listens on "${address}".` });
}

async function isAnswered(address: string): Promise<boolean> {
  const socket = connect(address);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if (['ECONNREFUSED', 'ENOENT'].includes(systemCode(error) ?? '')) return false;
    throw unusable(`Cannot tell who listens on "${address}"`, error);
  } finally {
    socket.destroy();
  }
}

/** In a directory that all may write to, the name may be taken by somebody who wants to listen in. */
async function makeSharedPlacePrivate(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw unusable(`Cannot make the directory "${directory}"`, error);
  }
  const info = await lstat(directory);
  if (!info.isDirectory() || info.uid !== process.getuid?.()) {
    throw new AppError('DATA_UNUSABLE', {
      message: `"${directory}" is needed for the socket of this data directory and belongs to somebody else.`,
      hint: 'Remove it, or choose a data directory with a shorter path.',
    });
  }
  refuseLooseMode(directory, info.mode, '700');
}

function isSecret(hello: unknown, secret: string): boolean {
  if (typeof hello !== 'object' || hello === null || !('secret' in hello)) return false;
  const given = Buffer.from(String(hello.secret));
  const wanted = Buffer.from(secret);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
