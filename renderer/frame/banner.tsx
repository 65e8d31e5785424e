import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { formatBytes, formatForeign, formatPlural } from '../format.ts';
import { Button, IconButton } from '../parts/button.tsx';
import { Dialog, openDialog } from '../parts/dialog.tsx';
import { Notice } from '../parts/states.tsx';
import { hrefOf } from '../route.ts';
import { useCall } from '../state/calls.ts';
import { useNow } from '../state/clock.ts';
import { useLink, useLinkState } from '../state/link.ts';
import { useSeconds } from '../state/tick.ts';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import { useShellCall } from '../state/shell.ts';
import styles from './banner.module.css';
import { desktopParts } from './desktop-parts.ts';
import { PartPlace } from './part-place.tsx';
import { worstOf } from './worst.ts';

/** The most severe thing that concerns every screen, in one line. */
export function Banner() {
  const state = useLinkState();
  const now = useNow();
  const { knownUnheeded } = usePreferences();
  const isOpen = state.kind === 'open';
  const { data: status } = useCall('status.get', {}, { isWanted: isOpen });
  const { data: certificate } = useCall('certificate.get', {}, { isWanted: isOpen });
  const { data: process } = useShellCall('registry.get', {});
  const worst = worstOf({ isLost: state.kind === 'lost', process, status, certificate, knownUnheeded }, now);
  if (worst === undefined) return null;
  return (
    <section aria-label="State of the registry" className={styles['banner']}>
      {worst.kind === 'process' ? (
        <PartPlace part={desktopParts.process} props={{ process: worst.process }} />
      ) : (
        <Line {...worst} />
      )}
    </section>
  );
}

function Line(worst: Exclude<NonNullable<ReturnType<typeof worstOf>>, { readonly kind: 'process' }>) {
  switch (worst.kind) {
    case 'lost':
      return <Lost />;
    case 'full':
      return (
        <Notice kind="error" actions={<a href={hrefOf({ page: 'storage' })}>Free space</a>}>
          The disk is full: pushes are refused until {formatBytes(worst.reserveBytes)} are free. Pulls go on.
        </Notice>
      );
    case 'open':
      return (
        <Notice kind="error" actions={toSettings('login', 'Login')}>
          Login is switched off: everybody who reaches this registry may push, pull and delete.
        </Notice>
      );
    case 'plain':
      return (
        <Notice kind="error" actions={toSettings('network', 'Network')}>
          Other computers are served without TLS: passwords can be read on the way.
        </Notice>
      );
    case 'readOnly':
      return (
        <Notice kind="warn" actions={toSettings('storage', 'Settings')}>
          The registry is read-only: pushes and deletes are refused.
        </Notice>
      );
    case 'low':
      return (
        <Notice kind="warn" actions={<a href={hrefOf({ page: 'storage' })}>Free space</a>}>
          The disk has {formatBytes(worst.freeBytes)} left.
        </Notice>
      );
    case 'certificate':
      return (
        <Notice kind="warn" actions={toSettings('certificate', 'Certificate')}>
          {worst.days < 0
            ? 'The certificate has expired.'
            : `The certificate expires in ${formatPlural(Math.ceil(worst.days), 'day')}.`}
        </Notice>
      );
    case 'unheeded':
      return <Unheeded lines={worst.lines} />;
    default:
      return worst satisfies never;
  }
}

/** What can be done is tried again by itself, and at once where somebody wants it. */
function Lost() {
  const link = useLink();
  const state = useLinkState();
  const now = useSeconds(true);
  if (state.kind !== 'lost') return null;
  const seconds = Math.ceil((state.retryAt - now) / 1000);
  return (
    <Notice
      kind={state.ending === undefined ? 'error' : 'info'}
      actions={
        <>
          <span aria-hidden className={styles['wait']}>
            {seconds > 0 ? `Next try in ${seconds} s` : 'Trying'}
          </span>
          <Button onPress={link.retry}>Try now</Button>
        </>
      }
    >
      {state.ending === undefined ? (
        'The connection to the registry is lost, and is tried again by itself.'
      ) : (
        <>
          The registry was stopped{state.ending.by !== undefined && ` by ${formatForeign(state.ending.by)}`}:
          nobody can push or pull until <code>berth up</code> starts it.
        </>
      )}{' '}
      What is shown is from before.
    </Notice>
  );
}

function toSettings(tab: string, label: string): ReactNode {
  return <a href={hrefOf({ page: 'settings', tab })}>{label}</a>;
}

function Unheeded({ lines }: { readonly lines: readonly string[] }) {
  const show = (): void =>
    void openDialog((close) => (
      <Dialog title="Without effect" onClose={close}>
        <ul>
          {lines.map((line) => (
            <li key={line}>
              <code>{formatForeign(line)}</code>
            </li>
          ))}
        </ul>
      </Dialog>
    ));
  return (
    <Notice
      kind="warn"
      actions={
        <>
          <Button onPress={show}>Show</Button>
          <IconButton
            label="Hide until there are others"
            onPress={() => setPreferences({ knownUnheeded: lines })}
          >
            <X />
          </IconButton>
        </>
      }
    >
      {formatPlural(lines.length, 'key', 'keys')} of the configuration {lines.length === 1 ? 'has' : 'have'}{' '}
      no effect.
    </Notice>
  );
}
