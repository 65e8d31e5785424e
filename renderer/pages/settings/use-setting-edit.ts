import { useRef, useState } from 'react';
import type { SettingRow } from '../../../registry/spec/admin/settings.ts';
import { sentencesOf } from '../../messages.ts';
import { useAsk } from '../../state/calls.ts';
import { editOf, textOf } from './form.ts';
import { useSaved } from './saved.tsx';

/** What is written and not yet sent, what the registry said of it, and the ways to send it. */
export function useSettingEdit(field: SettingRow, reload: () => Promise<unknown>) {
  const ask = useAsk();
  const [draft, setDraft] = useState<string>();
  const [error, setError] = useState<string>();
  const [isSaved, setSaved] = useSaved();
  const sent = useRef<string>(undefined);
  const { path } = field;

  async function send(text: string | undefined): Promise<void> {
    const edit = text === undefined ? undefined : editOf(field, text);
    setError(undefined);
    try {
      await (edit === undefined
        ? ask('settings.reset', { paths: [path] })
        : ask('settings.set', { changes: [edit] }));
      await reload();
      setDraft(undefined);
      setSaved(true);
    } catch (thrown) {
      setError(sentencesOf(thrown));
    }
  }

  function forget(): void {
    setDraft(undefined);
    setError(undefined);
  }

  /** Sends a text, unless it is on its way or says what is there already. */
  async function apply(text: string): Promise<void> {
    if (text === textOf(field)) return forget();
    if (sent.current === text) return;
    sent.current = text;
    setDraft(text);
    await send(text);
    sent.current = undefined;
  }

  const type = (text: string): void => {
    setError(undefined);
    setDraft(text);
  };
  return { draft, error, isSaved, type, apply, reset: () => send(undefined), forget };
}
