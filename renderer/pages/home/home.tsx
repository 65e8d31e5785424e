import { useState } from 'react';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { desktopParts } from '../../frame/desktop-parts.ts';
import { PartPlace } from '../../frame/part-place.tsx';
import { Panels, Screen } from '../../parts/screen.tsx';
import { type Answer, Skeleton } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { useParam } from '../../route.ts';
import { useCall } from '../../state/calls.ts';
import { useClientUser } from '../../state/client-user.ts';
import { useSetup } from '../../state/setup.ts';
import { useShell } from '../../state/shell.ts';
import { addressFor, isHere } from '../../address.ts';
import { AttentionPanel } from './attention-panel.tsx';
import { ConnectCard } from './connect-card.tsx';
import { useNewestImage } from './newest-image.ts';
import { firstPushOf } from './recipe.ts';
import { RecentPushes } from './recent-pushes.tsx';
import { Setup } from './setup.tsx';
import { StatusCard } from './status-card.tsx';
import { StorageCard } from './storage-card.tsx';
import { TrafficCard } from './traffic-card.tsx';
import { Waiting } from './waiting.tsx';
import styles from './home.module.css';

/** How the registry is, how to connect to it, and what happened last. */
export function HomeScreen() {
  const recent = useCall('tags.recent', {});
  return <Screen title="Home">{recent.isPending ? <Skeleton /> : <Content recent={recent} />}</Screen>;
}

function Content({ recent }: { readonly recent: Answer<readonly TagRow[]> }) {
  const shell = useShell();
  const user = useClientUser();
  const { isSetUp, setSetUp } = useSetup();
  const [setup, setSetup] = useParam('setup');
  const { data: status } = useCall('status.get', {});
  const { data: engines = [] } = useCall('engines.list', {});
  // Who has seen it empty sees the first image come, and not the panel go.
  const isEmpty = recent.data?.length === 0;
  const [isFirst, setFirst] = useState(isEmpty);
  if (isEmpty && !isFirst) setFirst(true);
  const engine = engines.find((each) => each.state === 'running');
  const own = addressFor(status?.urls, location);
  const [ready, setReady] = useState<EngineRow>();
  const pushing = ready ?? engine;
  const address = isHere() ? (pushing?.address ?? own) : own;
  const newest = useNewestImage(pushing);
  const commands = firstPushOf(pushing?.kind ?? 'docker', address, user, newest);
  const [login = '', ...push] = commands.split('\n');
  const first = recent.data?.[0];
  const dismiss = (): void => {
    setSetup('');
    setSetUp(true).then(
      () =>
        toast({
          text: 'The set-up is in the settings, should you want it again',
          undo: () => setSetUp(false),
        }),
      toastError,
    );
  };
  const steps = { address: own, login, first };
  const isShown = (isFirst && !isSetUp) || setup === '1';
  return (
    <>
      {isShown &&
        (shell === undefined ? (
          <Setup {...steps} onDismiss={dismiss} />
        ) : (
          <PartPlace
            part={desktopParts.firstRun}
            props={{ ...steps, shell, user, onReady: setReady, onDismiss: dismiss }}
          />
        ))}
      {isFirst && (
        <Waiting
          commands={ready === undefined ? commands : push.join('\n')}
          isLoggedIn={ready !== undefined}
          first={first}
          onDone={() => setFirst(false)}
        />
      )}
      <Panels>
        <StatusCard />
        <ConnectCard />
      </Panels>
      {status !== undefined && <AttentionPanel />}
      {!isFirst && (
        <>
          <RecentPushes answer={recent} />
          <div className={styles['figures']}>
            <StorageCard />
            <TrafficCard />
          </div>
        </>
      )}
    </>
  );
}
