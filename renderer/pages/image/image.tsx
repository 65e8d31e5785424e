import type { ImageDetail } from '../../../registry/spec/admin/image.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { Button } from '../../parts/button.tsx';
import { Screen } from '../../parts/screen.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { type TabEntry, Tabs } from '../../parts/tabs.tsx';
import { formatReference, shortDigest } from '../../format.ts';
import { navigate, useParam } from '../../route.ts';
import { useCall } from '../../state/calls.ts';
import { ImageActions } from './actions.tsx';
import { Attached } from './attached.tsx';
import { Chart, ChartText } from './chart.tsx';
import { Dockerfile } from './dockerfile.tsx';
import { Files } from './files.tsx';
import { ImageFacts } from './facts.tsx';
import { Layers } from './layers.tsx';
import { Missing } from './missing.tsx';
import { Moves } from './moves.tsx';
import { Notes } from './notes.tsx';
import { Overview } from './overview.tsx';
import { Raw } from './raw.tsx';
import { UseImage } from './use-image.tsx';
import styles from './image.module.css';

export interface ImageProps {
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
  readonly tab: string | undefined;
}

/** One image or artifact: what it is, what it is made of, and what is attached to it. */
export function ImageScreen({ repository, reference, tab }: ImageProps) {
  const [platform, setPlatform] = useParam('platform');
  const answer = useCall('images.get', {
    repository,
    reference,
    ...(platform === '' ? {} : { platform }),
  });
  const { data: detail, error } = answer;
  const isGone = isAppError(error, 'MANIFEST_UNKNOWN') || isAppError(error, 'NAME_UNKNOWN');
  const title = (
    <span className={styles['title']} title={formatReference(repository, reference)}>
      {formatReference(repository, reference.includes(':') ? shortDigest(reference) : reference)}
    </span>
  );
  if (detail === undefined && isGone)
    return (
      <Screen title={title}>
        {platform === '' ? (
          <Missing repository={repository} reference={reference} />
        ) : (
          <Notice kind="warn" actions={<Button onPress={() => setPlatform('')}>Choose for me</Button>}>
            {error.message}
          </Notice>
        )}
      </Screen>
    );
  return (
    <Screen
      title={title}
      actions={detail !== undefined && <ImageActions reference={reference} detail={detail} isGone={isGone} />}
      isScrolling={false}
    >
      <Loaded answer={isGone ? { ...answer, error: null } : answer} rows={10}>
        {(data) => (
          <div className={styles['body']}>
            <div className={styles['head']}>
              <ImageFacts reference={reference} detail={data} platform={platform} onPlatform={setPlatform} />
              {isGone && (
                <Notice kind="warn">
                  This is gone from the registry; what is shown was known before. History has the digest that
                  the tag meant.
                </Notice>
              )}
              <Notes notes={data.notes} />
            </div>
            <Tabs
              label="Parts"
              selected={tab}
              onSelect={(id) =>
                navigate(
                  { page: 'image', repository, reference, tab: id === 'overview' ? undefined : id },
                  { params: platform === '' ? {} : { platform } },
                )
              }
              tabs={tabsOf(data, reference)}
            />
          </div>
        )}
      </Loaded>
    </Screen>
  );
}

function tabsOf(detail: ImageDetail, reference: string): readonly TabEntry[] {
  const { kind, dockerfile, manifest } = detail;
  const isImage = kind === 'image';
  const digest = manifest?.digest ?? detail.digest;
  const content: readonly TabEntry[] = isImage
    ? [
        { id: 'overview', label: 'Overview', content: () => <Overview detail={detail} /> },
        { id: 'layers', label: 'Layers', content: () => <Layers detail={detail} /> },
        ...(dockerfile === ''
          ? []
          : [{ id: 'dockerfile', label: 'Dockerfile', content: () => <Dockerfile text={dockerfile} /> }]),
      ]
    : kind === 'helm'
      ? [
          { id: 'overview', label: 'Chart', content: () => <Chart detail={detail} reference={reference} /> },
          {
            id: 'values',
            label: 'Values',
            content: () => <ChartText repository={detail.repository} digest={digest} name="values" />,
          },
          {
            id: 'readme',
            label: 'Readme',
            content: () => <ChartText repository={detail.repository} digest={digest} name="readme" />,
          },
          { id: 'files', label: 'Files', content: () => <Files detail={detail} /> },
        ]
      : [
          { id: 'overview', label: 'Overview', content: () => <Overview detail={detail} /> },
          { id: 'files', label: 'Files', content: () => <Files detail={detail} /> },
        ];
  return [
    ...content,
    { id: 'attached', label: 'Attached', content: () => <Attached detail={detail} /> },
    { id: 'history', label: 'History', content: () => <Moves detail={detail} reference={reference} /> },
    { id: 'raw', label: 'Raw', content: () => <Raw detail={detail} reference={reference} /> },
    { id: 'use', label: 'Use', content: () => <UseImage detail={detail} reference={reference} /> },
  ];
}
