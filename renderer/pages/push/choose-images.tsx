import { SearchX } from 'lucide-react';
import { useState } from 'react';
import type { LocalImage } from '../../../main/contract/images.ts';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import { Button } from '../../parts/button.tsx';
import { SearchInput, TextInput } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Empty } from '../../parts/states.tsx';
import { Bytes, Time } from '../../parts/values.tsx';
import styles from './push.module.css';
import { parseTarget, suggestName } from './target-name.ts';
import type { WantedPush } from './use-pushes.ts';

const columns: readonly Column<LocalImage>[] = [
  {
    id: 'name',
    title: 'Image',
    width: 'minmax(200px, 1fr)',
    cell: ({ name }) => <code title={name}>{name}</code>,
  },
  {
    id: 'size',
    title: 'Size here',
    width: '100px',
    align: 'end',
    cell: ({ sizeBytes }) => <Bytes value={sizeBytes} />,
  },
  { id: 'created', title: 'Built', width: '120px', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

/** One image may have more names. */
const keyOf = ({ id, name }: LocalImage): string => `${id} ${name}`;

/** The images of an engine, and the names that the chosen ones get. `onChange`: `undefined` for what has no valid name. */
export function ChooseImages({
  images,
  engine,
  onChange,
}: {
  readonly images: readonly LocalImage[];
  readonly engine: EngineRow;
  readonly onChange: (wanted: readonly (WantedPush | undefined)[]) => void;
}) {
  const [text, setText] = useState('');
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [typed, setTyped] = useState<ReadonlyMap<string, string>>(new Map());
  const words = text.trim().toLowerCase();
  const found = images.filter(({ name }) => name.toLowerCase().includes(words));
  const chosen = images.filter((image) => selected.has(keyOf(image)));
  const nameOf = (image: LocalImage, names = typed): string =>
    names.get(keyOf(image)) ?? suggestName(image.name);

  function change(keys: ReadonlySet<string>, names: ReadonlyMap<string, string>): void {
    setSelected(keys);
    setTyped(names);
    onChange(
      images
        .filter((image) => keys.has(keyOf(image)))
        .map((image) => {
          const target = parseTarget(nameOf(image, names));
          return target && { ...target, engine: engine.id, image: image.id, from: image.name };
        }),
    );
  }

  if (images.length === 0)
    return (
      <Empty title={`${engine.title} has no images`}>
        <p>Build or pull one, then open this again.</p>
      </Empty>
    );
  return (
    <>
      <SearchInput label="Search images" value={text} onChange={setText} autoFocus />
      <div className={styles['images']}>
        <Grid
          label={`Images of ${engine.title}`}
          columns={columns}
          rows={found}
          total={found.length}
          keyOf={keyOf}
          selected={selected}
          onSelect={(keys) => change(keys, typed)}
          question={words}
          empty={
            <Empty icon={<SearchX />} title={`Nothing matches ${text}`}>
              <Button onPress={() => setText('')}>Clear</Button>
            </Empty>
          }
        />
      </div>
      {chosen.length === 0 ? (
        <p className={styles['muted']}>
          Choose one or more. Their names here can be changed before the push.
        </p>
      ) : (
        <section aria-label="Names here" className={styles['names']}>
          {chosen.map((image) => (
            <TextInput
              key={keyOf(image)}
              label={`Name of ${image.name} here`}
              value={nameOf(image)}
              onChange={(name) => change(selected, new Map(typed).set(keyOf(image), name))}
              isCode
              error={
                parseTarget(nameOf(image)) === undefined
                  ? 'Lower-case letters, digits and . _ - in parts joined by /, then a colon and a tag.'
                  : undefined
              }
            />
          ))}
        </section>
      )}
    </>
  );
}
