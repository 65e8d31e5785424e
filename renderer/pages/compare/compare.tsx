import { ArrowLeftRight, FileQuestion } from 'lucide-react';
import type { ImageComparison, LayerRow } from '../../../registry/spec/admin/image.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { Chooser } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Panel, Screen } from '../../parts/screen.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Bytes, Chip, Digest } from '../../parts/values.tsx';
import {
  formatBytes,
  formatExactBytes,
  formatForeign,
  formatPlural,
  formatReference,
  shortDigest,
} from '../../format.ts';
import { hrefOf, navigate, useParam } from '../../route.ts';
import { shellLine } from '../../shell.ts';
import { useCall, useCalls } from '../../state/calls.ts';
import { platformsOf } from '../image/facts.tsx';
import { Notes } from '../image/notes.tsx';
import { ChooseTag } from './choose-tag.tsx';
import { Differences } from './differences.tsx';
import styles from './compare.module.css';

export interface CompareProps {
  readonly repository: string;
  readonly a: string;
  readonly b: string;
}

/** Two images of a repository beside each other: what they share, and what only one of them has. */
export function CompareScreen({ repository, a, b }: CompareProps) {
  const [platform, setPlatform] = useParam('platform');
  const asked: Readonly<Record<string, string>> = platform === '' ? {} : { platform };
  const answer = useCall('images.compare', { repository, a, b, ...asked }, { keepsFormer: false });
  const [detailA, detailB] = useCalls('images.get', [
    { repository, reference: a },
    { repository, reference: b },
  ]);
  const platforms = [
    ...new Set(
      [detailA, detailB].flatMap((each) => (each?.data === undefined ? [] : platformsOf(each.data))),
    ),
  ];
  const show = (one: string, other: string): void =>
    navigate({ page: 'compare', repository, a: one, b: other }, { params: asked });
  const { error } = answer;
  const isMissing = isAppError(error, 'MANIFEST_UNKNOWN') || isAppError(error, 'NAME_UNKNOWN');
  return (
    <Screen
      title={`Compare in ${repository}`}
      actions={
        <>
          {platforms.length > 1 && (
            <Chooser
              label="Platform"
              isLabelHidden
              value={
                platforms.find((each) => each === platform) ?? answer.data?.a.platform ?? platforms[0] ?? ''
              }
              choices={platforms.map((id) => ({ id, label: id }))}
              onChange={setPlatform}
            />
          )}
          <Button icon={<ArrowLeftRight />} onPress={() => show(b, a)}>
            Swap sides
          </Button>
        </>
      }
    >
      <div className={styles['sides']}>
        <Side
          name="A"
          repository={repository}
          reference={a}
          side={answer.data?.a}
          isPlatformShown={answer.data?.a.platform !== answer.data?.b.platform}
          onChoose={(tag) => show(tag, b)}
        />
        <Side
          name="B"
          repository={repository}
          reference={b}
          side={answer.data?.b}
          isPlatformShown={answer.data?.a.platform !== answer.data?.b.platform}
          onChoose={(tag) => show(a, tag)}
        />
      </div>
      {isMissing ? (
        <Notice
          kind="warn"
          actions={
            platform !== '' && <Button onPress={() => setPlatform('')}>Choose the platform for me</Button>
          }
        >
          {error.message} Choose another tag for that side{platform === '' ? '' : ', or another platform'}.
        </Notice>
      ) : (
        <Loaded answer={answer} rows={10}>
          {(comparison) => <Comparison comparison={comparison} a={a} b={b} />}
        </Loaded>
      )}
      <CliLine
        command={shellLine(
          'berth',
          'compare',
          formatReference(repository, a),
          b,
          ...(platform === '' ? [] : ['--platform', platform]),
        )}
      />
    </Screen>
  );
}

function Side({
  name,
  repository,
  reference,
  side,
  isPlatformShown,
  onChoose,
}: {
  readonly name: string;
  readonly repository: string;
  readonly reference: string;
  readonly side: ImageComparison['a'] | undefined;
  /** The sides differ in it; else it is said once. */
  readonly isPlatformShown: boolean;
  readonly onChoose: (tag: string) => void;
}) {
  const choose = (): void =>
    void openDialog((close) => (
      <ChooseTag
        title={`Choose side ${name}`}
        repository={repository}
        without={reference}
        onClose={close}
        onChoose={onChoose}
      />
    ));
  return (
    <section className={styles['side']} aria-label={`Side ${name}`}>
      <Chip tone="accent">{name}</Chip>
      <a className={styles['reference']} href={hrefOf({ page: 'image', repository, reference })}>
        {reference.includes(':') ? shortDigest(reference) : reference}
      </a>
      {side !== undefined && (
        <>
          <Digest value={side.digest} />
          {side.platform !== undefined && isPlatformShown && (
            <span className={styles['muted']}>{formatForeign(side.platform)}</span>
          )}
          <Bytes value={side.bytes} />
        </>
      )}
      <Button look="quiet" onPress={choose}>
        Choose…
      </Button>
    </section>
  );
}

interface LayerLine {
  readonly key: string;
  readonly layer: LayerRow;
  readonly where: 'both' | 'A' | 'B';
}

function Comparison({
  comparison,
  a,
  b,
}: {
  readonly comparison: ImageComparison;
  readonly a: string;
  readonly b: string;
}) {
  const { common, onlyA, onlyB, grownBytes, env, labels, config, notes } = comparison;
  const lines = (
    [
      ['A', onlyA],
      ['B', onlyB],
      ['both', common],
    ] as const
  ).flatMap(([where, layers]) =>
    layers.map((layer, at): LayerLine => ({ key: `${where} ${at}`, layer, where })),
  );
  const isSame = comparison.a.digest === comparison.b.digest;
  const differing = [
    { title: 'Environment', rows: env },
    { title: 'Labels', rows: labels },
    { title: 'Config', rows: config },
  ].filter(({ rows }) => rows.length > 0);
  return (
    <>
      <Notes notes={notes} />
      {isSame && (
        <Notice kind="ok">
          Both are the same image: {shortDigest(comparison.a.digest)}. Nothing differs.
        </Notice>
      )}
      <dl className={styles['sums']}>
        <Sum name="Growth from A to B" text={signed(grownBytes)} title={formatExactBytes(grownBytes)} />
        <Sum name="In both" {...sumOf(common)} />
        <Sum name="Only in A" {...sumOf(onlyA)} />
        <Sum name="Only in B" {...sumOf(onlyB)} />
      </dl>
      <Panel title="Layers">
        <Grid
          label="Layers"
          columns={layerColumns}
          rows={lines}
          total={lines.length}
          keyOf={({ key }) => key}
          isInline
          empty={
            <Empty icon={<FileQuestion />} title="No layers">
              <p>Neither of the two has any that can be told.</p>
            </Empty>
          }
        />
      </Panel>
      {differing.map(({ title, rows }) => (
        <Panel key={title} title={title}>
          <Differences label={title} rows={rows} a={a} b={b} />
        </Panel>
      ))}
      {!isSame && <p className={styles['muted']}>Nothing else differs.</p>}
    </>
  );
}

function Sum({
  name,
  text,
  title,
}: {
  readonly name: string;
  readonly text: string;
  readonly title?: string;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd title={title}>{text}</dd>
    </div>
  );
}

function sumOf(layers: readonly LayerRow[]): { readonly text: string; readonly title: string } {
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  return {
    text: `${formatPlural(layers.length, 'layer')}, ${formatBytes(bytes)}`,
    title: formatExactBytes(bytes),
  };
}

function signed(bytes: number): string {
  return bytes > 0 ? `+${formatBytes(bytes)}` : bytes === 0 ? 'none' : formatBytes(bytes);
}

const wheres = { both: ['both', 'plain'], A: ['only A', 'warn'], B: ['only B', 'ok'] } as const;

const layerColumns: readonly Column<LayerLine>[] = [
  {
    id: 'where',
    title: 'In',
    width: '70px',
    cell: ({ where }) => {
      const [word, tone] = wheres[where];
      return <Chip tone={tone}>{word}</Chip>;
    },
  },
  {
    id: 'command',
    title: 'Command',
    width: 'minmax(160px, 4fr)',
    cell: ({ layer: { command, title } }) => {
      const told = command ?? title;
      if (told === undefined) return <span className={styles['muted']}>not told</span>;
      const text = formatForeign(told);
      return <code title={text.slice(0, 2000)}>{text}</code>;
    },
  },
  {
    id: 'size',
    title: 'Size',
    width: '80px',
    align: 'end',
    cell: ({ layer }) => <Bytes value={layer.size} />,
  },
  {
    id: 'digest',
    title: 'Digest',
    width: '110px',
    fromWidth: 480,
    cell: ({ layer }) => <Digest value={layer.digest} />,
  },
];
