import { Download } from 'lucide-react';
import { Button } from '../../parts/button.tsx';
import { copyText } from '../../parts/copy.tsx';
import { downloadFrom } from '../../download.ts';
import { Menu } from '../../parts/menu.tsx';
import { toastError } from '../../parts/toast.tsx';
import { useSaveEntries } from '../../parts/save-button.tsx';
import { useAsk } from '../../state/calls.ts';
import { useLink } from '../../state/link.ts';
import { activityCommand, type AuditArguments } from './command.ts';

/** Saves what is filtered, all of it, as a file. */
export function ExportMenu({ args }: { readonly args: AuditArguments }) {
  const ask = useAsk();
  const link = useLink();
  const save = (format: 'csv' | 'ndjson', asks: boolean): void =>
    void ask('audit.download', { ...args, format }).then(
      ({ ticket, fileName }) => downloadFrom(link.downloadUrl(ticket), fileName, { asks }),
      toastError,
    );
  const saves = useSaveEntries([
    { id: 'csv', label: 'As CSV, for tables', save: (asks) => save('csv', asks) },
    { id: 'ndjson', label: 'As NDJSON, for programs', save: (asks) => save('ndjson', asks) },
  ]);
  return (
    <Menu
      label="Export"
      button={<Button icon={<Download />}>Export</Button>}
      entries={[
        ...saves,
        {
          id: 'cli',
          label: 'Copy as a command line',
          act: () => void copyText(activityCommand(args, 'ndjson'), 'Command copied'),
        },
      ]}
    />
  );
}
