import type { SettingsForm } from '../../../registry/spec/admin/settings.ts';
import { Button } from '../../parts/button.tsx';
import { Empty } from '../../parts/states.tsx';
import { SettingField } from './setting-field.tsx';
import styles from './settings.module.css';

/** Sections of the form, each with its settings. */
export function SettingSections({
  sections,
  reload,
  onClear,
}: {
  readonly sections: SettingsForm['sections'];
  readonly reload: () => Promise<unknown>;
  readonly onClear: () => void;
}) {
  if (sections.length === 0)
    return (
      <Empty title="No setting matches">
        <Button onPress={onClear}>Clear the search</Button>
      </Empty>
    );
  return sections.map(({ name, fields }) => (
    <section key={name} aria-label={name} className={styles['section']}>
      <h2 className={styles['sectionName']}>
        <code>{name}</code>
      </h2>
      {fields.map((field) => (
        <SettingField key={field.path} field={field} reload={reload} />
      ))}
    </section>
  ));
}
