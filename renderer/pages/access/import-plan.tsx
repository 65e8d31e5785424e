import { Fragment } from 'react';
import type { ImportedUsers } from '../../../registry/spec/admin/access.ts';
import { Notice } from '../../parts/states.tsx';
import { Facts } from '../../parts/values.tsx';
import { useMe } from './me.ts';
import styles from './access.module.css';

/** What an import would do, by name, and the lines that it leaves out. */
export function ImportPlan({ plan }: { readonly plan: ImportedUsers }) {
  const { added, changed, unchanged, skipped } = plan;
  const me = useMe();
  return (
    <section aria-label="What the import does">
      <Facts
        rows={[
          [`Added (${added.length})`, namesOf(added)],
          [`Other password (${changed.length})`, namesOf(changed)],
          [`Unchanged (${unchanged.length})`, namesOf(unchanged)],
          [`Left out (${skipped.length})`, skipped.length > 0 && <Skipped key="skipped" lines={skipped} />],
        ]}
      />
      {added.length + changed.length === 0 && <Notice kind="info">There is nothing to import.</Notice>}
      {changed.some((name) => name === me) && (
        <Notice kind="warn">Your own password is among them: log in again with that of the file.</Notice>
      )}
    </section>
  );
}

function namesOf(names: readonly string[]) {
  if (names.length === 0) return undefined;
  return (
    <div className={styles['names']} tabIndex={0} role="group" aria-label="Names">
      {names.join(', ')}
    </div>
  );
}

function Skipped({ lines }: { readonly lines: ImportedUsers['skipped'] }) {
  return (
    // A region that scrolls must be reachable by keyboard.
    <div className={styles['skipped']} tabIndex={0} role="group" aria-label="Lines that are left out">
      {lines.map(({ line, reason }) => (
        <Fragment key={line}>
          <span>Line {line}</span>
          <span>{reason}</span>
        </Fragment>
      ))}
    </div>
  );
}
