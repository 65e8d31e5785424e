import type { ChangeRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { formatPlural } from '../../format.ts';
import { sentencesOf } from '../../messages.ts';
import { CopyLine } from '../../parts/copy.tsx';
import { Dialog, openDialog } from '../../parts/dialog.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { useCall } from '../../state/calls.ts';
import styles from './changes.module.css';

/** Something of this computer that is taken back. */
export interface Thing {
  readonly title: string;
  /** A path, or what stands for one. */
  readonly where?: string;
  readonly takeBack: () => Promise<unknown>;
  /** How a person does it: a change of the ledger knows it, else this does. */
  readonly byHand: { readonly change: string } | { readonly text: string };
}

interface Left extends Thing {
  readonly error: unknown;
}

export function changeThing(shell: Shell, { id, title, where }: ChangeRow): Thing {
  return {
    title,
    where,
    takeBack: () => shell.call('changes.undo', { id }),
    byHand: { change: id },
  };
}

/** Takes things back, in this order; one that cannot be keeps none of the others, and is shown once all are done. */
export async function takeBack(things: readonly Thing[]): Promise<{ readonly isWhole: boolean }> {
  const left: Left[] = [];
  for (const thing of things) {
    try {
      await thing.takeBack();
    } catch (error) {
      left.push({ ...thing, error });
    }
  }
  if (left.length > 0)
    void openDialog((close) => <LeftDialog left={left} of={things.length} onClose={close} />);
  return { isWhole: left.length === 0 };
}

/** What is taken back, each with its place. */
export function ThingList({ things }: { readonly things: readonly Pick<Thing, 'title' | 'where'>[] }) {
  return (
    <ul className={styles['things']}>
      {things.map(({ title, where }) => (
        <li key={`${title} ${where ?? ''}`}>
          {title}
          {where !== undefined && <code>{where}</code>}
        </li>
      ))}
    </ul>
  );
}

/** What could not be taken back, why, and what a person does about it. */
function LeftDialog({
  left,
  of,
  onClose,
}: {
  readonly left: readonly Left[];
  readonly of: number;
  readonly onClose: () => void;
}) {
  const done = of - left.length;
  return (
    <Dialog title={`${formatPlural(left.length, 'thing')} left`} size="large" onClose={onClose}>
      <p>
        {done > 0 && `${formatPlural(done, 'thing is', 'things are')} taken back. `}
        The rest is as it was: take it back by hand, or mend what is in the way and try again.
      </p>
      {left.map(({ title, where, error, byHand }) => (
        <section key={`${title} ${where ?? ''}`} className={styles['manual']} aria-label={title}>
          <h3>{title}</h3>
          <Notice kind="error">{sentencesOf(error)}</Notice>
          {'text' in byHand ? <p>{byHand.text}</p> : <ByHand id={byHand.change} />}
        </section>
      ))}
    </Dialog>
  );
}

function ByHand({ id }: { readonly id: string }) {
  return (
    <Loaded answer={useCall('changes.get', { id })} rows={1}>
      {({ undoByHand }) => <CopyLine text={undoByHand.join('\n')} label="Copy commands" />}
    </Loaded>
  );
}
