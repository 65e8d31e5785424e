import { type FormEvent, type ReactNode, useId, useState } from 'react';
import type { ErrorCode } from '../../registry/spec/errors.ts';
import { type FieldErrors, fieldErrorsOf } from '../field-errors.ts';
import { Button } from './button.tsx';
import { CliLine } from './copy.tsx';
import { Dialog } from './dialog.tsx';
import { Notice } from './states.tsx';
import styles from './form-dialog.module.css';

export interface FormDialogProps {
  readonly title: string;
  /** What the button does: `Add user`. */
  readonly verb: string;
  /** The fields; each shows what is wrong with it, by its name. */
  readonly children: (errors: FieldErrors) => ReactNode;
  /** Whose fault a code is, for errors that name no field. */
  readonly fields?: Partial<Readonly<Record<ErrorCode, string>>>;
  /** How the command line does the same. */
  readonly cli?: string;
  readonly isDisabled?: boolean;
  readonly size?: 'small' | 'medium' | 'large';
  /** While it is there, the button does this instead, and the dialog stays: a look at what would happen. */
  readonly before?: () => Promise<unknown>;
  /** Runs until it resolves, and the dialog closes; what it throws is shown, and the dialog stays. */
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** A dialog of fields with one act, which Enter does too. */
export function FormDialog(props: FormDialogProps) {
  const { title, verb, children, fields, cli, isDisabled = false, size = 'medium', onClose } = props;
  const { act, before } = props;
  const form = useId();
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<unknown>();
  const errors = fieldErrorsOf(error, fields);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (isRunning || isDisabled) return;
    setRunning(true);
    setError(undefined);
    try {
      await (before ?? act)();
      if (before === undefined) onClose();
    } catch (thrown) {
      setError(thrown);
    }
    setRunning(false);
  };
  return (
    <Dialog
      title={title}
      size={size}
      onClose={onClose}
      isDismissable={!isRunning}
      buttons={
        <>
          <Button isDisabled={isRunning} onPress={onClose}>
            Cancel
          </Button>
          {/* Disabled it would lose the focus, and with it the keys of the dialog. */}
          <Button look="primary" type="submit" form={form} isPending={isRunning || isDisabled}>
            {verb}
          </Button>
        </>
      }
    >
      {/* The registry judges; a field with an error of it would keep the browser from sending the next try. */}
      <form id={form} noValidate className={styles['form']} onSubmit={(event) => void submit(event)}>
        {children(errors)}
        {errors[''] !== undefined && <Notice kind="error">{errors['']}</Notice>}
      </form>
      {cli !== undefined && <CliLine command={cli} />}
    </Dialog>
  );
}
