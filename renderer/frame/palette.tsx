import { type KeyboardEvent, useId, useMemo, useState } from 'react';
import { Dialog } from '../parts/dialog.tsx';
import { useSearchText } from '../parts/search-text.ts';
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

  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    onClose();
    // The dialog gives the focus back first.
    queueMicrotask(command.run);
  };

  return (
    <Dialog title="Find" size="medium" onClose={onClose}>
      <Found text={text} setText={setText} commands={commands} run={run} />
    </Dialog>
  );
}

/** The keys stay in the field, and move through what is below it. */
function Found({
  text,
  setText,
  commands,
  run,
}: {
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly commands: readonly Command[];
  readonly run: (command: Command | undefined) => void;
}) {
  const search = useSearchText(text, setText);
  const list = useId();
  const [at, setAt] = useState(0);
  const [former, setFormer] = useState(text);
  if (former !== text) {
    setFormer(text);
    setAt(0);
  }
  const index = Math.min(at, commands.length - 1);

  function onKeyDown(event: KeyboardEvent): void {
    const next = placeAfter(event.key, index, commands.length);
    if (next !== undefined) {
      event.preventDefault();
      setAt(next);
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      event.preventDefault();
      run(commands[index]);
    } else search.input.onKeyDown(event);
  }

  return (
    <>
      <input
        {...search.input}
        autoFocus
        role="combobox"
        aria-label="Screen, act, repository or setting"
        aria-expanded
        aria-autocomplete="list"
        aria-controls={list}
        aria-activedescendant={index < 0 ? undefined : `${list}${index}`}
        autoComplete="off"
        className={styles['input']}
        placeholder="Screen, act, repository or setting"
        onKeyDown={onKeyDown}
      />
      <div className={styles['scroll']} tabIndex={0} role="group" aria-label="Found">
        {commands.length === 0 && <p className={styles['none']}>Nothing is called so.</p>}
        <div role="listbox" id={list} aria-label="Found" className={styles['list']}>
          {commands.map((command, place) => (
            <button
              key={command.id}
              ref={place === index ? bringIntoView : undefined}
              type="button"
              tabIndex={-1}
              role="option"
              id={`${list}${place}`}
              aria-selected={place === index}
              className={styles['item']}
              onClick={() => run(command)}
            >
              <span className={styles['label']}>{command.label}</span>
              <span className={styles['kind']}>{command.kind}</span>
              {command.keys !== undefined && (
                <kbd className={styles['kind']}>{command.keys.replace('mod+', `${modKey} `)}</kbd>
              )}
            </button>
          ))}
        </div>
      </div>
    </>
  );
}

function bringIntoView(element: Element | null): void {
  element?.scrollIntoView({ block: 'nearest' });
}

/** Where a key leads among so many rows, round and round; `undefined` where it leads nowhere. */
function placeAfter(key: string, index: number, count: number): number | undefined {
  if (count === 0) return undefined;
  if (key === 'ArrowDown') return (index + 1) % count;
  return key === 'ArrowUp' ? (index + count - 1) % count : undefined;
}
