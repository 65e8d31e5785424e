import { X } from 'lucide-react';
import { useState } from 'react';
import { type Level, levels, subsystems } from '../../../registry/spec/log-record.ts';
import { formatCount } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog, openDialog } from '../../parts/dialog.tsx';
import { Chooser, SearchInput, TextInput } from '../../parts/field.tsx';
import { Radio, RadioGroup } from '../../parts/radio.tsx';
import { Bar } from '../../parts/screen.tsx';
import { type LogStore, useRevision } from '../../state/logs.ts';
import { FallingBack } from './server-levels.tsx';
import { type LogParam, type LogQuery, spans } from './query.ts';
import styles from './logs.module.css';

export interface LogBarProps {
  readonly query: LogQuery;
  readonly onChange: (name: LogParam, value: string) => void;
  readonly store: LogStore;
  /** To the next line that has the text. */
  readonly onStep: (isForward: boolean) => void;
}

/** What is looked for, and how. */
export function LogBar({ query, onChange, store, onStep }: LogBarProps) {
  const { level, text, isRegex, isHighlight, sys, since, until, requestId, error } = query;
  const isSpan = spans.some(({ id }) => id === since) && until === '';
  return (
    <Bar label="Filter">
      <Levels level={level} store={store} onChange={(value) => onChange('level', value)} />
      <Chooser
        isLabelHidden
        label="Source"
        value={sys}
        choices={[{ id: '', label: 'All sources' }, ...subsystems.map((each) => ({ id: each, label: each }))]}
        onChange={(value) => onChange('sys', value)}
      />
      <Chooser
        isLabelHidden
        label="Time range"
        value={isSpan ? since : 'present'}
        choices={[
          ...spans.map(({ id, label }) => ({ id: id as string, label })),
          ...(isSpan ? [] : [{ id: 'present', label: betweenOf(since, until) }]),
          { id: 'between', label: 'Between …' },
        ]}
        onChange={(value) => {
          if (value === 'between') void openBetween(since, until, onChange);
          else if (value !== 'present') {
            onChange('since', value);
            onChange('until', '');
          }
        }}
      />
      <div
        className={styles['search']}
        onKeyDownCapture={(event) => {
          if (event.key !== 'Enter' || !isHighlight) return;
          event.preventDefault();
          onStep(!event.shiftKey);
        }}
      >
        <SearchInput isMain label="Search the log" value={text} onChange={(value) => onChange('q', value)} />
        {error !== undefined && (
          <p className={styles['searchError']} role="alert">
            No pattern: {error}. Everything is shown.
          </p>
        )}
      </div>
      <button
        type="button"
        className={styles['toggle']}
        aria-pressed={isRegex}
        onClick={() => onChange('regex', isRegex ? '' : '1')}
      >
        Regex
      </button>
      <button
        type="button"
        className={styles['toggle']}
        aria-pressed={isHighlight}
        onClick={() => onChange('mode', isHighlight ? 'filter' : 'highlight')}
      >
        Highlight
      </button>
      {isHighlight && text !== '' && <Matches store={store} onStep={onStep} />}
      {requestId !== '' && (
        <span className={styles['only']}>
          Request <code title={requestId}>{requestId.slice(0, 8)}</code>
          <Button look="quiet" icon={<X />} onPress={() => onChange('request', '')}>
            All requests
          </Button>
        </span>
      )}
      <FallingBack />
    </Bar>
  );
}

function Levels({
  level,
  store,
  onChange,
}: {
  readonly level: Level;
  readonly store: LogStore;
  readonly onChange: (level: string) => void;
}) {
  const rank = levels.indexOf(level);
  return (
    <RadioGroup
      aria-label="This level and the more serious ones"
      value={level}
      onChange={onChange}
      className={styles['levels']}
    >
      {levels.map((each, index) => (
        <Radio
          key={each}
          value={each}
          className={`${styles['levelChip']} ${index <= rank ? styles['lit'] : ''} ${styles[each]}`}
        >
          {each} <Count store={store} level={each} />
        </Radio>
      ))}
    </RadioGroup>
  );
}

function Count({ store, level }: { readonly store: LogStore; readonly level: Level }) {
  useRevision(store);
  return <span className={styles['count']}>{shortCount(store.list.counts()[level])}</span>;
}

function Matches({ store, onStep }: Pick<LogBarProps, 'store' | 'onStep'>) {
  useRevision(store);
  const count = store.list.matchSize();
  return (
    <span className={styles['matches']}>
      {formatCount(count)} found
      <Button look="quiet" isDisabled={count === 0} onPress={() => onStep(false)}>
        Former
      </Button>
      <Button look="quiet" isDisabled={count === 0} onPress={() => onStep(true)}>
        Next
      </Button>
    </span>
  );
}

/** Five digits at most, so that the bar keeps its width. */
function shortCount(count: number): string {
  return count < 10_000 ? formatCount(count) : `${Math.floor(count / 1000)}k`;
}

function betweenOf(since: string, until: string): string {
  const [from, to] = [since, until].map((text) => (text === '' ? '…' : localOf(text).slice(11)));
  return `${from} to ${to}`;
}

/** A time as it is typed: `2026-07-01 14:05:09`. */
function localOf(text: string): string {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return '';
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

function openBetween(since: string, until: string, onChange: LogBarProps['onChange']): Promise<void> {
  return openDialog((close) => (
    <Between
      since={localOf(since)}
      until={localOf(until)}
      onClose={close}
      onChoose={(from, to) => {
        onChange('since', from);
        onChange('until', to);
        close();
      }}
    />
  ));
}

function Between({
  since,
  until,
  onChoose,
  onClose,
}: {
  readonly since: string;
  readonly until: string;
  readonly onChoose: (since: string, until: string) => void;
  readonly onClose: () => void;
}) {
  const [from, setFrom] = useState(since);
  const [to, setTo] = useState(until);
  const times = [from, to].map((text) => (text.trim() === '' ? undefined : Date.parse(text.trim())));
  const [isFromBad, isToBad] = times.map((at) => Number.isNaN(at));
  const [fromText = '', toText = ''] = times.map((at) =>
    at === undefined || Number.isNaN(at) ? '' : new Date(at).toISOString(),
  );
  const error = 'Write a time such as 2026-07-01 14:05.';
  return (
    <Dialog
      title="Between two times"
      size="small"
      onClose={onClose}
      buttons={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            look="primary"
            isDisabled={isFromBad === true || isToBad === true}
            onPress={() => onChoose(fromText, toText)}
          >
            Show
          </Button>
        </>
      }
    >
      <TextInput
        autoFocus
        isCode
        label="From"
        value={from}
        onChange={setFrom}
        placeholder="2026-07-01 14:05:00"
        {...(isFromBad === true ? { error } : {})}
      />
      <TextInput
        isCode
        label="To"
        value={to}
        onChange={setTo}
        placeholder="2026-07-01 14:06:00"
        help="In your time zone. Empty for no bound."
        {...(isToBad === true ? { error } : {})}
      />
    </Dialog>
  );
}
