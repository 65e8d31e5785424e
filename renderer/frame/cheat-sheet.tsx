import { Dialog } from '../parts/dialog.tsx';
import { Toggle } from '../parts/field.tsx';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import { modKey, type Shortcut, useAllShortcuts } from './shortcuts.ts';
import styles from './cheat-sheet.module.css';

/** Keys that tables have by themselves: see parts/grid.tsx. */
const inTables: readonly (readonly [keys: string, label: string])[] = [
  ['Up Down j k', 'Next and former row'],
  ['Home End', 'First and last row'],
  ['PageUp PageDown', 'A page'],
  ['Enter', 'Open'],
  ['Right Left', 'Expand and collapse'],
  ['Space', 'Select'],
  ['Shift Up Down', 'Select a range'],
  [`${modKey} A`, 'Select all that match'],
  ['y', 'Copy the reference'],
  ['Y', 'Copy the pull command'],
  ['d', 'Copy the digest'],
  ['Delete', 'Delete'],
  ['Shift F10', 'What can be done with the row'],
];

export function CheatSheet({ onClose }: { readonly onClose: () => void }) {
  const groups = Map.groupBy(useAllShortcuts(), ({ group }) => group);
  const { singleKeys } = usePreferences();
  return (
    <Dialog title="Keys" size="large" onClose={onClose}>
      <Toggle isSelected={singleKeys} onChange={(isOn) => setPreferences({ singleKeys: isOn })}>
        Single keys are shortcuts
      </Toggle>
      <div className={styles['groups']}>
        {[...groups].map(([group, shortcuts]) => (
          <Group key={group} title={group} rows={shortcuts.map(rowOf)} />
        ))}
        <Group title="In tables" rows={inTables} />
      </div>
    </Dialog>
  );
}

function rowOf({ keys, label }: Shortcut): readonly [string, string] {
  const written = keys.filter((key) => key !== key.toLowerCase() || key !== 'f6');
  return [
    [...new Set(written)]
      .join(' or ')
      .replaceAll('mod+', `${modKey} `)
      .replace('backspace', 'Backspace')
      .replace('alt+arrowleft', 'Alt Left'),
    label,
  ];
}

function Group({
  title,
  rows,
}: {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
}) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {rows.map(([keys, label]) => (
          <div key={label} className={styles['row']}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
