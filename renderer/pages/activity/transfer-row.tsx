import { ArrowDown, ArrowUp, CircleAlert, CircleCheck } from 'lucide-react';
import type { SessionRow } from '../../../registry/spec/admin/activity.ts';
import { formatBytes } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { Progress } from '../../parts/charts.tsx';
import { Hint } from '../../parts/hint.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { Bytes, Chip } from '../../parts/values.tsx';
import { useAsk } from '../../state/calls.ts';
import { PlaceLink } from './place-link.tsx';
import { elapsedOf, layersOf, movedBytes, nameOf, percentOf } from './transfer.ts';
import styles from './transfer-row.module.css';

/** One client that pushes or pulls, as it goes. `now` is in milliseconds since the epoch. */
export function TransferRow({ session, now }: { readonly session: SessionRow; readonly now: number }) {
  const { kind, user, client, userAgent, address, repository, tag, digest, state, bytesPerSecond } = session;
  const Arrow = kind === 'push' ? ArrowUp : ArrowDown;
  // What is being pushed is not there yet.
  const isThere = state !== 'active' || kind === 'pull';
  return (
    <li className={styles['row']}>
      <span className={styles['user']} title={user}>
        {user === '' ? 'anonymous' : user}
      </span>
      <span className={styles['client']} title={`${userAgent} at ${address}`}>
        {client}
      </span>
      <span className={styles['kind']}>
        <Arrow aria-hidden />
        {kind}
      </span>
      <span className={styles['name']}>
        {isThere ? (
          <PlaceLink of={{ repository, tag, digest }} />
        ) : (
          <code title={nameOf(session)}>{nameOf(session)}</code>
        )}
      </span>
      <span className={styles['layers']}>{layersOf(session)}</span>
      <Amount session={session} />
      <span className={styles['speed']}>
        {state === 'active' && bytesPerSecond > 0 && `${formatBytes(bytesPerSecond)}/s`}
      </span>
      <span className={styles['elapsed']}>{elapsedOf(session, now)}</span>
      <span className={styles['end']}>
        <End session={session} />
      </span>
    </li>
  );
}

function Amount({ session }: { readonly session: SessionRow }) {
  const percent = percentOf(session);
  return (
    <span className={styles['amount']}>
      {percent !== undefined && session.state === 'active' && (
        <>
          <Progress done={session.bytesOut} total={session.totalBytes} label={`Pull of ${nameOf(session)}`} />
          <span>{percent} %</span>
        </>
      )}
      <Bytes value={movedBytes(session)} />
    </span>
  );
}

function End({ session }: { readonly session: SessionRow }) {
  const ask = useAsk();
  const { id, state, kind, error, isCancellable } = session;
  if (state === 'done')
    return (
      <Chip tone="ok" icon={<CircleCheck aria-hidden />}>
        Done
      </Chip>
    );
  if (state === 'failed')
    return (
      <Chip tone="err" icon={<CircleAlert aria-hidden />} title={error}>
        Failed
      </Chip>
    );
  const cancel = async (): Promise<void> => {
    try {
      const { requests } = await ask('sessions.cancel', { id });
      const text = requests === 0 ? 'Nothing was under way' : `The ${kind} was cut; its client may try again`;
      toast({ text });
    } catch (thrown) {
      toastError(thrown);
    }
  };
  return (
    <Hint text={`berth activity --cancel ${id}`}>
      <Button
        look="quiet"
        isDisabled={!isCancellable}
        onPress={() => void cancel()}
        aria-label={`Cancel: ${kind} of ${nameOf(session)}`}
      >
        Cancel
      </Button>
    </Hint>
  );
}
