import { desktopParts } from '../../frame/desktop-parts.ts';
import { PartPlace } from '../../frame/part-place.tsx';
import { formatPlural } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { hrefOf } from '../../route.ts';
import { shellLine } from '../../shell.ts';
import { useAsk, useCall } from '../../state/calls.ts';
import { useShell } from '../../state/shell.ts';
import styles from './settings.module.css';

/** What takes the settings back to their defaults, and the computer to what it was before. */
export function ResetPanel() {
  const shell = useShell();
  return (
    <>
      <Panel title="Reset the settings">
        <Reset />
      </Panel>
      <Panel title="Uninstall" actions={<a href={hrefOf({ page: 'changes' })}>System changes</a>}>
        {shell === undefined ? (
          <>
            <p className={styles['help']}>
              The command line of the registry’s computer takes back what was changed there. Data, users and
              keys stay.
            </p>
            <CliLine command="berth uninstall" />
          </>
        ) : (
          <PartPlace part={desktopParts.uninstall} props={{ shell }} />
        )}
      </Panel>
    </>
  );
}

function Reset() {
  const answer = useCall('settings.form', {});
  const ask = useAsk();
  return (
    <Loaded answer={answer} rows={1}>
      {({ sections, file }) => {
        const paths = sections.flatMap(({ fields }) =>
          // The version of the file is no choice.
          fields.flatMap(({ path, source }) => (source === 'file' && path !== 'version' ? [path] : [])),
        );
        const count = formatPlural(paths.length, 'setting');
        const open = (): void =>
          void openDialog((close) => (
            <ConfirmDialog
              title={`Reset ${count}?`}
              verb={`Reset ${count}`}
              cli={shellLine('berth', 'config', 'reset', ...paths)}
              act={async () => {
                await ask('settings.reset', { paths });
                await answer.refetch();
                toast({ text: `${count} reset` });
              }}
              onClose={close}
            >
              <p>Their defaults hold again. What they say is not kept; copy it under Export first.</p>
              <ul>
                {paths.map((path) => (
                  <li key={path}>
                    <code>{path}</code>
                  </li>
                ))}
              </ul>
            </ConfirmDialog>
          ));
        return paths.length === 0 ? (
          <p className={styles['help']}>Every setting of the file is at its default.</p>
        ) : (
          <>
            <p className={styles['help']}>
              {count} of <code>{file}</code> differ from the defaults.
            </p>
            <div>
              <Button onPress={open}>Reset {count}…</Button>
            </div>
          </>
        );
      }}
    </Loaded>
  );
}
