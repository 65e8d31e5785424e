/** All that the page gets of the desktop: two functions, and messages to the window: ports to the registry, and notes. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import {
  channels,
  type NoteMessage,
  type PortBridge,
  type PortMessage,
  type ShellNote,
} from '../contract/channels.ts';
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
ipcRenderer.on(channels.note, (_, note: ShellNote) => {
  window.postMessage({ kind: channels.note, note } satisfies NoteMessage, '/');
});

// What a person drops has a path, which the page does not learn; what a script makes up has none.
window.addEventListener('drop', ({ isTrusted, dataTransfer }) => {
  const files = isTrusted ? [...(dataTransfer?.files ?? [])] : [];
  const paths = files.map((file) => webUtils.getPathForFile(file)).filter((path) => path !== '');
  if (paths.length > 0) ipcRenderer.send(channels.drop, paths);
});
