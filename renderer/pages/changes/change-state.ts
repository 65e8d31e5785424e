import type { ChangeRow } from '../../../registry/spec/admin/computer.ts';
import type { Tone } from '../../parts/values.tsx';

export const changeStates: Readonly<
  Record<ChangeRow['state'], { readonly word: string; readonly tone: Tone }>
> = {
  'in place': { word: 'In place', tone: 'ok' },
  'changed by others': { word: 'Changed by others', tone: 'warn' },
  gone: { word: 'Removed by others', tone: 'warn' },
  undone: { word: 'Undone', tone: 'plain' },
  'rolled back': { word: 'Rolled back', tone: 'plain' },
  unknown: { word: 'Cannot be read', tone: 'warn' },
};

/** There is something of it that could be undone. */
export function isStanding({ state }: Pick<ChangeRow, 'state'>): boolean {
  return state !== 'undone' && state !== 'rolled back';
}
