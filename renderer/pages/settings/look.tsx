import { Chooser, Toggle } from '../../parts/field.tsx';
import { Panel } from '../../parts/screen.tsx';
import { hrefOf } from '../../route.ts';
import { clients } from '../../snippets.ts';
import { setPreferences, usePreferences } from '../../state/preferences.ts';
import styles from './settings.module.css';

const themes = [
  { id: 'system', label: 'As the system' },
  { id: 'light', label: 'Light' },
  { id: 'dark', label: 'Dark' },
] as const;
const densities = [
  { id: 'compact', label: 'Compact' },
  { id: 'normal', label: 'Normal' },
  { id: 'comfortable', label: 'Comfortable' },
] as const;

const dates = [
  { id: 'relative', label: 'Seen from now' },
  { id: 'absolute', label: 'Date and time' },
] as const;

/** What the reader likes; kept in this browser. */
export function LookPanel() {
  const { theme, density, dates: written, client, singleKeys } = usePreferences();
  return (
    <>
      <Panel title="Look">
        <p className={styles['help']}>Kept in this browser, for this window alone.</p>
        <div className={styles['look']}>
          <Chooser
            label="Theme"
            value={theme}
            choices={themes}
            onChange={(id) => setPreferences({ theme: id })}
          />
          <Chooser
            label="Density"
            value={density}
            choices={densities}
            onChange={(id) => setPreferences({ density: id })}
          />
          <Chooser
            label="Times"
            value={written}
            choices={dates}
            onChange={(id) => setPreferences({ dates: id })}
          />
          <Chooser
            label="Commands to copy"
            value={client}
            choices={clients}
            onChange={(id) => setPreferences({ client: id })}
          />
        </div>
        <Toggle isSelected={singleKeys} onChange={(isOn) => setPreferences({ singleKeys: isOn })}>
          Single letters are shortcuts
        </Toggle>
      </Panel>
      <Panel title="Set-up">
        <p className={styles['help']}>The first steps: address, login, first push.</p>
        <a href={hrefOf({ page: 'home' }, { setup: '1' })}>Show set-up again</a>
      </Panel>
    </>
  );
}
