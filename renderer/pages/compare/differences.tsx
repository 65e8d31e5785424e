import { Eye, EyeOff } from 'lucide-react';
import { useState } from 'react';
import type { Difference } from '../../../registry/spec/admin/image.ts';
import { Button } from '../../parts/button.tsx';
import { formatForeign, formatPlural } from '../../format.ts';
import styles from './compare.module.css';

const mask = '••••••••';

/** What has another value in the two images; what looks like a secret is shown when it is asked for. */
export function Differences({
  label,
  rows,
  a,
  b,
}: {
  readonly label: string;
  readonly rows: readonly Difference[];
  /** The references. */
  readonly a: string;
  readonly b: string;
}) {
  const [isRevealed, setRevealed] = useState(false);
  const secrets = rows.filter(({ isSecretLooking }) => isSecretLooking).length;
  return (
    <>
      {secrets > 0 && (
        <div>
          <Button
            look="quiet"
            icon={isRevealed ? <EyeOff /> : <Eye />}
            onPress={() => setRevealed(!isRevealed)}
          >
            {isRevealed ? 'Hide' : 'Reveal'} {formatPlural(secrets, 'value that looks', 'values that look')}{' '}
            like a secret
          </Button>
        </div>
      )}
      <table className={styles['differences']} aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">A: {shortOf(a)}</th>
            <th scope="col">B: {shortOf(b)}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">
                <code>{formatForeign(row.name)}</code>
              </th>
              <Value value={row.a} isHidden={row.isSecretLooking && !isRevealed} />
              <Value value={row.b} isHidden={row.isSecretLooking && !isRevealed} />
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Value({ value, isHidden }: { readonly value: string | undefined; readonly isHidden: boolean }) {
  return (
    <td>
      {value === undefined ? (
        <span className={styles['muted']}>not there</span>
      ) : (
        <code>{isHidden ? mask : formatForeign(value)}</code>
      )}
    </td>
  );
}

function shortOf(reference: string): string {
  return reference.replace(/^(sha\d+:.{12}).*$/, '$1');
}
