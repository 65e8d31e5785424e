import { auditKinds } from '../../../registry/spec/audit.ts';
import { Button } from '../../parts/button.tsx';
import { ColumnsMenu } from '../../parts/columns-menu.tsx';
import { Chooser, SearchInput, TextInput } from '../../parts/field.tsx';
import { FilterChip } from '../../parts/filter-chip.tsx';
import { Listed } from '../../parts/listed.tsx';
import { Bar, Screen } from '../../parts/screen.tsx';
import { useRows } from '../../state/calls.ts';
import { type AuditFilterState, times, useAuditFilter } from './audit-filter.ts';
import { AuditGrid, columns } from './audit-grid.tsx';
import { kindLooks } from './audit-words.ts';
import { ExportMenu } from './export-menu.tsx';
import { Live } from './live.tsx';
import styles from './activity.module.css';

/** Who pushes and pulls at present, and who changed what. */
export function ActivityScreen() {
  const filter = useAuditFilter();
  const list = useRows('audit.list', filter.args);
  return (
    <Screen title="Activity" actions={<ExportMenu args={filter.args} />} isScrolling={false}>
      <Live />
      <FilterBar filter={filter} />
      <Listed list={list}>
        <AuditGrid list={list} isFiltered={filter.isFiltered} onClear={filter.clear} />
      </Listed>
    </Screen>
  );
}

const kindChoices = [
  { id: 'all', label: 'Every kind' },
  ...auditKinds
    .map((kind) => ({ id: kind as string, label: kindLooks[kind].word }))
    .toSorted((one, other) => one.label.localeCompare(other.label)),
];
const timeChoices = times.map(({ id, label }) => ({ id: id as string, label }));

function FilterBar({
  filter: { texts, set, problems, isFiltered, clear },
}: {
  readonly filter: AuditFilterState;
}) {
  return (
    <Bar label="Filter">
      <SearchInput isMain label="Search activity" value={texts.q} onChange={set.q} />
      <Chooser
        label="Kind"
        isLabelHidden
        value={texts.kind === '' ? 'all' : texts.kind}
        choices={kindChoices}
        onChange={(kind) => set.kind(kind === 'all' ? '' : kind)}
      />
      <div className={styles['field']}>
        <TextInput label="User" isLabelHidden placeholder="User" value={texts.user} onChange={set.user} />
      </div>
      <div className={styles['field']}>
        <TextInput
          label="Repository"
          isLabelHidden
          placeholder="Repository"
          value={texts.repository}
          onChange={set.repository}
          {...(problems.repository === undefined ? {} : { error: problems.repository })}
        />
      </div>
      <Chooser label="Time" isLabelHidden value={texts.time} choices={timeChoices} onChange={set.time} />
      {texts.time === 'custom' && (
        <>
          <TimeInput label="From" value={texts.from} onChange={set.from} error={problems.from} />
          <TimeInput label="To" value={texts.to} onChange={set.to} error={problems.to} />
        </>
      )}
      <FilterChip isSelected={texts.checks !== ''} onChange={(isOn) => set.checks(isOn ? 'shown' : '')}>
        Doctor’s checks
      </FilterChip>
      {isFiltered && (
        <Button look="quiet" onPress={clear}>
          Clear
        </Button>
      )}
      <ColumnsMenu name="activity" columns={columns} />
    </Bar>
  );
}

function TimeInput({
  label,
  value,
  onChange,
  error,
}: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly error: string | undefined;
}) {
  return (
    <div className={styles['time']}>
      <TextInput
        label={label}
        isLabelHidden
        placeholder={`${label} 2026-03-01 14:05`}
        value={value}
        onChange={onChange}
        {...(error === undefined ? {} : { error })}
      />
    </div>
  );
}
