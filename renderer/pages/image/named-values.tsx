import { Eye, EyeOff } from 'lucide-react';
import { useState } from 'react';
import { Button, IconButton } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { Notice } from '../../parts/states.tsx';
import { formatForeign, formatPlural } from '../../format.ts';
import styles from './image.module.css';

export interface NamedValue {
  readonly name: string;
  readonly value: string;
  readonly isSecretLooking?: boolean;
}

const mask = '••••••••';
/** Longer values are cut until all of them is asked for. */
const shortCharacters = 400;

/** Names and values that an image says of itself; what looks like a secret is shown when it is asked for. */
export function NamedValues({
  label,
  rows,
}: {
  readonly label: string;
  readonly rows: readonly NamedValue[];
}) {
  const secrets = rows.filter(({ isSecretLooking }) => isSecretLooking === true).length;
  return (
    <>
      {secrets > 0 && (
        <Notice kind="warn">
          {formatPlural(secrets, 'value looks', 'values look')} like a secret. Whoever can pull the image can
          read it: give secrets when a container starts, or as a build secret.
        </Notice>
      )}
      <table className={styles['values']} aria-label={label}>
        <thead className={styles['hiddenHead']}>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Value</th>
            <th scope="col">Acts</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            // Names can be there twice.
            <Row key={`${index} ${row.name}`} row={row} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function Row({ row: { name, value, isSecretLooking = false } }: { readonly row: NamedValue }) {
  const [isRevealed, setRevealed] = useState(!isSecretLooking);
  const [isWhole, setWhole] = useState(value.length <= shortCharacters);
  return (
    <tr>
      <th scope="row">
        <code>{formatForeign(name)}</code>
      </th>
      <td>
        <code>
          {isRevealed ? formatForeign(isWhole ? value : value.slice(0, shortCharacters)) : mask}
          {isRevealed && !isWhole && '…'}
        </code>
        {isRevealed && !isWhole && (
          <Button look="quiet" onPress={() => setWhole(true)}>
            Show all of it
          </Button>
        )}
      </td>
      <td className={styles['acts']}>
        {isSecretLooking && (
          <IconButton
            label={isRevealed ? `Hide ${name}` : `Reveal ${name}`}
            onPress={() => setRevealed(!isRevealed)}
          >
            {isRevealed ? <EyeOff /> : <Eye />}
          </IconButton>
        )}
        <CopyButton text={value} label={`Copy value of ${name}`} />
      </td>
    </tr>
  );
}
