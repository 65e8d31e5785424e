import type { ImageDetail } from '../../../registry/spec/admin/image.ts';
import { Chooser } from '../../parts/field.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { formatReference } from '../../format.ts';
import { useParam } from '../../route.ts';
import { linksOf } from './raw-links.ts';
import { RawText } from './raw-text.tsx';
import styles from './image.module.css';

const names = { manifest: 'Manifest', config: 'Config', index: 'Index' } as const;
type Doc = keyof typeof names;

/** Manifest, config and index as they are stored. */
export function Raw({ detail, reference }: { readonly detail: ImageDetail; readonly reference: string }) {
  const { repository, digest, manifest } = detail;
  const [chosen, choose] = useParam('doc');
  const [platform] = useParam('platform');
  const digests: Readonly<Record<Doc, string | undefined>> = {
    manifest: manifest?.digest,
    config: manifest?.configDigest,
    index: manifest?.digest === digest ? undefined : digest,
  };
  const docs = (Object.keys(names) as readonly Doc[]).filter((doc) => digests[doc] !== undefined);
  const doc = docs.find((each) => each === chosen) ?? docs[0] ?? 'index';
  return (
    <>
      <RawText
        key={digests[doc]}
        repository={repository}
        digest={digests[doc] ?? digest}
        label={names[doc]}
        links={linksOf(detail, reference, platform)}
        lead={
          <Chooser
            label="Text"
            isLabelHidden
            value={doc}
            choices={docs.map((id) => ({ id, label: names[id] }))}
            onChange={(id) => choose(id === docs[0] ? '' : id)}
          />
        }
      />
      <div className={styles['foot']}>
        <CliLine command={`berth inspect ${formatReference(repository, reference)} --raw`} />
      </div>
    </>
  );
}
