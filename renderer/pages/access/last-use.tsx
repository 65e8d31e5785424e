import type { LastUseRow } from '../../../registry/spec/admin/access.ts';
import { Time } from '../../parts/values.tsx';
import { shortClient } from './words.ts';
import styles from './access.module.css';

/** No event announces that somebody was let in: it happens with every request. */
export const lastUseEveryMs = 30_000;

/** When a login was last let in, by which client, from where. */
export function LastUse({ use }: { readonly use: LastUseRow | undefined }) {
  if (use === undefined) return <Time at={undefined} />;
  const { at, client, address } = use;
  return (
    <span title={client === undefined ? address : `${client}\n${address}`}>
      <Time at={at} />{' '}
      <span className={styles['muted']}>
        {shortClient(client)} {address}
      </span>
    </span>
  );
}
