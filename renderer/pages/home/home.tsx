import { useState } from 'react';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { Panels, Screen } from '../../parts/screen.tsx';
import { type Answer, Skeleton } from '../../parts/states.tsx';
import { useParam } from '../../route.ts';
import { useCall } from '../../state/calls.ts';
import { useLinkState } from '../../state/link.ts';
import { usePreferences } from '../../state/preferences.ts';
import { addressFor, isLoopback } from '../../address.ts';
import { AttentionPanel } from './attention-panel.tsx';
import { ConnectCard } from './connect-card.tsx';
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
  const state = useLinkState();
  const { isSetupDismissed } = usePreferences();
  const [setup, setSetup] = useParam('setup');
  const { data: status } = useCall('status.get', {});
  const { data: engines = [] } = useCall('engines.list', {});
  // Who has seen it empty sees the first image come, and not the panel go.
  const isEmpty = recent.data?.length === 0;
  const [isFirst, setFirst] = useState(isEmpty);
  if (isEmpty && !isFirst) setFirst(true);
  const engine = engines.find((each) => each.state === 'running');
  const own = addressFor(status?.urls, location);
  const address = isLoopback(location.hostname) ? (engine?.address ?? own) : own;
  const user = state.kind === 'open' ? state.user : 'dev';
  const commands = firstPushOf(engine?.kind ?? 'docker', address, user);
  const first = recent.data?.[0];
  return (
    <>
      {((isFirst && !isSetupDismissed) || setup === '1') && (
        <Setup
          address={own}
          login={commands.split('\n')[0] ?? ''}
          first={first}
          onClose={() => setSetup('')}
        />
      )}
      {isFirst && <Waiting commands={commands} first={first} onDone={() => setFirst(false)} />}
      <Panels>
        <StatusCard />
        <ConnectCard />
      </Panels>
      <AttentionPanel />
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
