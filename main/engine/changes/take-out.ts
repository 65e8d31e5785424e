/** What undoing a change leaves: everything that is ours goes, everything that is of others stays. Pure. */
import { AppError, assertNever } from '../../../registry/spec/errors.ts';
import { bytesAfter, type Change, describePlace, sha256 } from '../change.ts';
import { undoDaemonEdit } from '../files/daemon-json.ts';
import { readJsonObject, removeKey, removeMember } from '../files/json-edit.ts';

export interface TakeOut {
  readonly change: Change;
  /** What is there now. */
  readonly current: Uint8Array | undefined;
  /** What was there before the change. */
  readonly before: Uint8Array | undefined;
  /** SHA-256 of what a former, interrupted undoing may have left. */
  readonly interim: readonly string[];
}

/**
 * The contents that have to be put in place one after the other; `undefined` removes the file, no step means that
 * nothing of ours is left. Where nobody else edited the file the last step is what was there before, to the byte.
 * Several steps are needed where an engine keeps what its file no longer says (dockerd: a key that is gone is not
 * reloaded). Throws CHANGE_CONFLICT where our part cannot be told from edits of others.
 */
export function takeOutSteps(out: TakeOut): readonly (Uint8Array | undefined)[] {
  const { change, current, before, interim } = out;
  if (current === undefined) return [];
  const hash = sha256(current);
  if (hash === change.before) return [];
  if (interim.includes(hash)) return [before];
  const isUntouched = hash === sha256(bytesAfter(change));
  const { edit } = change;
  switch (edit.kind) {
    case 'whole':
      if (isUntouched) return [before];
      throw conflict(change, 'holds something else now');
    case 'json-entry': {
      const keyWasAbsent = !hasKey(before, change, edit.key);
      const { steps } = undoDaemonEdit(current, describePlace(change.place), { ...edit, keyWasAbsent });
      return isUntouched ? [...steps.slice(0, -1), before] : steps;
    }
    case 'json-member': {
      if (isUntouched) return [before];
      const step = withoutMember(current, change, {
        ...edit,
        keyWasAbsent: !hasKey(before, change, edit.key),
      });
      return step === undefined ? [] : [step];
    }
    default:
      return assertNever(edit);
  }
}

function hasKey(before: Uint8Array | undefined, change: Change, key: string): boolean {
  const { value } = readJsonObject(before, describePlace(change.place));
  return Object.hasOwn(value, key);
}

function withoutMember(
  current: Uint8Array,
  change: Change,
  {
    key,
    member,
    value,
    keyWasAbsent,
  }: {
    readonly key: string;
    readonly member: string;
    readonly value: string;
    readonly keyWasAbsent: boolean;
  },
): Uint8Array | undefined {
  const path = describePlace(change.place);
  const json = readJsonObject(current, path);
  const members = json.value[key];
  if (typeof members !== 'object' || members === null || !Object.hasOwn(members, member)) return undefined;
  if (Reflect.get(members, member) !== value) throw conflict(change, `says something else for ${member} now`);
  const without = removeMember(json, key, member);
  const isEmpty = Object.keys(members).length === 1;
  return isEmpty && keyWasAbsent ? removeKey(readJsonObject(without, path), key) : without;
}

function conflict(change: Change, what: string): AppError {
  return new AppError('CHANGE_CONFLICT', {
    message: `Somebody else edited ${describePlace(change.place)}: it ${what}.`,
    hint: `Take out by hand what this change put there: ${change.title}`,
  });
}
