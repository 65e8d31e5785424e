import type { BundleRow, ImageRow } from '../../../registry/spec/admin/transfer.ts';
import { formatCount, shortDigest } from '../../format.ts';
import { TextInput } from '../../parts/field.tsx';
import { Bytes, Chip } from '../../parts/values.tsx';
import { isName, type Naming, nameOf } from './import-names.ts';
import styles from './transfer.module.css';

/** More fields than that nobody fills in. */
const mostFields = 50;

/** What a file holds, and what it will be called; the names can be changed. */
export function ImportImages({
  row: { images, total },
  naming: { prefix, names },
  isDisabled,
  onRename,
}: {
  readonly row: BundleRow;
  readonly naming: Naming;
  readonly isDisabled: boolean;
  readonly onRename: (index: number, name: string) => void;
}) {
  const isLong = images.length > mostFields;
  return (
    <div className={styles['images']} tabIndex={0} role="group" aria-label="Images of the file">
      <table>
        <thead>
          <tr>
            <th scope="col">In the file</th>
            <th scope="col">Becomes</th>
            <th scope="col" className={styles['number']}>
              Size
            </th>
            <th scope="col">
              <span className={styles['hidden']}>State</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {images.map((image, index) => {
            const own = nameOf(image, prefix);
            const name = names[index] ?? own;
            return (
              <tr key={`${image.name ?? ''} ${image.digest}`}>
                <td>
                  <code title={image.digest}>{image.name ?? shortDigest(image.digest)}</code>
                </td>
                <td>
                  {isLong ? (
                    <code>{own === '' ? 'no name' : own}</code>
                  ) : (
                    <TextInput
                      label={`Name of ${image.name ?? image.digest}`}
                      isLabelHidden
                      isCode
                      isDisabled={isDisabled}
                      autoComplete="off"
                      value={name}
                      onChange={(next) => onRename(index, next)}
                      placeholder={own === '' ? 'goes with the image that it belongs to' : own}
                      {...(name === '' || isName(name) ? {} : { error: 'Write repository:tag.' })}
                    />
                  )}
                </td>
                <td className={styles['number']}>
                  <Bytes value={image.bytes} />
                </td>
                <td>{stateOf(image, own, name)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {total > images.length && (
        <p className={styles['muted']}>And {formatCount(total - images.length)} more.</p>
      )}
    </div>
  );
}

/** What the registry said of the name of the file says nothing of another. */
function stateOf(image: ImageRow, own: string, name: string) {
  const isAsked = name !== '' && name === own && own === nameOf(image, '');
  return isAsked && image.isHere ? <Chip tone="ok">here already</Chip> : undefined;
}
