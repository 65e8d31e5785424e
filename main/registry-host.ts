/** The process of the registry, as Electron runs it. */
import { fileURLToPath } from 'node:url';
import { MessageChannelMain, type MessagePortMain, utilityProcess } from 'electron';
import { type Client, createClient } from '../registry/spec/rpc.ts';
import { createPortChannel } from './port-channel.ts';
import { type Child, createSupervisor, type Supervisor, type SupervisorState } from './supervisor.ts';
import { dataArgument, type FromRegistry, type PortRequest } from './registry-messages.ts';

export interface RegistryHost extends Supervisor<MessagePortMain> {
  /** The other end of a port that was given to the registry, for a connection if nothing else; `undefined` while it does not run. */
  openPort(request?: PortRequest): MessagePortMain | undefined;
  /** The shell's own connection; `undefined` while it does not run. */
  openClient(): Client | undefined;
}

const keptChars = 4096;

export interface RegistryHostOptions {
  /** The data directory; `undefined` for the one that the registry finds by itself. */
  readonly dataDir: () => string | undefined;
  readonly onState: (state: SupervisorState) => void;
}

export function createRegistryHost({ dataDir, onState }: RegistryHostOptions): RegistryHost {
  const supervisor = createSupervisor({
    fork(args) {
      const path = dataDir();
      return fork(path === undefined ? args : [`${dataArgument}${path}`, ...args]);
    },
    onState,
  });
  function openPort(request?: PortRequest): MessagePortMain | undefined {
    const { port1, port2 } = new MessageChannelMain();
    return supervisor.connect(port1, request) ? port2 : undefined;
  }
  return {
    ...supervisor,
    openPort,
    openClient() {
      const port = openPort();
      return port === undefined ? undefined : createClient(createPortChannel(port));
    },
  };
}

function fork(args: readonly string[]): Child<MessagePortMain> {
  const path = fileURLToPath(new URL('./registry-process.mjs', import.meta.url));
  const child = utilityProcess.fork(path, [...args], { serviceName: 'Berth registry', stdio: 'pipe' });
  let said = '';
  child.stdout?.pipe(process.stdout, { end: false });
  child.stderr?.on('data', (part: Buffer) => {
    process.stderr.write(part);
    said = `${said}${part.toString()}`.slice(-keptChars);
  });
  return {
    get pid() {
      return child.pid;
    },
    post: (message, port) => child.postMessage(message, port === undefined ? [] : [port]),
    onMessage: (listener) => void child.on('message', (message: FromRegistry) => listener(message)),
    onExit: (listener) => void child.once('exit', (status) => listener(status, said)),
    kill() {
      // A process whose loop hangs, or that was stopped, hears no SIGTERM, which is what Electron's own kill sends.
      if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
    },
  };
}
