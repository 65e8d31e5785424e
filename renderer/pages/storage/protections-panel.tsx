import { Lock, Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import type { ProtectionRow } from '../../../registry/spec/admin/rules.ts';
import { sentencesOf } from '../../messages.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { TextInput } from '../../parts/field.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { Chip } from '../../parts/values.tsx';
import { useAct, useAsk, useCall, useGuess } from '../../state/calls.ts';
import { SettingLink } from './setting.tsx';
import styles from './storage.module.css';

/** Tags that keep their meaning. They are in force at once, without a simulation: they delete nothing. */
export function ProtectionsPanel() {
  const protections = useCall('protect.list', {});
  const [rule, setRule] = useState('');
  const add = useAct('protect.add');
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (rule.trim() !== '') void add.run({ rule: rule.trim() }).then((isDone) => isDone && setRule(''));
  }
  return (
    <Panel
      title="Protected tags"
      actions={<span className={styles['muted']}>neither moved nor deleted, in force at once</span>}
    >
      <Loaded answer={protections} rows={2}>
        {(rows) => (
          <>
            {rows.length === 0 && <p className={styles['muted']}>No tag is protected.</p>}
            <ul className={styles['protections']}>
              {rows.map((row) => (
                <Protection key={`${row.source} ${row.rule}`} row={row} />
              ))}
            </ul>
          </>
        )}
      </Loaded>
      <form className={styles['protect']} onSubmit={submit}>
        <TextInput
          isLabelHidden
          isCode
          label="Tags to protect"
          placeholder="team/**:v*"
          value={rule}
          onChange={setRule}
          error={add.error === undefined ? undefined : sentencesOf(add.error)}
        />
        <Button type="submit" isPending={add.isPending} isDisabled={rule.trim() === ''}>
          Protect
        </Button>
      </form>
      <CliLine command={`berth protect add '${rule.trim() === '' ? 'team/**:v*' : rule.trim()}'`} />
    </Panel>
  );
}

function Protection({ row: { rule, source } }: { readonly row: ProtectionRow }) {
  const ask = useAsk();
  const guess = useGuess();
  async function remove(): Promise<void> {
    const takeBack = guess('protect.list', (rows) =>
      (rows as readonly ProtectionRow[]).filter((each) => each.rule !== rule || each.source !== source),
    );
    try {
      await ask('protect.remove', { rule });
      toast({ text: `${rule} is not protected any longer.`, undo: () => ask('protect.add', { rule }) });
    } catch (error) {
      takeBack();
      toastError(error);
    }
  }
  return (
    <li className={styles['protection']}>
      <code>{rule}</code>
      {source === 'configuration' ? (
        <>
          <Chip icon={<Lock aria-hidden />}>locked</Chip>
          <span className={styles['muted']}>
            stands in <SettingLink path="berth.storage.protectedtags">the configuration</SettingLink>
          </span>
        </>
      ) : (
        <IconButton label={`Remove protection of ${rule}`} onPress={() => void remove()}>
          <Trash2 />
        </IconButton>
      )}
    </li>
  );
}
