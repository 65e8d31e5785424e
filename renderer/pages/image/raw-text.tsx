import { type ReactNode, useMemo, useState } from 'react';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { Toggle } from '../../parts/field.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { Bytes, Digest } from '../../parts/values.tsx';
import { formatForeign } from '../../format.ts';
import { type RawDocument, useRawText } from '../../state/raw-text.ts';
import { cutAtDigests, prettyPrint } from './raw-links.ts';
import styles from './image.module.css';

const noLinks: ReadonlyMap<string, string> = new Map();

/** A manifest or a blob as text: made readable, or as stored. */
export function RawText({
  repository,
  digest,
  label,
  links = noLinks,
  lead,
}: {
  readonly repository: string;
  readonly digest: string;
  readonly label: string;
  /** Where digests in the text lead to. */
  readonly links?: ReadonlyMap<string, string>;
  /** What stands before everything else, such as which text it is. */
  readonly lead?: ReactNode;
}) {
  const answer = useRawText(repository, digest);
  const [isStored, setStored] = useState(false);
  return (
    <Loaded answer={answer} rows={8}>
      {(document) => (
        <>
          <div className={styles['rawBar']}>
            {lead}
            <Digest value={digest} />
            <span className={styles['muted']}>
              <Bytes value={document.sizeBytes} />
            </span>
            {document.text !== undefined && (
              <>
                <Toggle isSelected={isStored} onChange={setStored}>
                  As stored
                </Toggle>
                <CopyButton text={document.text} label={`Copy ${label.toLowerCase()}`} />
              </>
            )}
            {document.text !== undefined && !document.isComplete && (
              <Button onPress={answer.loadMore}>Load more</Button>
            )}
          </div>
          <RawBody document={document} label={label} links={links} isStored={isStored} />
        </>
      )}
    </Loaded>
  );
}

function RawBody({
  document: { text, isComplete },
  label,
  links,
  isStored,
}: {
  readonly document: RawDocument;
  readonly label: string;
  readonly links: ReadonlyMap<string, string>;
  readonly isStored: boolean;
}) {
  const pieces = useMemo(
    () => (text === undefined ? [] : cutAtDigests(isStored || !isComplete ? text : prettyPrint(text), links)),
    [text, isStored, isComplete, links],
  );
  if (text === undefined)
    return (
      <div className={styles['paneNote']}>
        <Notice kind="info">These bytes are no text. Download the file to look into it.</Notice>
      </div>
    );
  return (
    <pre className={styles['text']} tabIndex={0} role="group" aria-label={label}>
      {pieces.map(({ text: piece, href }, index) =>
        href === undefined ? (
          formatForeign(piece)
        ) : (
          <a key={`${index} ${piece}`} href={href}>
            {piece}
          </a>
        ),
      )}
    </pre>
  );
}
