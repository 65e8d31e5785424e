import { type ReactNode, useState } from 'react';
import type { WebhookRow } from '../../../registry/spec/admin/webhooks.ts';
import { webhookActions } from '../../../registry/spec/webhook.ts';
import type { FieldErrors } from '../../field-errors.ts';
import { CheckboxInput, TextInput, type TextInputProps } from '../../parts/field.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { toast } from '../../parts/toast.tsx';
import { useAsk } from '../../state/calls.ts';
import { askedBy, commandOf, draftOf, isUrlWhole, withAction, type WebhookDraft } from './webhook-draft.ts';
import styles from './settings.module.css';

interface FieldsProps {
  readonly row: WebhookRow | undefined;
  readonly draft: WebhookDraft;
  readonly onDraft: (draft: WebhookDraft) => void;
  readonly errors: FieldErrors;
}

/** Adds a webhook, or changes one: what is left empty stays as it is, for secrets and headers are never shown. */
export function WebhookDialog({
  row,
  onClose,
}: {
  /** Absent for a new one. */
  readonly row: WebhookRow | undefined;
  readonly onClose: () => void;
}) {
  const ask = useAsk();
  const isNew = row === undefined;
  const [draft, setDraft] = useState(() => draftOf(row));
  const { name } = draft;

  async function save(): Promise<void> {
    await ask('webhooks.set', askedBy(draft));
    toast({ text: isNew ? `Added ${name}` : `Changed ${name}` });
  }

  return (
    <FormDialog
      title={isNew ? 'Add webhook' : `Change ${name}`}
      verb={isNew ? 'Add webhook' : 'Change'}
      isDisabled={name === '' || (isNew && draft.url === '')}
      fields={{ WEBHOOK_REFUSED: 'url' }}
      cli={commandOf(draft)}
      act={save}
      onClose={onClose}
    >
      {(errors) => <Fields row={row} draft={draft} onDraft={setDraft} errors={errors} />}
    </FormDialog>
  );
}

function Fields({ row, draft, onDraft, errors }: FieldsProps) {
  const isNew = row === undefined;
  const text = (
    name: 'name' | 'url' | 'secret' | 'headers' | 'ca' | 'timeoutMs' | 'backoffMs' | 'threshold',
    label: string,
    more: Partial<TextInputProps> = {},
  ): ReactNode => (
    <TextInput
      label={label}
      value={draft[name]}
      onChange={(value) => onDraft({ ...draft, [name]: value })}
      error={errors[name]}
      {...more}
    />
  );
  const removal = (name: 'removesSecret' | 'removesHeaders', label: string): ReactNode => (
    <CheckboxInput isSelected={draft[name]} onChange={(removes) => onDraft({ ...draft, [name]: removes })}>
      {label}
    </CheckboxInput>
  );
  const sent = row?.headers ?? [];
  return (
    <>
      {text('name', 'Name', { autoFocus: isNew, isReadOnly: !isNew })}
      {text('url', 'Address', {
        isCode: true,
        autoFocus: !isNew,
        placeholder: isNew ? 'https://ci.example/hooks/registry' : row.url,
        help:
          isNew || isUrlWhole(row)
            ? undefined
            : 'What follows its question mark is not shown. Empty: it stays.',
      })}
      <fieldset className={styles['group']}>
        <legend className={styles['legend']}>Told of</legend>
        <div className={styles['checks']}>
          {webhookActions.map((action) => (
            <CheckboxInput
              key={action}
              isSelected={!draft.ignored.includes(action)}
              onChange={(isTold) => onDraft(withAction(draft, action, isTold))}
            >
              {action}
            </CheckboxInput>
          ))}
        </div>
      </fieldset>
      {text('secret', 'Secret', {
        type: 'password',
        autoComplete: 'new-password',
        isDisabled: draft.removesSecret,
        help:
          row?.isSigned === true
            ? 'There is one. Empty: it stays.'
            : 'Signs each request, so that the receiver knows it is yours. Empty: not signed.',
      })}
      {row?.isSigned === true && removal('removesSecret', 'Remove the secret')}
      {text('headers', 'Headers', {
        rows: 2,
        isCode: true,
        isDisabled: draft.removesHeaders,
        placeholder: 'Authorization: Bearer …',
        help:
          sent.length === 0
            ? 'One a line. They are never shown again.'
            : `Sent at present: ${sent.join(', ')}. Empty: they stay; else these replace them.`,
      })}
      {sent.length > 0 && removal('removesHeaders', 'Remove the headers')}
      {text('ca', 'Certificates', {
        rows: 2,
        isCode: true,
        placeholder: '-----BEGIN CERTIFICATE-----',
        help: `PEM, accepted besides those of the system.${isNew ? '' : ' Empty: they stay.'}`,
      })}
      <div className={styles['triple']}>
        {text('timeoutMs', 'Answer within (seconds)', {
          type: 'number',
          help: 'A later one counts as a failure.',
        })}
        {text('backoffMs', 'Try again after (seconds)', {
          type: 'number',
          help: 'Until it works, or too many events wait.',
        })}
        {text('threshold', 'Wait longer after (failures)', {
          type: 'number',
          help: 'From then on twice as long each time, up to 5 minutes.',
        })}
      </div>
    </>
  );
}
