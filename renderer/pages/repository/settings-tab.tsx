import { Trash2, X } from 'lucide-react';
import { useState } from 'react';
import type { AnonymousRow } from '../../../registry/spec/admin/access.ts';
import type { RepositoryRow } from '../../../registry/spec/admin/content.ts';
import type { ExpiryRule, Quota, RetentionRule, RuleSet } from '../../../registry/spec/admin/rules.ts';
import { compileGlobs } from '../../../registry/spec/globs.ts';
import { formatBytes, formatPlural } from '../../format.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { TextInput, Toggle } from '../../parts/field.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { hrefOf } from '../../route.ts';
import { useAsk, useCall } from '../../state/calls.ts';
import { DeleteRepository } from '../repositories/delete-repository.tsx';
import styles from './repository.module.css';
import { otherWrites, useNote } from './use-note.ts';

/** Who may pull, what is protected, and which rules hold for the repository. */
export function SettingsTab({ repository }: { readonly repository: string }) {
  return (
    // A region that scrolls must be reachable by keyboard.
    <div className={styles['settings']} tabIndex={-1}>
      <NotePanel repository={repository} />
      <VisibilityPanel repository={repository} />
      <ProtectionPanel repository={repository} />
      <RulesPanel repository={repository} />
      <Panel title="Delete">
        <p>Every tag and manifest goes into the trash.</p>
        <div>
          <Button
            icon={<Trash2 />}
            onPress={() =>
              void openDialog((close) => <DeleteRepository repository={repository} onClose={close} />)
            }
          >
            Delete the repository…
          </Button>
        </div>
      </Panel>
    </div>
  );
}

function NotePanel({ repository }: { readonly repository: string }) {
  const answer = useCall('repositories.get', { repository });
  return (
    <Panel title="Description and writes">
      <Loaded answer={answer} rows={3}>
        {(row) => <Note row={row} />}
      </Loaded>
    </Panel>
  );
}

function Note({ row: { name, description = '', isReadOnly = false } }: { readonly row: RepositoryRow }) {
  const note = useNote(name);
  const [text, setText] = useState(description);
  const [former, setFormer] = useState(description);
  // A new description is in the field, which keeps its focus.
  if (former !== description) {
    setFormer(description);
    setText(description);
  }
  const wanted = text.trim();
  const isTooLong = wanted.length > 300;
  return (
    <>
      <form
        className={styles['noteForm']}
        onSubmit={(event) => {
          event.preventDefault();
          note({ description: wanted }, { description }, `The description of ${name} is kept`);
        }}
      >
        <TextInput
          label="What it is for"
          isLabelHidden
          placeholder="What it is for"
          value={text}
          onChange={setText}
          error={isTooLong ? 'It has 300 characters at most.' : undefined}
        />
        <Button type="submit" isDisabled={wanted === description || isTooLong}>
          Save
        </Button>
      </form>
      <Toggle isSelected={isReadOnly} onChange={() => note(...otherWrites(name, isReadOnly))}>
        Read-only: pushes, moves and deletes are refused, those of rules, too
      </Toggle>
      <CliLine command={`berth repository ${name} --read-only ${isReadOnly ? 'off' : 'on'}`} />
    </>
  );
}

function VisibilityPanel({ repository }: { readonly repository: string }) {
  const answer = useCall('access.anonymous', {});
  return (
    <Panel title="Visibility" actions={<a href={hrefOf({ page: 'access' })}>Access</a>}>
      <Loaded answer={answer} rows={2}>
        {(open) => <Visibility repository={repository} open={open} />}
      </Loaded>
    </Panel>
  );
}

function Visibility({ repository, open }: { readonly repository: string; readonly open: AnonymousRow }) {
  const ask = useAsk();
  const globs = open.repositories;
  const others = globs.filter((glob) => glob !== repository && compileGlobs([glob])(repository));
  const isOwn = globs.includes(repository);
  const isFixed = open.lockedBy !== undefined || others.length > 0;

  async function change(isOpen: boolean): Promise<void> {
    const wanted = isOpen ? [...globs, repository] : globs.filter((glob) => glob !== repository);
    try {
      await ask('access.setAnonymous', { repositories: wanted });
      toast({
        text: isOpen ? `Everybody may pull ${repository}` : `Pulls of ${repository} need a login`,
        undo: () => ask('access.setAnonymous', { repositories: [...globs] }),
      });
    } catch (error) {
      toastError(error);
    }
  }

  return (
    <>
      <Toggle
        isSelected={isOwn || others.length > 0}
        isDisabled={isFixed}
        onChange={(isOpen) => void change(isOpen)}
      >
        Everybody may pull, without a login
      </Toggle>
      {others.length > 0 && (
        <p className={styles['note']}>
          It is open by <Patterns of={others} />, which may mean other repositories, too: change that in
          Access.
        </p>
      )}
      {open.lockedBy !== undefined && (
        <p className={styles['note']}>
          <code>{open.lockedBy}</code> fixes it.
        </p>
      )}
    </>
  );
}

function ProtectionPanel({ repository }: { readonly repository: string }) {
  const ask = useAsk();
  const answer = useCall('protect.list', {});
  const [pattern, setPattern] = useState('');
  const isPattern = /^[A-Za-z0-9_*][A-Za-z0-9_.*-]{0,127}$/.test(pattern);

  async function protect(): Promise<void> {
    const rule = `${repository}:${pattern}`;
    try {
      await ask('protect.add', { rule });
      setPattern('');
      toast({ text: `${rule} is protected`, undo: () => ask('protect.remove', { rule }) });
    } catch (error) {
      toastError(error);
    }
  }

  async function remove(rule: string): Promise<void> {
    try {
      await ask('protect.remove', { rule });
      toast({ text: `${rule} is no longer protected`, undo: () => ask('protect.add', { rule }) });
    } catch (error) {
      toastError(error);
    }
  }

  return (
    <Panel title="Protected tags">
      <Loaded answer={answer} rows={2}>
        {(all) => {
          const rows = all.filter(({ rule }) => compileGlobs([rule.split(':')[0] ?? ''])(repository));
          return rows.length === 0 ? (
            <p className={styles['note']}>Every tag can be moved and deleted.</p>
          ) : (
            <ul className={styles['rows']}>
              {rows.map(({ rule, source }) => (
                <li key={`${source} ${rule}`}>
                  <code>{rule}</code>
                  {source === 'configuration' ? (
                    <span className={styles['note']}>from the configuration</span>
                  ) : (
                    <IconButton label={`Stop protecting ${rule}`} onPress={() => void remove(rule)}>
                      <X />
                    </IconButton>
                  )}
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
      <form
        className={styles['add']}
        onSubmit={(event) => {
          event.preventDefault();
          if (isPattern) void protect();
        }}
      >
        <TextInput
          label="Tag or pattern to protect"
          isLabelHidden
          placeholder="v*"
          isCode
          value={pattern}
          onChange={setPattern}
          error={pattern === '' || isPattern ? undefined : 'A pattern has letters, digits, _ . - and *.'}
        />
        <Button type="submit" isDisabled={!isPattern}>
          Protect
        </Button>
      </form>
    </Panel>
  );
}

function RulesPanel({ repository }: { readonly repository: string }) {
  const answer = useCall('rules.get', {});
  return (
    <Panel
      title="Rules that hold here"
      actions={<a href={hrefOf({ page: 'storage', tab: 'rules' })}>Change rules</a>}
    >
      <Loaded answer={answer} rows={2}>
        {(rules) => <Rules sentences={sentencesFor(repository, rules)} />}
      </Loaded>
    </Panel>
  );
}

function Rules({ sentences }: { readonly sentences: readonly Sentence[] }) {
  if (sentences.length === 0)
    return <p className={styles['note']}>None: tags stay until somebody deletes them.</p>;
  return (
    <ul className={styles['rows']}>
      {sentences.map(({ id, text, isEnabled }) => (
        <li key={`${id} ${text}`}>
          <code>{id}</code>
          <span>{text}</span>
          {!isEnabled && <span className={styles['note']}>switched off</span>}
        </li>
      ))}
    </ul>
  );
}

function Patterns({ of }: { readonly of: readonly string[] }) {
  return of.map((each, index) => (
    <span key={each}>
      {index > 0 && ', '}
      <code>{each}</code>
    </span>
  ));
}

interface Sentence {
  readonly id: string;
  readonly text: string;
  readonly isEnabled: boolean;
}

function sentencesFor(repository: string, { retention, expiry, quotas }: RuleSet): readonly Sentence[] {
  const isFor = (globs: readonly string[]): boolean => compileGlobs(globs)(repository);
  return [
    ...retention
      .filter((rule) => isFor(rule.repositories))
      .map((rule) => ({ id: rule.id, text: sayRetention(rule), isEnabled: rule.enabled })),
    ...expiry
      .filter((rule) => isFor(rule.repositories))
      .map((rule) => ({ id: rule.id, text: sayExpiry(rule), isEnabled: rule.enabled })),
    ...quotas
      .filter((rule) => isFor([rule.repositories]))
      .map((rule) => ({ id: rule.id, text: sayQuota(rule), isEnabled: true })),
  ];
}

function sayRetention({ tags, keep, never }: RetentionRule): string {
  const kept = [
    ...(keep.newest === undefined ? [] : [`the newest ${keep.newest}`]),
    ...(keep.pushedWithinDays === undefined
      ? []
      : [`those pushed within ${formatPlural(keep.pushedWithinDays, 'day')}`]),
    ...(keep.pulledWithinDays === undefined
      ? []
      : [`those pulled within ${formatPlural(keep.pulledWithinDays, 'day')}`]),
  ];
  const what = kept.length === 0 ? 'Delete' : `Keep ${kept.join(', and ')}, delete other`;
  const spared = never.length === 0 ? '' : `, but never ${never.join(', ')}`;
  return `${what} tags matching ${tags.join(', ')}${spared}`;
}

function sayExpiry(rule: ExpiryRule): string {
  switch (rule.kind) {
    case 'suffix':
      return 'The end of a tag says how long it lives, as in pr-12-2h';
    case 'label':
      return 'The label expires-after of an image says how long its tags live';
    case 'age':
      return `Delete tags matching ${rule.tags.join(', ')} ${rule.after} after the last ${rule.since}`;
    default:
      return rule satisfies never;
  }
}

function sayQuota({ repositories, bytes, tags }: Quota): string {
  const most = tags === undefined ? '' : ` and ${formatPlural(tags, 'tag')}`;
  return `${repositories} together have ${formatBytes(bytes)}${most} at most`;
}
