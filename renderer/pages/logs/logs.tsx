import { Download, Pause, Play, ScrollText, SlidersHorizontal } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { levels } from '../../../registry/spec/log-record.ts';
import { useShortcuts } from '../../frame/shortcuts.ts';
import { formatCount, formatPlural } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { inOrder } from '../../parts/column-order.ts';
import { ColumnsMenu } from '../../parts/columns-menu.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { downloadFrom } from '../../download.ts';
import { Menu } from '../../parts/menu.tsx';
import { Screen } from '../../parts/screen.tsx';
import { Empty, Failed } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { Chip } from '../../parts/values.tsx';
import { useSaveEntries } from '../../parts/save-button.tsx';
import { navigate } from '../../route.ts';
import { isLost, useAsk } from '../../state/calls.ts';
import { useLink, useLinkState } from '../../state/link.ts';
import { type Logs, type LogStore, useLogs, useRevision } from '../../state/logs.ts';
import { setPreferences, usePreferences } from '../../state/preferences.ts';
import { type CellContext, logColumns } from './columns.tsx';
import { loadEarlier } from './earlier.ts';
import { ErrorCards } from './error-cards.tsx';
import { LogBar } from './log-bar.tsx';
import { entriesOf, LogView, type LogViewHandle, type LogViewProps } from './log-view.tsx';
import { type LogQuery, serverFilterOf, useLogQuery } from './query.ts';
import { ServerLevels } from './server-levels.tsx';
import { copyLines, saveLines } from './take-out.ts';
import styles from './logs.module.css';

const table = 'logs';
const halfMinuteMs = 30_000;

export function LogsScreen() {
  const store = useLogs();
  const { list } = store;
  const [query, setParam] = useLogQuery();
  const [isFollowing, setFollowing] = useState(true);
  const view = useRef<LogViewHandle>(null);
  const { isLogUtc, hiddenColumns, columnOrder } = usePreferences();
  const { filter, pattern } = query;
  const ask = useAsk();
  const link = useLink();

  useEffect(() => store.setFilter(filter), [store, filter]);

  const hidden = hiddenColumns[table];
  const order = columnOrder[table];
  const columns = useMemo(
    () => inOrder(logColumns, order).filter(({ id }) => hidden?.includes(id) !== true),
    [hidden, order],
  );
  const context = useMemo(
    (): CellContext => ({
      isUtc: isLogUtc,
      pattern,
      onRequest: (id) => setParam('request', id),
    }),
    [isLogUtc, pattern, setParam],
  );
  const showAround = useCallback(
    (at: number) => {
      setParam('since', new Date(at - halfMinuteMs).toISOString());
      setParam('until', new Date(at + halfMinuteMs).toISOString());
    },
    [setParam],
  );

  const copySelection = (): void => void copyLines(view.current?.selected() ?? []);
  const shown = (): ReturnType<typeof entriesOf> => entriesOf(list, 0, list.shownSize());
  const saveAll = (format: 'text' | 'json', asks: boolean): void => {
    ask('logs.download', { ...serverFilterOf(query), format })
      .then(({ ticket }) => downloadFrom(link.downloadUrl(ticket), '', { asks }))
      .catch(toastError);
  };
  const saves = useSaveEntries([
    { id: 'text', label: 'What is shown, as .log', save: (asks) => void saveLines(shown(), 'text', asks) },
    { id: 'json', label: 'What is shown, as .ndjson', save: (asks) => void saveLines(shown(), 'json', asks) },
    { id: 'all', label: 'The same of all log files, as .log', save: (asks) => saveAll('text', asks) },
    { id: 'allJson', label: 'The same of all log files, as .ndjson', save: (asks) => saveAll('json', asks) },
  ]);
  const step = (isForward: boolean): void => {
    const from = view.current?.current() ?? list.numberAt(list.shownSize() - 1) ?? 0;
    const found = list.nextMatch(from, isForward);
    if (found !== undefined) view.current?.goTo(found);
  };

  useShortcuts([
    { keys: ['f', 'end'], label: 'Follow the end', group: 'Logs', run: () => setFollowing(true) },
    { keys: ['p'], label: 'Pause, or go on', group: 'Logs', run: () => setFollowing(!isFollowing) },
    {
      keys: ['l'],
      label: 'Next level',
      group: 'Logs',
      run: () => setParam('level', levels[(levels.indexOf(query.level) + 1) % levels.length] ?? 'trace'),
    },
    {
      keys: ['r'],
      label: 'Only the request of the line, or all',
      group: 'Logs',
      run() {
        if (query.requestId !== '') return setParam('request', '');
        const [entry] = view.current?.selected() ?? [];
        const id = entry !== undefined && 'fields' in entry ? entry.fields['http.request.id'] : undefined;
        if (typeof id === 'string') setParam('request', id);
      },
    },
  ]);

  return (
    <Screen
      title="Logs"
      isScrolling={false}
      facts={<Facts store={store} isFollowing={isFollowing} />}
      actions={
        <>
          <Button icon={isFollowing ? <Pause /> : <Play />} onPress={() => setFollowing(!isFollowing)}>
            {isFollowing ? 'Pause' : 'Follow'}
          </Button>
          <ViewMenu
            store={store}
            requestId={query.requestId}
            showsChallenges={query.showsChallenges}
            onChallenges={(shows) => setParam('challenges', shows ? '1' : '')}
          />
          <ColumnsMenu name={table} columns={logColumns} />
          <Menu
            label="Copy"
            button={<Button>Copy</Button>}
            entries={[
              { id: 'selection', label: 'Selected lines', keys: 'Ctrl C', act: copySelection },
              {
                id: 'visible',
                label: 'Visible lines',
                act: () => void copyLines(view.current?.visible() ?? []),
              },
              {
                id: 'last',
                label: 'Last 100 lines',
                act: () => void copyLines(entriesOf(list, list.shownSize() - 100, list.shownSize())),
              },
            ]}
          />
          <Menu label="Export" button={<Button icon={<Download />}>Export</Button>} entries={saves} />
          <Button
            icon={<SlidersHorizontal />}
            onPress={() => void openDialog((close) => <ServerLevels onClose={close} />)}
          >
            Server levels
          </Button>
        </>
      }
    >
      <ErrorCards />
      <LogBar query={query} onChange={setParam} store={store} onStep={step} />
      <Lines
        store={store}
        query={query}
        handle={view}
        columns={columns}
        context={context}
        isFollowing={isFollowing}
        onFollow={setFollowing}
        onAround={showAround}
        onCopy={copySelection}
      />
    </Screen>
  );
}

/** The lines, or what stands in their place. */
function Lines({
  query,
  store,
  ...props
}: Omit<LogViewProps, 'isHighlight' | 'store'> & { readonly query: LogQuery; readonly store: Logs }) {
  useRevision(store);
  const failure = store.failure();
  return (
    <>
      {failure !== undefined && !isLost(failure) && (
        <div className={styles['strip']}>
          <Failed error={failure} onRetry={store.retry} />
        </div>
      )}
      {store.list.shownSize() === 0 ? (
        <Nothing store={store} isNarrow={query.isNarrow} requestId={query.requestId} />
      ) : (
        <LogView {...props} store={store} isHighlight={query.isHighlight} />
      )}
    </>
  );
}

function Facts({ store, isFollowing }: { readonly store: LogStore; readonly isFollowing: boolean }) {
  const { kind } = useLinkState();
  useRevision(store);
  const { list } = store;
  const progress = list.progress();
  const [size, shown] = [list.size(), list.shownSize()];
  return (
    <>
      {kind === 'lost' ? (
        <Chip tone="warn">Not connected</Chip>
      ) : (
        <Chip tone={isFollowing ? 'ok' : 'accent'}>{isFollowing ? 'Live' : 'Paused'}</Chip>
      )}
      <span>
        {shown === size
          ? formatPlural(size, 'line')
          : `${formatCount(shown)} of ${formatPlural(size, 'line')}`}
      </span>
      {progress !== undefined && progress < 1 && <span>searching, {Math.floor(progress * 100)} %</span>}
    </>
  );
}

/** How lines are shown, and which more there are. */
function ViewMenu({
  store,
  requestId,
  showsChallenges,
  onChallenges,
}: {
  readonly store: LogStore;
  readonly requestId: string;
  readonly showsChallenges: boolean;
  readonly onChallenges: (shows: boolean) => void;
}) {
  const { wrapsLog, isLogUtc } = usePreferences();
  const load = useLoadEarlier(store, requestId);
  return (
    <Menu
      label="View"
      button={<Button>View</Button>}
      entries={[
        { id: 'earlier', label: 'Load earlier lines', act: load },
        { id: 'clear', label: 'Clear the list', act: store.clear },
        {
          id: 'wrap',
          label: wrapsLog ? 'Cut long lines' : 'Wrap long lines',
          act: () => setPreferences({ wrapsLog: !wrapsLog }),
        },
        {
          id: 'utc',
          label: isLogUtc ? 'Times of this time zone' : 'Times in UTC',
          act: () => setPreferences({ isLogUtc: !isLogUtc }),
        },
        {
          id: 'challenges',
          label: `${showsChallenges ? 'Hide' : 'Show'} challenges: first requests without a login`,
          act: () => onChallenges(!showsChallenges),
        },
      ]}
    />
  );
}

function useLoadEarlier(store: LogStore, requestId: string): () => void {
  const ask = useAsk();
  return () => {
    loadEarlier(store, (args) => ask('logs.export', args), requestId === '' ? undefined : requestId)
      .then((count) =>
        toast({
          text: count === 0 ? 'The log files have no earlier lines' : `${formatPlural(count, 'line')} loaded`,
        }),
      )
      .catch(toastError);
  };
}

function Nothing({
  store,
  isNarrow,
  requestId,
}: {
  readonly store: LogStore;
  readonly isNarrow: boolean;
  readonly requestId: string;
}) {
  const load = useLoadEarlier(store, requestId);
  if (store.list.progress() !== undefined) return <Empty icon={<ScrollText />} title="Searching" />;
  if (!isNarrow) {
    return (
      <Empty icon={<ScrollText />} title="No lines yet">
        The registry writes a line for each request and for what it does by itself, as far as its levels
        admit.
        <CopyLine text="berth logs -f" label="Copy command" />
      </Empty>
    );
  }
  return (
    <Empty icon={<ScrollText />} title="Nothing for this filter">
      {formatPlural(store.list.size(), 'line')} are here, and more may be in the log files.
      <div className={styles['emptyActs']}>
        <Button onPress={() => navigate({ page: 'logs' }, { replace: true })}>Clear</Button>
        <Button onPress={load}>Load earlier lines</Button>
      </div>
    </Empty>
  );
}
