import { useState } from 'react';
import type { Shell } from '../../api/shell.ts';
import { TextInput } from '../../parts/field.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';

/** Asks for another port, and starts the registry there. */
export function ChoosePort({
  shell,
  present,
  onClose,
}: {
  readonly shell: Shell;
  readonly present: string;
  readonly onClose: () => void;
}) {
  const [text, setText] = useState(present);
  const port = Number(text);
  const isPort = /^\d+$/.test(text) && port >= 1 && port <= 65_535;
  return (
    <FormDialog
      title="Use another port"
      verb="Restart there"
      cli={`berth config set http.addr localhost:${isPort ? text : 'PORT'}`}
      isDisabled={!isPort || text === present}
      act={() => shell.call('registry.usePort', { port })}
      onClose={onClose}
    >
      {() => (
        <TextInput
          label="Port"
          value={text}
          onChange={setText}
          isCode
          autoFocus
          autoComplete="off"
          help="The registry stops, and starts there: a number from 1024 up, which no other program uses."
          {...(isPort || text === '' ? {} : { error: 'Write a number from 1 to 65535.' })}
        />
      )}
    </FormDialog>
  );
}
