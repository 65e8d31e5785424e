/** What runs in a page before its own scripts: the `electron` of a preload script, with the words of Electron's errors. */
import type { PortNote } from './ports.ts';

export type FromPage =
  | { readonly kind: 'invoke' | 'send'; readonly channel: string; readonly args: readonly unknown[] }
  | { readonly kind: 'contextMenu'; readonly params: object }
  | PortNote;

export type ToPage =
  | {
      readonly kind: 'message';
      readonly channel: string;
      readonly data: unknown;
      readonly ports: readonly number[];
    }
  | PortNote;

export interface PageGlobals {
  readonly standInSend: (
    message: FromPage,
  ) => Promise<{ readonly value: unknown } | { readonly error: string } | undefined>;
  standInReceive: (message: ToPage) => void;
  /** Where the files are that a test drops, by their names: Chromium tells no page. */
  standInPaths?: Readonly<Record<string, string>>;
}

/** Runs in the page: it knows nothing of this module, so that all it needs is inside. */
// oxlint-disable unicorn/consistent-function-scoping
export function preparePage(preload: (require: (name: string) => unknown) => void): void {
  if (window !== window.top) return;
  const globals = globalThis as unknown as PageGlobals;
  const listeners = new Map<string, ((event: object, data: unknown) => void)[]>();
  const ports = new Map<number, MessagePort>();

  function openPort(id: number): MessagePort {
    const { port1, port2 } = new MessageChannel();
    ports.set(id, port1);
    port1.addEventListener(
      'message',
      ({ data }) => void globals.standInSend({ kind: 'portMessage', id, data }),
    );
    port1.start();
    return port2;
  }

  globals.standInReceive = (message) => {
    if (message.kind === 'portMessage') return ports.get(message.id)?.postMessage(message.data);
    if (message.kind === 'portClosed') {
      const port = ports.get(message.id);
      ports.delete(message.id);
      return port?.close();
    }
    const event = { ports: message.ports.map(openPort) };
    for (const listener of listeners.get(message.channel) ?? []) listener(event, message.data);
  };

  function copy(value: unknown): unknown {
    if (typeof value === 'function')
      return async (...args: readonly unknown[]) =>
        structuredClone(await (value as (...given: readonly unknown[]) => unknown)(...structuredClone(args)));
    if (typeof value !== 'object' || value === null) return value;
    return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each)])));
  }

  // Electron tells of it where the page has no menu of its own.
  window.addEventListener('contextmenu', (event) => {
    const { target, defaultPrevented } = event;
    if (defaultPrevented) return;
    const field =
      target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement ? target : undefined;
    const selectionText =
      field === undefined
        ? String(getSelection())
        : field.value.slice(field.selectionStart ?? 0, field.selectionEnd ?? 0);
    const isEditable = field !== undefined && !field.readOnly && !field.disabled;
    const hasSelection = selectionText !== '';
    const editFlags = {
      canCut: isEditable && hasSelection,
      canCopy: hasSelection,
      canPaste: isEditable,
      canSelectAll: true,
    };
    void globals.standInSend({ kind: 'contextMenu', params: { isEditable, selectionText, editFlags } });
  });

  const electron = {
    ipcRenderer: {
      async invoke(channel: string, ...args: readonly unknown[]) {
        const answer = await globals.standInSend({ kind: 'invoke', channel, args });
        if (answer !== undefined && 'value' in answer) return answer.value;
        throw new Error(`Error invoking remote method '${channel}': ${answer?.error ?? ''}`);
      },
      send: (channel: string, ...args: readonly unknown[]) =>
        void globals.standInSend({ kind: 'send', channel, args }),
      on(channel: string, listener: (event: object, data: unknown) => void) {
        listeners.set(channel, [...(listeners.get(channel) ?? []), listener]);
      },
    },
    webUtils: {
      getPathForFile: (file: File) => globals.standInPaths?.[file.name] ?? '',
    },
    contextBridge: {
      exposeInMainWorld(name: string, value: unknown) {
        Object.defineProperty(window, name, { value: copy(value), enumerable: true });
      },
    },
  };
  preload((name) => {
    if (name === 'electron') return electron;
    throw new Error(`module not found: ${name}`);
  });
}
