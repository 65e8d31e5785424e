import { RefreshCw } from 'lucide-react';
import type { UpdateState } from '../../../main/contract/updates.ts';
import { Button } from '../../parts/button.tsx';
import { Progress } from '../../parts/charts.tsx';
import { Toggle } from '../../parts/field.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { useShell, useShellAnswer, useShellCall } from '../../state/shell.ts';
import { Saved } from './saved.tsx';
import styles from './settings.module.css';

/** The version that runs, and what is newer. Nothing is installed but by its button. */
export function UpdatesPanel({
  isDaily,
  isSaved,
  onDaily,
}: {
  readonly isDaily: boolean;
  readonly isSaved: boolean;
  readonly onDaily: (isDaily: boolean) => void;
}) {
  const shell = useShell();
  const put = useShellAnswer();
  const answer = useShellCall('updates.get', {});

  async function look(): Promise<void> {
    const row = await shell?.call('updates.look', {});
    if (row !== undefined) put('updates.get', {}, row);
  }

  return (
    <Panel title="Updates" actions={<Saved isSaved={isSaved} />}>
      <Loaded answer={answer} rows={2}>
        {({ version, update }) => (
          <>
            <div className={styles['update']}>
              <span>
                Berth <span className={styles['version']}>{version}</span>
              </span>
              {canLook(update) && (
                <Button
                  icon={<RefreshCw />}
                  isPending={update.kind === 'looking'}
                  onPress={() => void look()}
                >
                  Look for updates
                </Button>
              )}
              {update.kind === 'ready' && (
                <Button look="primary" onPress={() => void shell?.call('updates.restart', {})}>
                  Restart to update
                </Button>
              )}
            </div>
            <State update={update} />
            {update.kind !== 'noFeed' && (
              <Toggle isSelected={isDaily} onChange={onDaily}>
                Look once a day
              </Toggle>
            )}
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function canLook({ kind }: UpdateState): boolean {
  return kind !== 'noFeed' && kind !== 'fetching' && kind !== 'ready';
}

function State({ update }: { readonly update: UpdateState }) {
  switch (update.kind) {
    case 'noFeed':
      return <p className={styles['help']}>This build has no update feed: it looks for nothing.</p>;
    case 'idle':
      return <p role="status">{update.isNewest ? 'This is the newest version.' : ''}</p>;
    case 'looking':
      return <p role="status">Looking…</p>;
    case 'manual':
      return (
        <Notice kind="info">
          Version {update.version} is there. On this system nothing proves who made it, so Berth does not
          install it: take it from where you took this one.
        </Notice>
      );
    case 'fetching':
      return (
        <>
          <p>
            Fetching version {update.version}, {update.percent} %
          </p>
          <Progress label={`Fetching version ${update.version}`} done={update.percent} total={100} />
        </>
      );
    case 'ready':
      return <p role="status">Version {update.version} is ready, and is installed when Berth restarts.</p>;
    case 'failed':
      return <Notice kind="error">The update failed: {update.message}</Notice>;
    default:
      return update satisfies never;
  }
}
