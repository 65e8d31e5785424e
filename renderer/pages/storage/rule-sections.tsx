/** The sections of the rules, each a list of sentences with blanks. */
import { Plus } from 'lucide-react';
import type { ComponentType } from 'react';
import { Button } from '../../parts/button.tsx';
import { Chooser } from '../../parts/field.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Blank } from './blank.tsx';
import {
  type ExpiryForm,
  newId,
  newKey,
  problemsOf,
  type QuotaForm,
  type RetentionForm,
  type RuleForms,
} from './rule-forms.ts';
import { RuleLine } from './rule-line.tsx';
import styles from './storage.module.css';

interface SectionProps {
  readonly forms: RuleForms;
  readonly onChange: (forms: RuleForms) => void;
}

interface LineProps<Form> {
  readonly form: Form;
  readonly onChange: (form: Form) => void;
  readonly onRemove: () => void;
}

export function RetentionSection({ forms, onChange }: SectionProps) {
  return (
    <Section
      title="What is kept"
      none="No rule: every tag is kept."
      addText="Add a rule"
      rows={forms.retention}
      onRows={(retention) => onChange({ ...forms, retention })}
      begin={(key) => ({
        key,
        id: newId('keep', forms),
        enabled: true,
        newest: '10',
        tags: '*',
        repositories: '**',
        pulledDays: '30',
        pushedDays: '',
        never: 'latest',
      })}
      Line={Retention}
    />
  );
}

function Retention({ form, onChange, onRemove }: LineProps<RetentionForm>) {
  const problems = problemsOf('retention', form);
  const blank = blanksOf(form, onChange, problems);
  const keepsNothing = [form.newest, form.pulledDays, form.pushedDays].every((text) => Number(text) === 0);
  return (
    <RuleLine
      id={form.id}
      onId={(id) => onChange({ ...form, id })}
      enabled={form.enabled}
      onEnabled={(enabled) => onChange({ ...form, enabled })}
      onRemove={onRemove}
      problems={problems}
      warning={
        keepsNothing && form.enabled
          ? 'It keeps nothing of what it matches, but for what is never deleted.'
          : undefined
      }
    >
      Keep the newest {blank('newest', 'How many of the newest', '0', 2)} tags matching{' '}
      {blank('tags', 'Tags', '*')} in {blank('repositories', 'Repositories', 'team/*', 6)}. Delete the rest{' '}
      {blank('pulledDays', 'Days after the last pull', '0', 2)} days after the last pull and{' '}
      {blank('pushedDays', 'Days after the push', '0', 2)} days after the push. Never delete{' '}
      {blank('never', 'Tags that are never deleted', 'none', 6)}.
    </RuleLine>
  );
}

const expiryKinds = [
  { id: 'age', label: 'by their age' },
  { id: 'suffix', label: 'by the end of their name' },
  { id: 'label', label: 'by a label of the image' },
] as const;
const moments = [
  { id: 'push', label: 'the push' },
  { id: 'pull', label: 'the last pull' },
] as const;

export function ExpirySection({ forms, onChange }: SectionProps) {
  return (
    <Section
      title="What expires"
      none="No rule: no tag expires."
      addText="Add an expiry"
      rows={forms.expiry}
      onRows={(expiry) => onChange({ ...forms, expiry })}
      begin={(key): ExpiryForm => ({
        key,
        id: newId('expire', forms),
        enabled: true,
        kind: 'age',
        tags: 'pr-*',
        repositories: '**',
        after: '14d',
        since: 'push',
      })}
      Line={Expiry}
    />
  );
}

function Expiry({ form, onChange, onRemove }: LineProps<ExpiryForm>) {
  const problems = problemsOf('expiry', form);
  const { kind, since } = form;
  const blank = blanksOf(form, onChange, problems);
  return (
    <RuleLine
      id={form.id}
      onId={(id) => onChange({ ...form, id })}
      enabled={form.enabled}
      onEnabled={(enabled) => onChange({ ...form, enabled })}
      onRemove={onRemove}
      problems={problems}
    >
      Tags {kind === 'age' && <>matching {blank('tags', 'Tags', '*')} </>}in{' '}
      {blank('repositories', 'Repositories', 'team/*', 6)} expire{' '}
      <Chooser
        isLabelHidden
        label="How they expire"
        value={kind}
        choices={expiryKinds}
        onChange={(next) => onChange({ ...form, kind: next })}
      />
      {kind === 'age' && (
        <>
          : {blank('after', 'Time until they expire', '14d')} after{' '}
          <Chooser
            isLabelHidden
            label="Since when"
            value={since}
            choices={moments}
            onChange={(next) => onChange({ ...form, since: next })}
          />
          .
        </>
      )}
      {kind === 'suffix' && (
        <>
          , such as <code>2h</code> in <code>pr-12-2h</code>.
        </>
      )}
      {kind === 'label' && (
        <>
          , <code>berth.expires-after</code> or <code>quay.expires-after</code>.
        </>
      )}
    </RuleLine>
  );
}

export function QuotaSection({ forms, onChange }: SectionProps) {
  return (
    <Section
      title="Quotas"
      none="No quota: repositories take what the disk has."
      addText="Add a quota"
      rows={forms.quotas}
      onRows={(quotas) => onChange({ ...forms, quotas })}
      begin={(key) => ({ key, id: newId('quota', forms), repositories: 'team/**', bytes: '10GB', tags: '' })}
      Line={QuotaLine}
    />
  );
}

function QuotaLine({ form, onChange, onRemove }: LineProps<QuotaForm>) {
  const problems = problemsOf('quotas', form);
  const blank = blanksOf(form, onChange, problems);
  return (
    <RuleLine id={form.id} onId={(id) => onChange({ ...form, id })} onRemove={onRemove} problems={problems}>
      {blank('repositories', 'Repositories', 'team/**', 6)} together take{' '}
      {blank('bytes', 'Bytes at most', '10GB', 4)} and have{' '}
      {blank('tags', 'Tags at most', 'any number of', 4)} tags at most.
    </RuleLine>
  );
}

/** Rules of one kind, and a button that begins one more. */
function Section<Form extends { readonly key: number }>({
  title,
  none,
  addText,
  rows,
  onRows,
  begin,
  Line,
}: {
  readonly title: string;
  readonly none: string;
  readonly addText: string;
  readonly rows: readonly Form[];
  readonly onRows: (rows: readonly Form[]) => void;
  readonly begin: (key: number) => Form;
  readonly Line: ComponentType<LineProps<Form>>;
}) {
  const add = (
    <Button icon={<Plus aria-hidden />} onPress={() => onRows([...rows, begin(newKey(rows))])}>
      {addText}
    </Button>
  );
  return (
    <Panel title={title} actions={add}>
      {rows.length === 0 && <p className={styles['muted']}>{none}</p>}
      <ul className={styles['rules']}>
        {rows.map((form) => (
          <Line
            key={form.key}
            form={form}
            onChange={(next) => onRows(rows.map((each) => (each.key === form.key ? next : each)))}
            onRemove={() => onRows(rows.filter((each) => each.key !== form.key))}
          />
        ))}
      </ul>
    </Panel>
  );
}

/** The blanks of a sentence: each is a text of the form. `least` is its width in characters while it is empty. */
function blanksOf<Form extends object>(
  form: Form,
  onChange: (form: Form) => void,
  problems: Readonly<Record<string, string>>,
) {
  return (name: keyof Form & string, label: string, placeholder: string, least = 3) => (
    <Blank
      label={label}
      value={String(form[name])}
      onChange={(value) => onChange({ ...form, [name]: value })}
      placeholder={placeholder}
      problem={problems[name]}
      least={least}
    />
  );
}
