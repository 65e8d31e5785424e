import type {
  DesktopPreferences,
  NotificationKind,
  PreferenceChange,
} from '../../../main/contract/preferences.ts';
import { useState } from 'react';
import { sentencesOf } from '../../messages.ts';
import { Chooser, Toggle } from '../../parts/field.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { useShell, useShellAnswer, useShellCall } from '../../state/shell.ts';
import { Saved, useSaved } from './saved.tsx';
import styles from './settings.module.css';
import { UpdatesPanel } from './updates.tsx';

const closeChoices = [
  { id: 'ask', label: 'Ask' },
  { id: 'keep', label: 'Keep the registry running' },
  { id: 'quit', label: 'Quit' },
] as const;
const glyphs = [
  { id: 'auto', label: 'As the system' },
  { id: 'light', label: 'Light' },
  { id: 'dark', label: 'Dark' },
] as const;

/** In the order of their weight. */
const notifications: readonly (readonly [NotificationKind, string])[] = [
  ['failure', 'The registry cannot start, or has crashed'],
  ['disk', 'The disk runs full, once a day'],
  ['certificate', 'The certificate expires within 14 days, once a day'],
  ['logins', 'Five logins or more failed within a minute'],
  ['change', 'A change of this computer was made, or was not'],
  ['update', 'An update is ready'],
  ['tray', 'Berth runs in the tray, the first time'],
  ['push', 'A push has ended while the window is hidden'],
  ['pull', 'A pull has ended'],
];

/** How the app starts, closes and tells; on the desktop alone. */
export function DesktopPanels() {
  const answer = useShellCall('preferences.get', {});
  return (
    <Loaded answer={answer} rows={6}>
      {(preferences) => <Panels preferences={preferences} reload={answer.refetch} />}
    </Loaded>
  );
}

type Part = 'start' | 'tray' | 'notifications' | 'updates';

function Panels({
  preferences,
  reload,
}: {
  readonly preferences: DesktopPreferences;
  readonly reload: () => unknown;
}) {
  const { opensAtLogin, openHidden, onClose, hasTray, isTrayShown, glyph } = preferences;
  const { save, savedPart, error } = useSave(preferences, reload);
  return (
    <>
      {error !== undefined && <Notice kind="error">{error}</Notice>}
      <Panel title="Start and end" actions={<Saved isSaved={savedPart === 'start'} />}>
        <Toggle isSelected={opensAtLogin} onChange={(isOn) => void save('start', { opensAtLogin: isOn })}>
          Start when I log in to this computer
        </Toggle>
        <Toggle isSelected={openHidden} onChange={(isOn) => void save('start', { openHidden: isOn })}>
          Start without a window
        </Toggle>
        <div className={styles['look']}>
          <Chooser
            label="When the window is closed"
            value={onClose}
            choices={closeChoices}
            onChange={(id) => void save('start', { onClose: id })}
          />
        </div>
      </Panel>
      <Panel title="Tray" actions={<Saved isSaved={savedPart === 'tray'} />}>
        {hasTray && !isTrayShown && (
          <Notice kind="info">
            This desktop shows no icons of a tray. GNOME does with the extension AppIndicator. Starting Berth
            again shows its window.
          </Notice>
        )}
        <Toggle isSelected={hasTray} onChange={(isOn) => void save('tray', { hasTray: isOn })}>
          Show the registry in the tray
        </Toggle>
        {glyph !== undefined && (
          <div className={styles['look']}>
            <Chooser
              label="Icon"
              value={glyph}
              choices={glyphs}
              isDisabled={!hasTray}
              onChange={(id) => void save('tray', { glyph: id })}
            />
          </div>
        )}
      </Panel>
      <Panel title="Notifications" actions={<Saved isSaved={savedPart === 'notifications'} />}>
        {notifications.map(([kind, label]) => (
          <Toggle
            key={kind}
            isSelected={preferences.notifications[kind]}
            onChange={(isOn) => void save('notifications', { notifications: { [kind]: isOn } })}
          >
            {label}
          </Toggle>
        ))}
      </Panel>
      <UpdatesPanel
        isDaily={preferences.looksForUpdates}
        isSaved={savedPart === 'updates'}
        onDaily={(isOn) => void save('updates', { looksForUpdates: isOn })}
      />
    </>
  );
}

/** Shows and sends a change at once; says where it was made that it is kept, or why not. */
function useSave(preferences: DesktopPreferences, reload: () => unknown) {
  const shell = useShell();
  const put = useShellAnswer();
  const [isSaved, setSaved] = useSaved();
  const [part, setPart] = useState<Part>();
  const [error, setError] = useState<string>();

  async function save(where: Part, change: PreferenceChange): Promise<void> {
    setError(undefined);
    setSaved(false);
    put('preferences.get', {}, withChange(preferences, change));
    try {
      // The shell tells that it is another, and what it is then is asked for.
      await shell?.call('preferences.set', { change });
      setPart(where);
      setSaved(true);
    } catch (thrown) {
      setError(sentencesOf(thrown));
      reload();
    }
  }

  return { save, savedPart: isSaved ? part : undefined, error };
}

function withChange(
  preferences: DesktopPreferences,
  { notifications: switches, ...rest }: PreferenceChange,
): DesktopPreferences {
  return { ...preferences, ...rest, notifications: { ...preferences.notifications, ...switches } };
}
