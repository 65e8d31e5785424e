/** The sections of the rules, each a list of sentences with blanks. */
import { Plus } from 'lucide-react';
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

export function RetentionSection({ forms, onChange }: SectionProps) {
  const { retention } = forms;
  const set = (rows: readonly RetentionForm[]): void => onChange({ ...forms, retention: rows });
  const add = (): void =>
    set([
      ...retention,
      {
        key: newKey(retention),
        id: newId('keep', forms),
        enabled: true,
        newest: '10',
        tags: '*',
        repositories: '**',
        pulledDays: '30',
        pushedDays: '',
        never: 'latest',
      },
    ]);
  return (
    <Panel title="What is kept" actions={<AddButton text="Add a rule" onPress={add} />}>
      {retention.length === 0 && <p className={styles['muted']}>No rule: every tag is kept.</p>}
      <ul className={styles['rules']}>
        {retention.map((form) => (
          <Retention
            key={form.key}
            form={form}
            onChange={(next) => set(retention.map((each) => (each.key === form.key ? next : each)))}
            onRemove={() => set(retention.filter((each) => each.key !== form.key))}
          />
        ))}
      </ul>
    </Panel>
  );
}

interface LineProps<Form> {
  readonly form: Form;
  readonly onChange: (form: Form) => void;
  readonly onRemove: () => void;
}

function Retention({ form, onChange, onRemove }: LineProps<RetentionForm>) {
  const problems = problemsOf('retention', form);
  const blank = (name: keyof RetentionForm, label: string, placeholder = '', least = 2) => (
    <Blank
      label={label}
      value={String(form[name])}
      onChange={(value) => onChange({ ...form, [name]: value })}
      placeholder={placeholder}
      problem={problems[name]}
      least={least}
    />
  );
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
      Keep the newest {blank('newest', 'How many of the newest', '0')} tags matching{' '}
      {blank('tags', 'Tags', '*', 3)} in {blank('repositories', 'Repositories', 'team/*', 6)}. Delete the rest{' '}
      {blank('pulledDays', 'Days after the last pull', '0')} days after the last pull and{' '}
      {blank('pushedDays', 'Days after the push', '0')} days after the push. Never delete{' '}
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
  const { expiry } = forms;
  const set = (rows: readonly ExpiryForm[]): void => onChange({ ...forms, expiry: rows });
  const add = (): void =>
    set([
      ...expiry,
      {
        key: newKey(expiry),
        id: newId('expire', forms),
        enabled: true,
        kind: 'age',
        tags: 'pr-*',
        repositories: '**',
        after: '14d',
        since: 'push',
      },
    ]);
  return (
    <Panel title="What expires" actions={<AddButton text="Add an expiry" onPress={add} />}>
      {expiry.length === 0 && <p className={styles['muted']}>No rule: no tag expires.</p>}
      <ul className={styles['rules']}>
        {expiry.map((form) => (
          <Expiry
            key={form.key}
            form={form}
            onChange={(next) => set(expiry.map((each) => (each.key === form.key ? next : each)))}
            onRemove={() => set(expiry.filter((each) => each.key !== form.key))}
          />
        ))}
      </ul>
    </Panel>
  );
}

function Expiry({ form, onChange, onRemove }: LineProps<ExpiryForm>) {
  const problems = problemsOf('expiry', form);
  const { kind, since } = form;
  const blank = (name: keyof ExpiryForm, label: string, placeholder: string, least = 3) => (
    <Blank
      label={label}
      value={String(form[name])}
      onChange={(value) => onChange({ ...form, [name]: value })}
      placeholder={placeholder}
      problem={problems[name]}
      least={least}
    />
  );
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
  const { quotas } = forms;
  const set = (rows: readonly QuotaForm[]): void => onChange({ ...forms, quotas: rows });
  const add = (): void =>
    set([
      ...quotas,
      { key: newKey(quotas), id: newId('quota', forms), repositories: 'team/**', bytes: '10GB', tags: '' },
    ]);
  return (
    <Panel title="Quotas" actions={<AddButton text="Add a quota" onPress={add} />}>
      {quotas.length === 0 && (
        <p className={styles['muted']}>No quota: repositories take what the disk has.</p>
      )}
      <ul className={styles['rules']}>
        {quotas.map((form) => (
          <QuotaLine
            key={form.key}
            form={form}
            onChange={(next) => set(quotas.map((each) => (each.key === form.key ? next : each)))}
            onRemove={() => set(quotas.filter((each) => each.key !== form.key))}
          />
        ))}
      </ul>
    </Panel>
  );
}

function QuotaLine({ form, onChange, onRemove }: LineProps<QuotaForm>) {
  const problems = problemsOf('quotas', form);
  const blank = (name: keyof QuotaForm, label: string, placeholder: string, least = 4) => (
    <Blank
      label={label}
      value={String(form[name])}
      onChange={(value) => onChange({ ...form, [name]: value })}
      placeholder={placeholder}
      problem={problems[name]}
      least={least}
    />
  );
  return (
    <RuleLine id={form.id} onId={(id) => onChange({ ...form, id })} onRemove={onRemove} problems={problems}>
      {blank('repositories', 'Repositories', 'team/**', 6)} together take{' '}
      {blank('bytes', 'Bytes at most', '10GB')} and have {blank('tags', 'Tags at most', 'any number of', 4)}{' '}
      tags at most.
    </RuleLine>
  );
}

function AddButton({ text, onPress }: { readonly text: string; readonly onPress: () => void }) {
  return (
    <Button icon={<Plus aria-hidden />} onPress={onPress}>
      {text}
    </Button>
  );
}
