import type { Shell } from '../../api/shell.ts';
import { formatPlural } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { Facts } from '../../parts/values.tsx';
import { useCall, useRefresh } from '../../state/calls.ts';
import { useShellCall } from '../../state/shell.ts';
import { isStanding } from '../changes/change-state.ts';
import { undoChanges } from '../changes/undo-all.tsx';
import styles from './settings.module.css';

/** Takes back what the app has put on this computer beside its own files, and says what stays. */
export function Uninstall({ shell }: { readonly shell: Shell }) {
  const changes = useCall('changes.list', {});
  const { data: logins = [], refetch } = useShellCall('logins.list', {}, { isFresh: true });
  const { data: preferences } = useShellCall('preferences.get', {});
  const { data: place } = useShellCall('data.get', {});
  const refresh = useRefresh();
  const opensAtLogin = preferences?.opensAtLogin === true;

  return (
    <Loaded answer={changes} rows={2}>
      {(all) => {
        const standing = all.filter(isStanding).toReversed();
        const things = [
          ...standing.map(({ title, where }) => `${title} (${where})`),
          ...logins.map(({ address, user }) => `The login of ${user} at ${address}, with its token`),
          ...(opensAtLogin ? ['The start when you log in to this computer'] : []),
        ];
        const count = formatPlural(things.length, 'thing');
        const takeBack = async (): Promise<void> => {
          try {
            await undoChanges(shell, standing);
            await shell.call('logins.forget', {});
            if (opensAtLogin) await shell.call('preferences.set', { change: { opensAtLogin: false } });
          } finally {
            refresh('changes.list', 'changes.get', 'engines.list', 'tokens.list');
            await refetch();
          }
        };
        const open = (): void =>
          void openDialog((close) => (
            <ConfirmDialog
              title="Take back every change of this computer?"
              verb={`Take back ${count}`}
              cli="berth changes undo --all"
              act={takeBack}
              onClose={close}
            >
              <p>Engines no longer trust this registry and are logged out. Edits of others are not undone.</p>
              <ul>
                {things.map((thing) => (
                  <li key={thing}>{thing}</li>
                ))}
              </ul>
            </ConfirmDialog>
          ));
        return (
          <>
            {things.length === 0 ? (
              <Notice kind="ok">
                Nothing of Berth is left outside of its own files: the app can be removed.
              </Notice>
            ) : (
              <>
                <p className={styles['help']}>
                  Before the app is removed: this takes back all that it has put outside of its own files.
                </p>
                <div>
                  <Button onPress={open}>Take back {count}…</Button>
                </div>
              </>
            )}
            <Facts
              rows={[
                ['What stays', 'Images, users, keys, settings and logs, until you delete the folder:'],
                ['Folder', place && <code key="folder">{place.path}</code>],
              ]}
            />
          </>
        );
      }}
    </Loaded>
  );
}
