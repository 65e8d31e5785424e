import { desktopParts } from '../../frame/desktop-parts.ts';
import { PartPlace } from '../../frame/part-place.tsx';
import { SearchInput } from '../../parts/field.tsx';
import { Bar, Screen } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { useParam } from '../../route.ts';
import { useCall } from '../../state/calls.ts';
import { useShell } from '../../state/shell.ts';
import { Engines } from '../doctor/engines.tsx';
import { CertificatePanel } from './certificate.tsx';
import { ExportPanel } from './export.tsx';
import { findSettings, groupsOf, sectionsOf } from './form.ts';
import { LookPanel } from './look.tsx';
import { PendingBar } from './pending-bar.tsx';
import { ResetPanel } from './reset.tsx';
import { SettingSections } from './setting-sections.tsx';
import { SettingsNav } from './settings-nav.tsx';
import { WebhooksPanel } from './webhooks.tsx';
import styles from './settings.module.css';

/** The settings: what belongs to this window, and the form that the registry makes of its configuration. */
export function SettingsScreen({ tab }: { readonly tab: string | undefined }) {
  const [q, setQ] = useParam('q');
  const answer = useCall('settings.form', {});
  const groups = groupsOf(useShell() !== undefined);
  const group = groups.find(({ id }) => id === tab) ?? groups[0];
  if (group === undefined) return null;
  return (
    <Screen
      title="Settings"
      facts={answer.data !== undefined && <code className={styles['file']}>{answer.data.file}</code>}
      isScrolling={false}
    >
      <Bar label="Find">
        <SearchInput isMain label="Search settings" value={q} onChange={setQ} />
      </Bar>
      <PendingBar form={answer.data} />
      <div className={styles['body']}>
        <SettingsNav current={q === '' ? group.id : undefined} />
        {/* A region that scrolls must be reachable by keyboard. */}
        <div
          key={q === '' ? group.id : ''}
          className={styles['content']}
          tabIndex={0}
          role="group"
          aria-label={q === '' ? group.title : 'Found'}
        >
          {q === '' && <OwnPart id={group.id} />}
          {(q !== '' || group.sections.length > 0) && (
            <Loaded answer={answer}>
              {(form) => (
                <SettingSections
                  sections={q === '' ? sectionsOf(form, group) : findSettings(form, q)}
                  reload={answer.refetch}
                  onClear={() => setQ('')}
                />
              )}
            </Loaded>
          )}
        </div>
      </div>
    </Screen>
  );
}

/** What a group has beside the form. */
function OwnPart({ id }: { readonly id: string }) {
  switch (id) {
    case 'look':
      return <LookPanel />;
    case 'desktop':
      return <PartPlace part={desktopParts.settings} props={{}} />;
    case 'certificate':
      return <CertificatePanel />;
    case 'webhooks':
      return <WebhooksPanel />;
    case 'engines':
      return <Engines />;
    case 'export':
      return <ExportPanel />;
    case 'reset':
      return <ResetPanel />;
    default:
      return null;
  }
}
