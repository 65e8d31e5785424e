/**
 * The process that the registry runs in, started by registry-host.ts. Where another process holds the data directory, it
 * passes on between the ports of the windows and the socket of that one, and ends with it: the one started after it takes
 * the directory, or finds the next holder.
 */
import { fileURLToPath } from 'node:url';
import { Readable } from 'node:stream';
import { openChannel, openClient, openFile } from '../registry/cli/client.ts';
import type { Io } from '../registry/cli/io.ts';
import { type ConfigOptions, loadFor } from '../registry/cli/load.ts';
import { findOtherPort, setPort } from '../registry/cli/port.ts';
import { handOver, runRegistry } from '../registry/cli/run-registry.ts';
import { readHolder } from '../registry/index.ts';
import { type AppError, isAppError } from '../registry/spec/errors.ts';
import type { Channel, Reply, Request } from '../registry/spec/rpc.ts';
import { type Download, sendDownload } from './download-port.ts';
import { createPortChannel } from './port-channel.ts';
import {
  dataArgument,
  type Failure,
  type FromRegistry,
  portArgument,
  type RunningFacts,
  type ToRegistry,
} from './registry-messages.ts';

/** A registry, here or elsewhere. */
interface Served extends AsyncDisposable {
  readonly facts: RunningFacts;
  connect(channel: Channel): void;
  /** What a ticket stands for, once. */
  findDownload(ticket: string): Promise<Download | undefined>;
}

/** What is stopped, or hangs, takes connections and says nothing. */
const answerTimeoutMs = 5000;

const { parentPort } = process;
/** Where the configuration is. */
const config: ConfigOptions = { data: findArgument(dataArgument) };
const stopped = Promise.withResolvers<number>();
const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  stdin: Readable.from([]),
  isTTY: false,
  canAsk: false,
  env: process.env,
};

// Electron only warns of these, and the process would go on in a state that nobody knows.
for (const name of ['unhandledRejection', 'uncaughtException'] as const) process.on(name, die);
process.once('SIGTERM', () => stopped.resolve(0));

function die(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`The registry ends by a fault of its own: ${text}\n`);
  process.exit(70);
}

function tell(message: FromRegistry): void {
  parentPort.postMessage(message);
}

async function open(): Promise<Served> {
  try {
    return await openOwn();
  } catch (error) {
    if (!isAppError(error, 'DATA_LOCKED')) throw error;
    return await openOther().catch((unreachable: unknown) => {
      // Nobody listens, or nobody answers: the program that has the directory is all there is to tell of.
      throw isAppError(unreachable, 'NOT_RUNNING') || isTimeout(unreachable) ? error : unreachable;
    });
  }
}

async function openOwn(): Promise<Served> {
  const port = wantedPort();
  if (port !== undefined) await setPort(io, config, port);
  const running = await runRegistry(io, {
    config,
    err: io.err,
    runs: 'desktop',
    onStop: () => stopped.resolve(0),
    ui: fileURLToPath(new URL('./ui', import.meta.url)),
  });
  const { registry, root, first } = running;
  if (first !== undefined) await handOver(first.password, root, false);
  return {
    facts: {
      urls: registry.urls,
      root,
      isOwn: true,
      ...(first === undefined ? {} : { firstUser: first.user }),
    },
    connect: registry.connect,
    findDownload: async (ticket) => registry.findDownload(ticket),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** The port that the person wants from now on. */
function wantedPort(): number | undefined {
  const given = findArgument(portArgument);
  return given === undefined ? undefined : Number(given);
}

function findArgument(begin: string): string | undefined {
  return process.argv.find((each) => each.startsWith(begin))?.slice(begin.length);
}

/** The registry of the process that holds the data directory. */
async function openOther(): Promise<Served> {
  const { root } = await loadFor(io, config);
  using asked = await openClient(root);
  await asked.call('status.get', {}, { signal: AbortSignal.timeout(answerTimeoutMs) });
  const watched = await openChannel(root);
  watched.onMessage(() => undefined);
  watched.onClose(() => stopped.resolve(75));
  const holder = await readHolder(root);
  return {
    facts: { urls: holder?.urls ?? [], root, isOwn: false },
    connect(channel) {
      openChannel(root).then(
        (other) => passOn(channel, other),
        () => channel.close(),
      );
    },
    findDownload: (ticket) => openFile(root, ticket).catch(() => undefined),
    [Symbol.asyncDispose]: async () => watched.close(),
  };
}

function passOn(one: Channel, other: Channel): void {
  one.onMessage((message) => other.send(message as Request | Reply));
  other.onMessage((message) => one.send(message as Request | Reply));
  one.onClose(() => other.close());
  other.onClose(() => one.close());
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

/** Hints are made for the command line; here there are buttons, and no options. */
async function failureOf({ code, message, hint }: AppError): Promise<Failure> {
  if (code === 'DATA_LOCKED')
    return { code, message, hint: 'The registry starts by itself when that program has ended.' };
  if (code !== 'PORT_BUSY') return { code, message, hint };
  const freePort = await findOtherPort(io, config);
  return freePort === undefined
    ? { code, message, hint: 'End that program, or change the port where it is fixed.' }
    : { code, message, hint: `End that program, or let the registry use ${freePort} from now on.`, freePort };
}

async function run(): Promise<number> {
  try {
    await using served = await open();
    parentPort.on('message', ({ data, ports }) => {
      const message = data as ToRegistry;
      if (message.kind === 'stop') return stopped.resolve(0);
      const [port] = ports;
      if (port === undefined) return;
      if (message.kind === 'connect') served.connect(createPortChannel(port));
      else void served.findDownload(message.ticket).then((download) => sendDownload(port, download));
    });
    tell({ kind: 'running', ...served.facts });
    return await stopped.promise;
  } catch (error) {
    if (!isAppError(error)) throw error;
    const failure = await failureOf(error);
    // What was told may be lost by an exit: the shell says when it has read it.
    parentPort.on('message', () => stopped.resolve(1));
    tell({ kind: 'failed', ...failure });
    await stopped.promise;
    return 1;
  }
}

// Nothing else ends a utility process: its port keeps it.
process.exit(await run());
