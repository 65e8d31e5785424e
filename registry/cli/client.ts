/** The command line's way to the registry that holds a data directory. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { fetchFile, type ReceivedFile } from '../admin/file-stream.ts';
import { createLineChannel } from '../admin/line-channel.ts';
import { findSocketAddress } from '../admin/socket-address.ts';
import { systemCode } from '../disk/private-file.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import { createClient } from '../spec/rpc.ts';
import type { Channel, Client } from '../spec/rpc.ts';

/** Disposing it closes the connection. */
export type AdminClient = Client & Disposable;

/**
 * Connects to the registry that holds a data directory. NOT_RUNNING: none does; DATA_UNUSABLE: the directory belongs
 * to somebody else.
 */
export async function openClient(root: string): Promise<AdminClient> {
  const client = createClient(await openChannel(root));
  return { ...client, [Symbol.dispose]: () => client.close() };
}

/** The channel alone. Throws as `openClient` does. */
export async function openChannel(root: string): Promise<Channel> {
  return createLineChannel(await openSocket(root), 'client');
}

/** What a ticket of that registry stands for; `undefined` for nothing. Throws as `openClient` does. */
export async function openFile(root: string, ticket: string): Promise<ReceivedFile | undefined> {
  return await fetchFile(await openSocket(root), ticket);
}

/** A connection that is let in. */
async function openSocket(root: string): Promise<Socket> {
  try {
    const { address, secret } = await findSocketAddress(root);
    const socket = connect(address);
    await once(socket, 'connect');
    // What breaks it is seen by whoever reads.
    socket.on('error', () => undefined);
    if (secret !== undefined) socket.write(`${JSON.stringify({ secret })}\n`);
    return socket;
  } catch (error) {
    throw explain(error, resolve(root));
  }
}

/** Connects as `openClient` does; `undefined` where no registry holds the data directory. */
export async function findRunning(root: string): Promise<AdminClient | undefined> {
  try {
    return await openClient(root);
  } catch (error) {
    if (isAppError(error, 'NOT_RUNNING')) return undefined;
    throw error;
  }
}

function explain(error: unknown, root: string): unknown {
  const code = systemCode(error) ?? '';
  if (['ENOENT', 'ENOTDIR', 'ECONNREFUSED'].includes(code)) {
    return new AppError('NOT_RUNNING', {
      message: `No registry runs on the data directory ${root}.`,
      cause: error,
    });
  }
  if (['EACCES', 'EPERM'].includes(code)) {
    return new AppError('DATA_UNUSABLE', {
      message: `You may not reach the registry of the data directory ${root}.`,
      hint: 'Run the command as the user who owns the directory.',
      cause: error,
    });
  }
  return error;
}
