import { useMemo, useState } from 'react';
import { Autocomplete } from 'react-aria-components/Autocomplete';
import { Input } from 'react-aria-components/Input';
import { Menu, MenuItem } from 'react-aria-components/Menu';
import { SearchField } from 'react-aria-components/SearchField';
import { Dialog } from '../parts/dialog.tsx';
import { navigate } from '../route.ts';
import { useCall } from '../state/calls.ts';
import { setPreferences } from '../state/preferences.ts';
import { navEntries } from './nav.tsx';
import { modKey, useAllShortcuts } from './shortcuts.ts';
import styles from './palette.module.css';

interface Command {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly keys?: string;
  readonly run: () => void;
}

/** Finds screens, acts, repositories and settings by a part of their name. */
export function Palette({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('');
  const shortcuts = useAllShortcuts();
  const words = text.trim().toLowerCase();
  const { data: repositories } = useCall(
    'repositories.list',
    { q: words, limit: 20 },
    // Only a word is looked up: other texts may not be a query.
    { isWanted: /^[a-z0-9._/-]+$/.test(words) },
  );
  const { data: form } = useCall('settings.form', {});

  const commands = useMemo<readonly Command[]>(() => {
    const screens = navEntries.map(({ screen, label, keys }) => ({
      id: `screen ${screen}`,
      kind: 'Screen',
      label,
      keys: keys[0],
      run: () => navigate({ page: screen }),
    }));
    const acts = shortcuts
      .filter(({ group }) => group !== 'Go to')
      .map(({ label, keys, run }) => ({ id: `act ${label}`, kind: 'Act', label, keys: keys[0], run }));
    const looks = (['system', 'light', 'dark'] as const).map((theme) => ({
      id: `theme ${theme}`,
      kind: 'Look',
      label: `Theme: ${theme}`,
      run: () => setPreferences({ theme }),
    }));
    const settings = (form?.sections ?? []).flatMap(({ fields }) =>
      fields.map(({ path, title }) => ({
        id: `setting ${path}`,
        kind: 'Setting',
        label: `${title} (${path})`,
        run: () => navigate({ page: 'settings' }, { params: { q: path } }),
      })),
    );
    const known = [...screens, ...acts, ...looks, ...(words === '' ? [] : settings)].filter(({ label }) =>
      label.toLowerCase().includes(words),
    );
    const found = (words === '' ? [] : (repositories?.rows ?? [])).map(({ name }) => ({
      id: `repository ${name}`,
      kind: 'Repository',
      label: name,
      run: () => navigate({ page: 'repository', repository: name }),
    }));
    return [...found, ...known].slice(0, 60);
  }, [words, shortcuts, repositories, form]);

  return (
    <Dialog title="Find" size="medium" onClose={onClose}>
      <Autocomplete inputValue={text} onInputChange={setText}>
        <SearchField
          aria-label="Screen, act, repository or setting"
          autoFocus
          className={styles['field'] ?? ''}
        >
          <Input className={styles['input'] ?? ''} placeholder="Screen, act, repository or setting" />
        </SearchField>
        <div className={styles['scroll']} tabIndex={0} role="group" aria-label="Found">
          <Menu
            aria-label="Found"
            items={commands}
            className={styles['list'] ?? ''}
            onAction={(id) => {
              onClose();
              // The dialog gives the focus back first.
              queueMicrotask(() => commands.find((each) => each.id === id)?.run());
            }}
            renderEmptyState={() => <p className={styles['none']}>Nothing is called so.</p>}
          >
            {({ id, kind, label, keys }) => (
              <MenuItem id={id} textValue={label} className={styles['item'] ?? ''}>
                <span className={styles['label']}>{label}</span>
                <span className={styles['kind']}>{kind}</span>
                {keys !== undefined && (
                  <kbd className={styles['kind']}>{keys.replace('mod+', `${modKey} `)}</kbd>
                )}
              </MenuItem>
            )}
          </Menu>
        </div>
      </Autocomplete>
    </Dialog>
  );
}
