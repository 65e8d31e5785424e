import type { ImageDetail } from '../../../registry/spec/admin/image.ts';
import type { ArtifactKind } from '../../../registry/spec/kinds.ts';
import { openConnect } from '../../frame/open.tsx';
import { Button } from '../../parts/button.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { Chooser } from '../../parts/field.tsx';
import { Bar } from '../../parts/screen.tsx';
import { useParam } from '../../route.ts';
import { type ClientId, clients, getSnippet } from '../../snippets.ts';
import { useAddress } from '../../state/address.ts';
import styles from './image.module.css';

const byChoices = [
  { id: 'tag', label: 'By tag' },
  { id: 'digest', label: 'By digest, which never changes' },
] as const;

/** What to type to use the image, for each client. */
export function UseImage({
  detail: { repository, digest, kind },
  reference,
}: {
  readonly detail: ImageDetail;
  readonly reference: string;
}) {
  const address = useAddress();
  const [by, setBy] = useParam('by', 'tag');
  const isTag = !reference.includes(':');
  const name = isTag && by === 'tag' ? reference : digest;
  return (
    <>
      <Bar label="Use">
        {isTag && (
          <Chooser
            label="Name it"
            isLabelHidden
            value={by === 'digest' ? 'digest' : 'tag'}
            choices={byChoices}
            onChange={setBy}
          />
        )}
        <Button look="quiet" onPress={openConnect}>
          How to log in and push
        </Button>
      </Bar>
      <dl className={`${styles['scroll']} ${styles['snippets']}`}>
        {clients
          .filter(({ id }) => isFor(id, kind))
          .map(({ id, label }) => (
            <div key={id} className={styles['snippet']}>
              <dt>{label}</dt>
              <dd>
                <CopyLine
                  text={getSnippet({ address, repository, reference: name, client: id })}
                  label={`Copy for ${label}`}
                />
              </dd>
            </div>
          ))}
      </dl>
    </>
  );
}

/** Engines and clusters take images, helm takes charts; the others take all. */
function isFor(client: ClientId, kind: ArtifactKind): boolean {
  switch (client) {
    case 'docker':
    case 'podman':
    case 'nerdctl':
    case 'kubernetes':
    case 'compose':
      return kind === 'image';
    case 'helm':
      return kind === 'helm';
    case 'oras':
      return kind !== 'image';
    case 'skopeo':
    case 'crane':
      return true;
    default:
      return client satisfies never;
  }
}
