import { useState } from 'react';
import { downloadText } from '../../download.ts';
import { CliLine, CopyLine } from '../../parts/copy.tsx';
import { Chooser } from '../../parts/field.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { SaveButton } from '../../parts/save-button.tsx';
import { useCall } from '../../state/calls.ts';
import styles from './settings.module.css';

const forms = [
  { id: 'file', label: 'As a file (YAML)' },
  { id: 'environment', label: 'As variables of the environment' },
] as const;
type Form = (typeof forms)[number]['id'];

/** What is not as by default, for a registry on another machine. */
export function ExportPanel() {
  const [form, setForm] = useState<Form>('file');
  const answer = useCall('settings.export', { as: form });
  return (
    <Panel title="Run the same without a window">
      <p className={styles['help']}>
        What this registry was told otherwise than by default. Secrets are left out; a comment names each.
      </p>
      <div className={styles['look']}>
        <Chooser label="Show" value={form} choices={forms} onChange={setForm} />
      </div>
      <Loaded answer={answer} rows={3}>
        {({ text }) => (
          <>
            <CopyLine text={text} label="Copy settings" />
            <div>
              <SaveButton
                onSave={(asks) => downloadText(form === 'file' ? 'config.yml' : 'berth.env', text, { asks })}
              >
                Save as a file
              </SaveButton>
            </div>
          </>
        )}
      </Loaded>
      <CliLine command={form === 'file' ? 'berth config export' : 'berth config export --env'} />
    </Panel>
  );
}
