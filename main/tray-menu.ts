/** Icon and menu of the tray for each state of the registry: data that tray.ts puts on the screen. */
import { formatBytes } from '../registry/cli/format.ts';
import { assertNever } from '../registry/spec/errors.ts';
import { localUrl } from '../registry/spec/local-url.ts';
import type { DataMove } from './contract/data.ts';
import type { RegistryView } from './registry-view.ts';
import type { Failure } from './registry-messages.ts';
import type { SupervisorState } from './supervisor.ts';

/** The shape carries the state: there is no colour in the tray of macOS. */
export type TrayIcon =
  'notSetUp' | 'starting' | 'running' | 'transfer' | 'attention' | 'readOnly' | 'stopped' | 'error';

export type TrayAct =
  | { readonly kind: 'copy'; readonly text: string; readonly what: string }
  | { readonly kind: 'open'; readonly hash?: string }
  | { readonly kind: 'setReadOnly'; readonly isReadOnly: boolean }
  /** Another port, from now on. */
  | { readonly kind: 'usePort'; readonly port: number }
  /** Restarts the app into the version that was fetched. */
  | { readonly kind: 'update' }
  | { readonly kind: 'start' | 'restart' | 'stop' | 'quit' };

/** Without an act a line is only read; `undefined` is a line between groups. */
export interface TrayItem {
  readonly label: string;
  readonly act?: TrayAct;
}

export interface TrayMenu {
  readonly icon: TrayIcon;
  readonly tooltip: string;
  readonly items: readonly (TrayItem | undefined)[];
}

const open: TrayItem = { label: 'Open Berth', act: { kind: 'open' } };
const quit: TrayItem = { label: 'Quit', act: { kind: 'quit' } };
const stop: TrayItem = { label: 'Stop', act: { kind: 'stop' } };
const restart: TrayItem = { label: 'Restart', act: { kind: 'restart' } };
const settings: TrayItem = { label: 'Settings', act: { kind: 'open', hash: '#/settings' } };
const logs: TrayItem = { label: 'Show logs', act: { kind: 'open', hash: '#/logs' } };

export interface TrayFacts {
  /** The set-up is done, or put away. */
  readonly isSetUp?: boolean;
  /** The version that was fetched and waits for a restart. */
  readonly update?: string;
  /** The engine that does not trust the registry yet, by its title. */
  readonly distrustful?: string;
  /** The registry is stopped for it. */
  readonly move?: DataMove;
}

/** `view` is absent until the registry has told it. */
export function trayMenu(
  state: SupervisorState,
  view: RegistryView | undefined,
  { isSetUp = true, update, distrustful, move }: TrayFacts = {},
): TrayMenu {
  const menu = move === undefined ? menuOf(state, view, { isSetUp, distrustful }) : movingMenu(move);
  if (update === undefined) return menu;
  const restartApp: TrayItem = { label: `Restart to update to ${update}`, act: { kind: 'update' } };
  // Trouble, and what is under way, say more.
  const icon = menu.icon === 'running' ? 'attention' : menu.icon;
  return { ...menu, icon, items: [restartApp, ...menu.items] };
}

function menuOf(
  state: SupervisorState,
  view: RegistryView | undefined,
  { isSetUp, distrustful }: { readonly isSetUp: boolean; readonly distrustful: string | undefined },
): TrayMenu {
  switch (state.kind) {
    case 'stopped':
      return {
        icon: 'stopped',
        tooltip: 'Berth: stopped',
        items: [
          { label: 'Stopped' },
          { label: 'Start', act: { kind: 'start' } },
          undefined,
          open,
          settings,
          quit,
        ],
      };
    case 'starting':
      // What hinders it does so until it runs: each try would hide it for a moment.
      if (state.after !== undefined && state.after.code !== 'REGISTRY_ENDED') return waitingMenu(state.after);
      return {
        icon: 'starting',
        tooltip: 'Berth: starting',
        items: [
          { label: 'Starting' },
          ...(state.after === undefined ? [] : [{ label: state.after.message }]),
          logs,
          { label: 'Cancel', act: { kind: 'stop' } },
          undefined,
          open,
          quit,
        ],
      };
    case 'stopping':
      return { icon: 'starting', tooltip: 'Berth: stopping', items: [{ label: 'Stopping' }, open, quit] };
    case 'waiting':
      return waitingMenu(state.failure);
    case 'running':
      return !isSetUp && view !== undefined && isUntouched(view)
        ? setUpMenu
        : runningMenu(state, view, distrustful);
    default:
      return assertNever(state);
  }
}

const setUpMenu: TrayMenu = {
  icon: 'notSetUp',
  tooltip: 'Berth: not set up',
  items: [{ label: 'Finish setup', act: { kind: 'open', hash: '#/home?setup=1' } }, open, quit],
};

/** The registry comes back when that is over. */
function movingMenu({ step, doneBytes, bytes }: DataMove): TrayMenu {
  const part = step === 'copying' && bytes > 0 ? `: ${Math.floor((doneBytes / bytes) * 100)} %` : '';
  const label = `Moving the data${part}`;
  return {
    icon: 'starting',
    tooltip: `Berth: ${label}`,
    items: [{ label }, { label: 'Show', act: { kind: 'open', hash: '#/storage' } }, undefined, open, quit],
  };
}

/** Nothing was pushed, and nothing is under way. */
export function isUntouched({ repositories, lastPush, transfers }: RegistryView): boolean {
  return repositories === 0 && lastPush === undefined && transfers.length === 0;
}

function waitingMenu(failure: Failure): TrayMenu {
  return {
    icon: 'error',
    tooltip: `Berth: ${failure.message}`,
    items: [
      { label: failure.message },
      ...portItems(failure),
      { label: 'Try again', act: { kind: 'start' } },
      logs,
      { label: 'Stop', act: { kind: 'stop' } },
      undefined,
      open,
      quit,
    ],
  };
}

/** The window says what can be done about the port; the quickest way out is here. */
function portItems({ code, freePort }: Failure): readonly TrayItem[] {
  if (code !== 'PORT_BUSY') return [];
  return [
    { label: 'Fix', act: { kind: 'open', hash: '#/home' } },
    ...(freePort === undefined
      ? []
      : [{ label: `Use ${freePort}`, act: { kind: 'usePort', port: freePort } } as const]),
  ];
}

function runningMenu(
  { urls, isOwn }: Extract<SupervisorState, { readonly kind: 'running' }>,
  view: RegistryView | undefined,
  distrustful: string | undefined,
): TrayMenu {
  const address = urls[0] === undefined ? undefined : new URL(localUrl(urls[0])).host;
  const where = isOwn ? '' : ', by another program';
  const head = headOf(view);
  const isReadOnly = view?.isReadOnly === true;
  // What is fixed from outside is not for the tray to change.
  const canSwitch = view !== undefined && view.readOnlyFixedBy === undefined;
  return {
    icon: iconOf(view, distrustful),
    tooltip: `Berth: ${head}${where}`,
    items: [
      ...(view?.disk === 'full' || view?.disk === 'low'
        ? [{ label: 'Free disk space', act: { kind: 'open', hash: '#/storage' } } as const]
        : distrustful === undefined
          ? []
          : [{ label: `Trust in ${distrustful}`, act: { kind: 'open', hash: '#/home' } } as const]),
      { label: `${head}${where}` },
      ...(isReadOnly && canSwitch
        ? [{ label: 'Resume', act: { kind: 'setReadOnly', isReadOnly: false } } as const]
        : []),
      ...(address === undefined ? [] : copies(address, view?.lastPush)),
      undefined,
      open,
      ...(canSwitch && !isReadOnly
        ? [{ label: 'Pause', act: { kind: 'setReadOnly', isReadOnly: true } } as const]
        : []),
      // Another program's process is not for the tray to end.
      ...(isOwn ? [restart, stop] : []),
      undefined,
      settings,
      quit,
    ],
  };
}

function copies(address: string, lastPush: string | undefined): readonly TrayItem[] {
  const copy = (label: string, text: string, what: string): TrayItem => ({
    label,
    act: { kind: 'copy', text, what },
  });
  return [
    copy(`Copy address ${address}`, address, 'The address'),
    copy('Copy docker login', `docker login ${address}`, 'The command'),
    ...(lastPush === undefined
      ? []
      : [copy(`Copy pull of ${lastPush}`, `docker pull ${address}/${lastPush}`, 'The command')]),
  ];
}

function headOf(view: RegistryView | undefined): string {
  if (view === undefined) return 'Running';
  const { repositories, bytes, transfers, isReadOnly } = view;
  const [first, ...more] = transfers;
  if (first !== undefined) {
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    const verb = first.kind === 'push' ? 'Pushing' : 'Pulling';
    return `${verb} ${first.name}, ${formatBytes(first.bytes)}${others}`;
  }
  if (isReadOnly) return 'Read-only';
  return `Running: ${repositories} ${repositories === 1 ? 'repository' : 'repositories'}, ${formatBytes(bytes)}`;
}

function iconOf(view: RegistryView | undefined, distrustful: string | undefined): TrayIcon {
  if (view === undefined) return 'running';
  if (view.disk !== 'ok') return 'attention';
  if (view.transfers.length > 0) return 'transfer';
  if (distrustful !== undefined) return 'attention';
  return view.isReadOnly ? 'readOnly' : 'running';
}
