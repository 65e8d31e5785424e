import { CircleAlert, CircleQuestionMark, Search, X } from 'lucide-react';
import { type UIEvent, useId, useRef } from 'react';
import { Dialog, DialogTrigger } from 'react-aria-components/Dialog';
import { Popover } from 'react-aria-components/Popover';
import type { QueriedList, QueryProblem } from '../../registry/spec/query.ts';
import type { QueryText } from '../state/query.ts';
import { IconButton } from './button.tsx';
import { useSearchText } from './search-text.ts';
import styles from './query-input.module.css';

/** The field of a list that has a query language: what cannot be understood is marked, and told below it. */
export function QueryInput({
  label,
  list,
  query,
}: {
  readonly label: string;
  readonly list: QueriedList;
  readonly query: QueryText;
}) {
  const { text, setText, problems } = query;
  const [problem] = problems;
  const search = useSearchText(text, setText);
  const mirror = useRef<HTMLDivElement>(null);
  const problemId = useId();
  const follow = ({ currentTarget }: UIEvent<HTMLInputElement>): void => {
    if (mirror.current !== null) mirror.current.scrollLeft = currentTarget.scrollLeft;
  };
  return (
    <div className={styles['place']}>
      <div className={styles['field']}>
        <Search aria-hidden />
        <div className={styles['text']}>
          <div ref={mirror} aria-hidden className={styles['mirror']}>
            <Marked text={text} problems={problems} />
          </div>
          <input
            {...search.input}
            aria-label={label}
            aria-invalid={problem === undefined ? undefined : true}
            className={styles['input']}
            placeholder={label}
            autoComplete="off"
            data-main-search=""
            aria-describedby={problem === undefined ? undefined : problemId}
            onScroll={follow}
          />
        </div>
        {text !== '' && (
          <button {...search.clear} className={styles['clear']}>
            <X aria-hidden />
          </button>
        )}
        <QueryHelp list={list} />
      </div>
      <div role="status" aria-live="polite" id={problemId}>
        {problem !== undefined && (
          <p className={styles['problem']}>
            <CircleAlert aria-hidden />
            {problem.message}
          </p>
        )}
      </div>
    </div>
  );
}

/** The text of the field once more, below it, for the lines under what is wrong. */
function Marked({ text, problems }: { readonly text: string; readonly problems: readonly QueryProblem[] }) {
  const places = [0, ...problems.flatMap(({ start, end }) => [start, end]), text.length];
  return places.slice(1).map((end, index) => {
    const part = text.slice(places[index], end);
    // Every second piece is one of a problem.
    return index % 2 === 1 ? (
      <span key={`${index} ${part}`} className={styles['wrong']}>
        {part}
      </span>
    ) : (
      part
    );
  });
}

const keys: Readonly<Record<QueriedList, readonly (readonly [term: string, meaning: string])[]>> = {
  repositories: [
    ['api "two words"', 'in the name'],
    [':latest  :v1.*', 'has a tag that is called so, or begins so'],
    ['sha256:2c26', 'has a digest that begins so'],
    ['arch:arm64  os:linux', 'has an image for it'],
    ['kind:helm', 'image, helm, wasm, model, sbom, signature, provenance, other, mixed'],
    ['by:dev', 'has a tag that was pushed by'],
    ['pushed:<7d  pulled:>90d', 'how long ago: s m h d w y'],
    ['pulled:never', 'nobody has pulled it'],
    ['size:>1g  size:<10m', 'what only it uses'],
    ['is:stale', 'neither pushed nor pulled for 90 days'],
    ['is:untagged  is:multiplatform', 'has such a manifest, such a tag'],
    ['is:signed  is:unsigned', 'every image, or one image'],
    ['-kind:image', 'a minus denies what follows'],
  ],
  tags: [
    ['rc "two words"', 'in the name'],
    [':latest  :v1.*', 'is called so, or begins so'],
    ['sha256:2c26', 'the digest begins so'],
    ['arch:arm64  os:linux', 'is for it'],
    ['kind:helm', 'image, helm, wasm, model, sbom, signature, provenance, other'],
    ['by:dev', 'was pushed by'],
    ['pushed:<7d  pulled:>90d', 'how long ago: s m h d w y'],
    ['pulled:never', 'nobody has pulled it'],
    ['size:>1g  size:<10m', 'with all that it needs'],
    ['is:stale', 'neither pushed nor pulled for 90 days'],
    ['is:multiplatform  is:fallback', 'for several platforms; holds what is attached'],
    ['is:signed  is:unsigned', 'a signature is attached, or none'],
    ['-is:signed', 'a minus denies what follows'],
  ],
};

function QueryHelp({ list }: { readonly list: QueriedList }) {
  return (
    <DialogTrigger>
      <IconButton label="What can be asked">
        <CircleQuestionMark />
      </IconButton>
      <Popover className={styles['help'] ?? ''} placement="bottom end">
        <Dialog aria-label="What can be asked" className={styles['dialog'] ?? ''}>
          <p>All terms must hold. Words are looked for in names.</p>
          <dl>
            {keys[list].map(([term, meaning]) => (
              <div key={term}>
                <dt>
                  <code>{term}</code>
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
