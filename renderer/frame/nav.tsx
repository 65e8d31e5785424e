import {
  Activity,
  Anchor,
  Boxes,
  Database,
  History,
  House,
  Lock,
  LogOut,
  type LucideIcon,
  Power,
  RotateCw,
  ScrollText,
  Settings,
  Stethoscope,
  Users,
} from 'lucide-react';
import { Button as AriaButton } from 'react-aria-components/Button';
import { addressFor } from '../address.ts';
import { formatPlural } from '../format.ts';
import { CopyButton, copyText } from '../parts/copy.tsx';
import { Menu } from '../parts/menu.tsx';
import type { Screen } from '../../registry/spec/screens.ts';
import { hrefOf } from '../route.ts';
import { useCall } from '../state/calls.ts';
import { useNow } from '../state/clock.ts';
import { useNewErrors } from '../state/new-errors.ts';
import { useLink } from '../state/link.ts';
import { usePreferences } from '../state/preferences.ts';
import { useSessions } from '../state/sessions.ts';
import { useRegistryState } from './registry-state.ts';
import styles from './nav.module.css';

export interface NavEntry {
  readonly screen: Screen;
  readonly label: string;
  readonly keys: readonly string[];
  readonly Icon: LucideIcon;
}

export const navEntries: readonly NavEntry[] = [
  { screen: 'home', label: 'Home', keys: ['g h', '1'], Icon: House },
  { screen: 'repositories', label: 'Repositories', keys: ['g r', '2'], Icon: Boxes },
  { screen: 'activity', label: 'Activity', keys: ['g a', '3'], Icon: Activity },
  { screen: 'storage', label: 'Storage', keys: ['g s', '4'], Icon: Database },
  { screen: 'logs', label: 'Logs', keys: ['g l', '5'], Icon: ScrollText },
  { screen: 'access', label: 'Access', keys: ['g u', '6'], Icon: Users },
  { screen: 'doctor', label: 'Doctor', keys: ['g d'], Icon: Stethoscope },
  { screen: 'changes', label: 'System changes', keys: ['g c'], Icon: History },
  { screen: 'settings', label: 'Settings', keys: ['mod+,', ','], Icon: Settings },
];

export function Nav({ current }: { readonly current: Screen | undefined }) {
  const badges = useBadges(current);
  return (
    <nav className={styles['nav']} aria-label="Screens" data-region tabIndex={-1}>
      <StatusBlock />
      <ul className={styles['list']}>
        {navEntries.map(({ screen, label, keys, Icon }) => {
          const badge = badges[screen];
          return (
            <li key={screen}>
              <a
                href={hrefOf({ page: screen })}
                className={styles['entry']}
                aria-current={screen === current ? 'page' : undefined}
                title={`${label} (${keys[0]})`}
              >
                <Icon aria-hidden />
                <span className={styles['label']}>{label}</span>
                {badge !== undefined && <span className={styles['badge']}>{badge}</span>}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/** What needs a look, as a word beside the screen that shows it. */
function useBadges(current: Screen | undefined): Partial<Record<Screen, string>> {
  const now = useNow();
  // Between two requests of one push nothing runs for a moment; a client that has gone says nothing.
  const running = useSessions().filter(
    ({ state, isCancellable, lastAt }) =>
      state === 'active' && (isCancellable || now - Date.parse(lastAt) < 15_000),
  ).length;
  const { data: status } = useCall('status.get', {});
  const errors = useNewErrors(current === 'logs');
  // As at home: what the doctor has found is told, and nothing is looked at for it.
  const { data: checks = [] } = useCall('checks.run', {}, { isWanted: false });
  const { mutedChecks } = usePreferences();
  const failing = checks.filter(({ id, status: is }) => is === 'fail' && !mutedChecks.includes(id)).length;
  return {
    ...(running > 0 ? { activity: `${running} live` } : {}),
    ...(status !== undefined && status.disk.state !== 'ok' ? { storage: status.disk.state } : {}),
    ...(errors > 0 ? { logs: formatPlural(errors, 'error') } : {}),
    ...(failing > 0 ? { doctor: `${failing} fail` } : {}),
  };
}

function StatusBlock() {
  const link = useLink();
  const { data: status } = useCall('status.get', {});
  const { word, isOpen, isStopped, restart, toggle, setReadOnly } = useRegistryState();
  const address = addressFor(status?.urls, location);
  const isKnown = address !== '';
  const isReadOnly = status?.isReadOnly === true;
  return (
    <div className={styles['status']}>
      <Menu
        label="Registry"
        button={
          <AriaButton className={styles['state'] ?? ''}>
            <Anchor aria-hidden />
            <span className={styles['words']}>
              <strong>{word}</strong>
              <span className={styles['address']}>{address}</span>
            </span>
          </AriaButton>
        }
        entries={[
          ...(isKnown
            ? [{ id: 'copy', label: 'Copy address', act: () => void copyText(address, 'Address copied') }]
            : []),
          ...(link.canLogOut
            ? [{ id: 'logout', label: 'Log out', icon: <LogOut />, act: () => void link.logOut() }]
            : []),
          {
            id: 'readOnly',
            label: isReadOnly ? 'Admit pushes again' : 'Read-only: refuse pushes',
            icon: <Lock />,
            isDisabled: !isOpen,
            refusal: status?.readOnlyFixedBy && `Fixed by ${status.readOnlyFixedBy}`,
            act: () => setReadOnly(!isReadOnly),
          },
          ...(restart === undefined
            ? []
            : [{ id: 'restart', label: 'Restart the registry', icon: <RotateCw />, act: restart }]),
          {
            id: 'toggle',
            label: isStopped ? 'Start the registry' : 'Stop the registry',
            icon: <Power />,
            keys: '>',
            isDanger: !isStopped,
            isDisabled: !isOpen && !isStopped,
            act: toggle,
          },
        ]}
      />
      {isKnown && (
        <span className={styles['copy']}>
          <CopyButton text={address} label="Copy address" />
        </span>
      )}
    </div>
  );
}
