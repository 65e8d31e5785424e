import type { KeptLogin } from '../../../main/contract/consent.ts';
import type { Shell } from '../../api/shell.ts';
import { formatPlural } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { Facts } from '../../parts/values.tsx';
import { useCall, useRefresh } from '../../state/calls.ts';
import { useShellCall } from '../../state/shell.ts';
import { isStanding } from '../changes/change-state.ts';
import { changeThing, takeBack, type Thing, ThingList } from '../changes/take-back.tsx';
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
        const things: readonly Thing[] = [
          ...standing.map((row) => changeThing(shell, row)),
          ...(logins.length === 0 ? [] : [loginsThing(shell, logins)]),
          ...(opensAtLogin ? [startThing(shell)] : []),
        ];
        const count = formatPlural(things.length, 'thing');
        const act = async (): Promise<void> => {
          const { isWhole } = await takeBack(things);
          refresh('changes.list', 'changes.get', 'engines.list', 'tokens.list');
          await refetch();
          if (isWhole) toast({ text: `${count} taken back` });
        };
        const open = (): void =>
          void openDialog((close) => (
            <ConfirmDialog
              title="Take back every change of this computer?"
              verb={`Take back ${count}`}
              cli="berth uninstall"
              act={act}
              onClose={close}
            >
              <p>Engines no longer trust this registry and are logged out. Edits of others are not undone.</p>
              <ThingList things={things} />
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

function loginsThing(shell: Shell, logins: readonly KeptLogin[]): Thing {
  const names = logins.map(({ address, user }) => `${user} at ${address}`);
  return {
    title: `${logins.length === 1 ? 'The login' : 'The logins'} of ${names.join(', ')}, with ${logins.length === 1 ? 'its token' : 'their tokens'}`,
    takeBack: () => shell.call('logins.forget', {}),
    byHand: { text: 'Log the clients out, as in docker logout, and revoke the tokens under Access.' },
  };
}

function startThing(shell: Shell): Thing {
  return {
    title: 'The start when you log in to this computer',
    takeBack: () => shell.call('preferences.set', { change: { opensAtLogin: false } }),
    byHand: { text: 'Switch it off in the settings of the system, among what starts at login.' },
  };
}
