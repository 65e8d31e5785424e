import { BadgeCheck, FileCheck2, Lock, PackageSearch } from 'lucide-react';
import { useState } from 'react';
import type { ImageDetail } from '../../../registry/spec/admin/image.ts';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { Chooser } from '../../parts/field.tsx';
import { toastError } from '../../parts/toast.tsx';
import { Bytes, Chip, Digest, Time } from '../../parts/values.tsx';
import { formatForeign } from '../../format.ts';
import { hrefOf } from '../../route.ts';
import { useAsk, useCall } from '../../state/calls.ts';
import styles from './image.module.css';

export interface ImageFactsProps {
  readonly reference: string;
  readonly detail: ImageDetail;
  /** Empty where the registry chooses. */
  readonly platform: string;
  readonly onPlatform: (platform: string) => void;
}

/** What can be said in two lines: digest, platform, size, who pushed it, what is attached, other names. */
export function ImageFacts({ reference, detail, platform, onPlatform }: ImageFactsProps) {
  const { repository, digest, kind, tags, manifest, bytes } = detail;
  const platforms = platformsOf(detail);
  const others = tags.filter(({ tag }) => tag !== reference);
  const rule = tags.find(({ tag }) => tag === reference)?.protectedBy;
  return (
    <>
      <div className={styles['facts']}>
        <span className={styles['fact']}>
          <Digest value={digest} />
          <CopyButton text={digest} label="Copy digest" />
        </span>
        {kind !== 'image' && <Chip>{kind}</Chip>}
        {platforms.length > 1 ? (
          <Chooser
            label="Platform"
            isLabelHidden
            value={platforms.find((each) => each === platform) ?? manifest?.platform ?? platforms[0] ?? ''}
            choices={platforms.map((id) => ({ id, label: id }))}
            onChange={onPlatform}
          />
        ) : (
          manifest?.platform !== undefined && <Chip>{formatForeign(manifest.platform)}</Chip>
        )}
        <span>
          <Bytes value={bytes.manifest} />
          {kind === 'image' && ' compressed'}
        </span>
        {kind === 'image' && manifest !== undefined && <UnpackedSize key={manifest.digest} detail={detail} />}
      </div>
      <div className={styles['facts']}>
        <Pushed detail={detail} reference={reference} />
        {detail.hasSignature && (
          <Chip icon={<BadgeCheck />} title="A signature is attached; nobody has verified it">
            Signed, not verified
          </Chip>
        )}
        {detail.hasSbom && <Chip icon={<PackageSearch />}>SBOM</Chip>}
        {detail.hasProvenance && <Chip icon={<FileCheck2 />}>Provenance</Chip>}
        {rule !== undefined && (
          <Chip icon={<Lock />} title="It cannot be moved or deleted">
            Protected by {rule}
          </Chip>
        )}
        {others.length > 0 && (
          <span className={styles['others']}>
            Also{' '}
            {others.slice(0, 8).map(({ tag }) => (
              <a key={tag} href={hrefOf({ page: 'image', repository, reference: tag })}>
                {tag}
              </a>
            ))}
            {others.length > 8 && ` and ${others.length - 8} more`}
          </span>
        )}
      </div>
    </>
  );
}

/** The platforms that can be chosen, each once. */
export function platformsOf({ children }: Pick<ImageDetail, 'children'>): readonly string[] {
  return [
    ...new Set(
      children.flatMap(({ platform, isAttestation }) =>
        platform === undefined || isAttestation ? [] : [platform],
      ),
    ),
  ];
}

function Pushed({ detail, reference }: { readonly detail: ImageDetail; readonly reference: string }) {
  const { repository, digest, tags } = detail;
  const tag = reference.includes(':') ? tags[0]?.tag : reference;
  const { data } = useCall(
    'history.list',
    { repository, ...(tag === undefined ? {} : { tag }), limit: 1 },
    { isWanted: tag !== undefined, keepsFormer: false },
  );
  const move = data?.rows[0];
  if (tag === undefined) return <span>No tag</span>;
  // Keeps the line where it is until the answer comes.
  if (move === undefined || move.to !== digest) return <span>&nbsp;</span>;
  return (
    <span>
      {move.kind === 'restore' ? 'Restored' : 'Pushed'} <Time at={move.at} />
      {move.by !== undefined && ` by ${formatForeign(move.by)}`}
      {move.client !== undefined && ` with ${formatForeign(move.client)}`}
    </span>
  );
}

/** Layers say their size only to whoever unpacks them, so it is counted when somebody asks. */
function UnpackedSize({ detail: { repository, layers } }: { readonly detail: ImageDetail }) {
  const ask = useAsk();
  const [size, setSize] = useState<number>();
  const [isCounting, setCounting] = useState(false);
  const count = async (): Promise<void> => {
    setCounting(true);
    try {
      let sum = 0;
      for (const { digest } of layers) {
        const { unpackedBytes } = await ask('layers.files', { repository, digest, path: '', limit: 1 });
        sum += unpackedBytes;
      }
      setSize(sum);
    } catch (error) {
      toastError(error);
    }
    setCounting(false);
  };
  if (size !== undefined)
    return (
      <span>
        <Bytes value={size} /> unpacked
      </span>
    );
  return (
    <Button look="quiet" isPending={isCounting} onPress={() => void count()}>
      {isCounting ? 'Counting…' : 'Count unpacked'}
    </Button>
  );
}
