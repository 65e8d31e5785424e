import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Tone } from '../../parts/values.tsx';

/** In one or two words whether an engine can use the registry. */
export function needOf({ state, need }: EngineRow): { readonly word: string; readonly tone: Tone } {
  if (state === 'stopped') return { word: 'Not running', tone: 'plain' };
  if (state === 'denied') return { word: 'No permission', tone: 'warn' };
  switch (need.kind) {
    case 'nothing':
      return { word: 'Ready', tone: 'ok' };
    case 'cannot':
      return { word: 'Cannot reach', tone: 'err' };
    case 'certificate':
    case 'keychain':
      return { word: 'Needs trust', tone: 'warn' };
    case 'reload':
    case 'restart':
      return { word: `Needs a ${need.kind}`, tone: 'warn' };
    default:
      return need.kind satisfies never;
  }
}
