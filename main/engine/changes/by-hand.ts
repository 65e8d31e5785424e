/** How a person takes a change back that cannot be undone: lines for a shell; what no command does is a comment. Pure. */
import { assertNever } from '../../../registry/spec/errors.ts';
import { type Change, describePlace } from '../change.ts';
import { shellWord } from '../shell.ts';
import { beforeFile, type LedgerEntry } from './ledger.ts';

/** `root` is the data directory, which keeps what was there before. */
export function undoByHand(
  { id, change }: Pick<LedgerEntry, 'id' | 'change'>,
  root: string,
): readonly string[] {
  const { activation, needsRoot } = change;
  const asRoot = (command: readonly string[]): string =>
    [...(needsRoot ? ['sudo'] : []), ...command].map(shellWord).join(' ');
  const removal = takeOut(change, beforeFile(root, id), asRoot);
  switch (activation.kind) {
    case 'none':
      return removal;
    case 'run':
      return [...removal, asRoot(activation.undo)];
    case 'reload':
    case 'restart':
      return [...removal, asRoot(activation.command)];
    default:
      return assertNever(activation);
  }
}

function takeOut(
  { place, edit, before }: Change,
  backup: string,
  asRoot: (command: readonly string[]) => string,
): readonly string[] {
  if (place.kind === 'store') return [place.remove.map(shellWord).join(' ')];
  const where = describePlace(place);
  switch (edit.kind) {
    case 'whole': {
      const command = asRoot(before === undefined ? ['rm', where] : ['cp', backup, where]);
      return place.kind === 'file' ? [command] : ["# On the engine's side:", command];
    }
    case 'json-entry':
      return [`# In ${where}, take "${edit.entry}" out of "${edit.key}".`];
    case 'json-member':
      return [`# In ${where}, take "${edit.member}" out of "${edit.key}".`];
    default:
      return assertNever(edit);
  }
}
