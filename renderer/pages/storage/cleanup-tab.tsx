import { PlanPanel } from './plan-panel.tsx';
import { RunsPanel } from './runs-panel.tsx';
import { UploadsPanel } from './uploads-panel.tsx';
import styles from './storage.module.css';

/** What nobody needs: what it is, freeing it, and when that was done before. */
export function CleanupTab() {
  return (
    <div className={styles['scroll']}>
      <PlanPanel />
      <UploadsPanel />
      <RunsPanel />
    </div>
  );
}
