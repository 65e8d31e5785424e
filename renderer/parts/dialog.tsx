/** Dialogs. `openDialog` shows one over the window and answers when it is closed. */
import { X } from 'lucide-react';
import { type CSSProperties, type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';
import { Dialog as AriaDialog, Heading } from 'react-aria-components/Dialog';
import { Modal, ModalOverlay } from 'react-aria-components/Modal';
import { sentencesOf } from '../messages.ts';
import { useRun } from '../state/calls.ts';
import { useRegistryRefusal } from '../state/refusal.ts';
import { createShared } from '../state/shared.ts';
import { Button, IconButton } from './button.tsx';
import { CliLine } from './copy.tsx';
import { TextInput } from './field.tsx';
import { Notice } from './states.tsx';
import { useHeights } from './use-height.ts';
import styles from './dialog.module.css';

interface OpenDialog {
  readonly id: number;
  readonly render: (close: () => void) => ReactNode;
  readonly closed: () => void;
}

const open = createShared<readonly OpenDialog[]>([]);
let lastId = 0;

/** Shows what `render` answers, a `Dialog` or `Drawer`, until it calls `close`; resolves then. */
export function openDialog(render: (close: () => void) => ReactNode): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  lastId += 1;
  open.set([...open.get(), { id: lastId, render, closed: resolve }]);
  return promise;
}

/** Closes what is open. */
export function closeDialogs(): void {
  const closed = open.get();
  open.set([]);
  for (const each of closed) each.closed();
}

/** Where dialogs are shown; once, in the frame. */
export function DialogHost() {
  return open.use().map(({ id, render, closed }) => {
    const close = (): void => {
      open.set(open.get().filter((each) => each.id !== id));
      closed();
    };
    return <DialogPlace key={id} render={render} close={close} />;
  });
}

function DialogPlace({
  render,
  close,
}: {
  readonly render: OpenDialog['render'];
  readonly close: () => void;
}) {
  return render(close);
}

export interface DialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Buttons at the end, from the least to the most wanted. */
  readonly buttons?: ReactNode;
  readonly onClose: () => void;
  readonly size?: 'small' | 'medium' | 'large';
  /** `alertdialog`: something cannot be undone. */
  readonly role?: 'dialog' | 'alertdialog';
  /** False while something runs that would be lost. */
  readonly isDismissable?: boolean;
}

/** Messages stay in view below a dialog, and above a bar at the bottom of the window. */
function useRoomBelow(): CSSProperties {
  const { messages, foot } = useHeights();
  return { '--taken': `${messages === 0 ? 0 : messages + foot}px` } as CSSProperties;
}

/**
 * Escape closes the dialog on top also while nothing has the focus, because what had it is gone, or what comes takes it
 * with the next frame. Elsewhere react-aria hears it.
 */
function useEscape(isDismissable: boolean, onClose: () => void): RefObject<HTMLElement | null> {
  const dialog = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!isDismissable) return undefined;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || event.target !== document.body) return;
      // All below the one on top are inert.
      if (dialog.current?.closest('[inert]') !== null) return;
      event.preventDefault();
      onClose();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [isDismissable, onClose]);
  return dialog;
}

/** A window over the window, with its focus. */
export function Dialog({
  title,
  children,
  buttons,
  onClose,
  size = 'medium',
  role = 'dialog',
  isDismissable = true,
}: DialogProps) {
  const roomBelow = useRoomBelow();
  const dialog = useEscape(isDismissable, onClose);
  return (
    <ModalOverlay
      isOpen
      isDismissable={isDismissable && role === 'dialog'}
      isKeyboardDismissDisabled={!isDismissable}
      onOpenChange={(isOpen) => !isOpen && onClose()}
      className={styles['scrim'] ?? ''}
      style={roomBelow}
    >
      <Modal className={`${styles['modal']} ${styles[size]}`}>
        <AriaDialog ref={dialog} role={role} className={styles['dialog'] ?? ''}>
          <header className={styles['head']}>
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            {isDismissable && (
              <IconButton label="Close" onPress={onClose}>
                <X />
              </IconButton>
            )}
          </header>
          <div className={styles['body']}>{children}</div>
          {buttons !== undefined && <footer className={styles['foot']}>{buttons}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** A dialog at the right edge, the height of the window. */
export function Drawer({ title, children, onClose }: Pick<DialogProps, 'title' | 'children' | 'onClose'>) {
  const roomBelow = useRoomBelow();
  const dialog = useEscape(true, onClose);
  return (
    <ModalOverlay
      isOpen
      isDismissable
      onOpenChange={(isOpen) => !isOpen && onClose()}
      className={`${styles['scrim']} ${styles['side']}`}
      style={roomBelow}
    >
      <Modal className={styles['drawer'] ?? ''}>
        <AriaDialog ref={dialog} className={styles['dialog'] ?? ''}>
          <header className={styles['head']}>
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            <IconButton label="Close" onPress={onClose}>
              <X />
            </IconButton>
          </header>
          <div className={styles['body']}>{children}</div>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface ConfirmProps {
  readonly title: string;
  readonly children: ReactNode;
  /** The verb and how much of what: `Delete 14 tags`. */
  readonly verb: string;
  /** The name that has to be typed first. */
  readonly typedName?: string;
  /** How the command line does the same. */
  readonly cli?: string;
  /** `primary` for what only needs a word before it happens. */
  readonly look?: 'danger' | 'primary';
  readonly isDisabled?: boolean;
  /** It is refused while the registry is read-only, which the dialog says then. */
  readonly isWrite?: boolean;
  /** Runs until it resolves; what it throws is shown, and the dialog stays. */
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** Asks before what cannot be undone. Cancel has the focus. */
export function ConfirmDialog({
  title,
  children,
  verb,
  typedName,
  cli,
  look = 'danger',
  isDisabled = false,
  isWrite = false,
  act,
  onClose,
}: ConfirmProps) {
  const registryRefusal = useRegistryRefusal();
  const refusal = isWrite ? registryRefusal : undefined;
  const [typed, setTyped] = useState('');
  const { isPending: isRunning, error, run } = useRun(act);
  return (
    <Dialog
      title={title}
      role="alertdialog"
      size="medium"
      onClose={onClose}
      isDismissable={!isRunning}
      buttons={
        <>
          <Button autoFocus={typedName === undefined} isDisabled={isRunning} onPress={onClose}>
            Cancel
          </Button>
          <Button
            look={look}
            isDisabled={isDisabled || (typedName !== undefined && typed !== typedName)}
            isPending={isRunning || refusal !== undefined}
            onPress={() => void run(undefined).then((isDone) => isDone && onClose())}
          >
            {verb}
          </Button>
        </>
      }
    >
      {refusal !== undefined && <Notice kind="warn">{refusal}.</Notice>}
      {children}
      {typedName !== undefined && (
        <TextInput
          label={`Type ${typedName} to confirm`}
          value={typed}
          onChange={setTyped}
          autoFocus
          isCode
        />
      )}
      {cli !== undefined && <CliLine command={cli} />}
      {error !== undefined && <Notice kind="error">{sentencesOf(error)}</Notice>}
    </Dialog>
  );
}
