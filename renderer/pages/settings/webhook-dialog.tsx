import { useState } from 'react';
import type { WebhookRow } from '../../../registry/spec/admin/webhooks.ts';
import { type WebhookAction, webhookActions } from '../../../registry/spec/webhook.ts';
import { CheckboxInput, TextInput } from '../../parts/field.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { toast } from '../../parts/toast.tsx';
import { shellLine } from '../../shell.ts';
import { useAsk } from '../../state/calls.ts';
import { parseHeaders } from './headers.ts';
import styles from './settings.module.css';

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
  const isUrlWhole = row?.url.endsWith('?***') === false;
  const [name, setName] = useState(row?.name ?? '');
  const [url, setUrl] = useState(isUrlWhole ? row.url : '');
  const [secret, setSecret] = useState('');
  const [isUnsigned, setUnsigned] = useState(false);
  const [headers, setHeaders] = useState('');
  const [isBare, setBare] = useState(false);
  const [ca, setCa] = useState('');
  const [timeout, setTimeoutText] = useState(secondsOf(row?.timeoutMs ?? 5000));
  const [backoff, setBackoff] = useState(secondsOf(row?.backoffMs ?? 1000));
  const [threshold, setThreshold] = useState(String(row?.threshold ?? 10));
  const [told, setTold] = useState<readonly WebhookAction[]>(
    webhookActions.filter((action) => row?.ignoredActions.includes(action) !== true),
  );
  const ignored = webhookActions.filter((action) => !told.includes(action));

  async function save(): Promise<void> {
    await ask('webhooks.set', {
      name,
      ...(url === '' ? {} : { url }),
      ...(isUnsigned ? { secret: '' } : secret === '' ? {} : { secret }),
      ...(isBare ? { headers: {} } : headers.trim() === '' ? {} : { headers: parseHeaders(headers) }),
      ...(ca.trim() === '' ? {} : { ca }),
      ignoredActions: ignored,
      timeoutMs: Math.round(Number(timeout) * 1000),
      backoffMs: Math.round(Number(backoff) * 1000),
      threshold: Number(threshold),
    });
    toast({ text: isNew ? `Added ${name}` : `Changed ${name}` });
  }

  return (
    <FormDialog
      title={isNew ? 'Add webhook' : `Change ${name}`}
      verb={isNew ? 'Add webhook' : 'Change'}
      isDisabled={name === '' || (isNew && url === '')}
      fields={{ WEBHOOK_REFUSED: 'url' }}
      cli={shellLine(
        'berth',
        'webhook',
        'add',
        name === '' ? 'NAME' : name,
        url === '' ? 'URL' : url,
        ...(secret === '' ? [] : ['--secret-stdin']),
        '--ignore',
        ...(ignored.length === 0 ? ['none'] : ignored),
        '--timeout',
        `${timeout}s`,
        '--backoff',
        `${backoff}s`,
        '--threshold',
        threshold,
      )}
      act={save}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            label="Name"
            value={name}
            onChange={setName}
            autoFocus={isNew}
            isReadOnly={!isNew}
            error={errors['name']}
          />
          <TextInput
            label="Address"
            value={url}
            onChange={setUrl}
            isCode
            autoFocus={!isNew}
            placeholder={isNew ? 'https://ci.example/hooks/registry' : row.url}
            help={
              isNew || isUrlWhole
                ? undefined
                : 'What follows its question mark is not shown. Empty: it stays.'
            }
            error={errors['url']}
          />
          <fieldset className={styles['group']}>
            <legend className={styles['legend']}>Told of</legend>
            <div className={styles['checks']}>
              {webhookActions.map((action) => (
                <CheckboxInput
                  key={action}
                  isSelected={told.includes(action)}
                  onChange={(isWanted) =>
                    setTold(
                      webhookActions.filter((each) => (each === action ? isWanted : told.includes(each))),
                    )
                  }
                >
                  {action}
                </CheckboxInput>
              ))}
            </div>
          </fieldset>
          <TextInput
            label="Secret"
            type="password"
            value={secret}
            onChange={setSecret}
            autoComplete="new-password"
            isDisabled={isUnsigned}
            help={
              row?.isSigned === true
                ? 'There is one. Empty: it stays.'
                : 'Signs each request, so that the receiver knows it is yours. Empty: not signed.'
            }
            error={errors['secret']}
          />
          {row?.isSigned === true && (
            <CheckboxInput isSelected={isUnsigned} onChange={setUnsigned}>
              Remove the secret
            </CheckboxInput>
          )}
          <TextInput
            label="Headers"
            value={headers}
            onChange={setHeaders}
            rows={2}
            isCode
            isDisabled={isBare}
            placeholder="Authorization: Bearer …"
            help={
              row === undefined || row.headers.length === 0
                ? 'One a line. They are never shown again.'
                : `Sent at present: ${row.headers.join(', ')}. Empty: they stay; else these replace them.`
            }
            error={errors['headers']}
          />
          {row !== undefined && row.headers.length > 0 && (
            <CheckboxInput isSelected={isBare} onChange={setBare}>
              Remove the headers
            </CheckboxInput>
          )}
          <TextInput
            label="Certificates"
            value={ca}
            onChange={setCa}
            rows={2}
            isCode
            placeholder="-----BEGIN CERTIFICATE-----"
            help={`PEM, accepted besides those of the system.${isNew ? '' : ' Empty: they stay.'}`}
            error={errors['ca']}
          />
          <div className={styles['triple']}>
            <TextInput
              label="Answer within (seconds)"
              type="number"
              value={timeout}
              onChange={setTimeoutText}
              help="A later one counts as a failure."
              error={errors['timeoutMs']}
            />
            <TextInput
              label="Try again after (seconds)"
              type="number"
              value={backoff}
              onChange={setBackoff}
              help="Until it works, or too many events wait."
              error={errors['backoffMs']}
            />
            <TextInput
              label="Wait longer after (failures)"
              type="number"
              value={threshold}
              onChange={setThreshold}
              help="From then on twice as long each time, up to 5 minutes."
              error={errors['threshold']}
            />
          </div>
        </>
      )}
    </FormDialog>
  );
}

function secondsOf(ms: number): string {
  return String(ms / 1000);
}
