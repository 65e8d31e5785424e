import { hrefOf } from '../../route.ts';
import { useShell } from '../../state/shell.ts';
import { groupsOf } from './form.ts';
import styles from './settings.module.css';

/** The groups of settings. */
export function SettingsNav({ current }: { readonly current: string | undefined }) {
  const groups = groupsOf(useShell() !== undefined);
  return (
    <nav aria-label="Groups of settings" className={styles['nav']}>
      <ul>
        {groups.map(({ id, title }) => (
          <li key={id}>
            <a
              href={hrefOf({ page: 'settings', tab: id })}
              className={styles['entry']}
              aria-current={id === current ? 'page' : undefined}
            >
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
