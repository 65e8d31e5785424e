/** All that the page gets of the desktop: two functions, and ports to the registry as messages to the window. */
import { contextBridge, ipcRenderer } from 'electron';
import { channels, type PortBridge, type PortMessage } from '../contract/channels.ts';
import type { ShellBridge, ShellReply } from '../contract/shell-api.ts';

const shell: ShellBridge = {
  invoke: (method, args) => ipcRenderer.invoke(channels.invoke, method, args) as Promise<ShellReply>,
};
const ports: PortBridge = { ask: () => ipcRenderer.send(channels.askPort) };
contextBridge.exposeInMainWorld('berthShell', shell);
contextBridge.exposeInMainWorld('berthPorts', ports);

// The bridge carries values only; a message to the window carries ports.
ipcRenderer.on(channels.port, (event) => {
  window.postMessage({ kind: channels.port } satisfies PortMessage, '/', [...event.ports]);
});
