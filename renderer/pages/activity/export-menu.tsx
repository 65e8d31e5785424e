import { Download } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { formatBytes } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { copyText } from '../../parts/copy.tsx';
import { downloadText } from '../../download.ts';
import { Menu } from '../../parts/menu.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { useAsk } from '../../state/calls.ts';
import { activityCommand, type AuditArguments } from './command.ts';

type Format = 'ndjson' | 'csv';
const types = { ndjson: 'application/x-ndjson', csv: 'text/csv' } as const;

/** Saves what is filtered, all of it, as a file. */
export function ExportMenu({ args }: { readonly args: AuditArguments }) {
  const ask = useAsk();
  /** Characters that are there, while it runs. */
  const [done, setDone] = useState<number>();
  const ending = useRef<AbortController>(undefined);
  useEffect(() => () => ending.current?.abort(), []);

  const save = async (format: Format): Promise<void> => {
    const controller = new AbortController();
    ending.current = controller;
    const parts: string[] = [];
    setDone(0);
    try {
      let after: string | undefined;
      do {
        const page = await ask(
          'audit.export',
          { ...args, format, limit: 1000, ...(after === undefined ? {} : { after }) },
          { signal: controller.signal },
        );
        parts.push(page.text);
        setDone((sum = 0) => sum + page.text.length);
        after = page.next;
      } while (after !== undefined);
      downloadText(
        `berth-activity-${new Date().toISOString().slice(0, 10)}.${format}`,
        parts.join(''),
        types[format],
      );
      toast({ text: 'Exported' });
    } catch (error) {
      if (!controller.signal.aborted) toastError(error);
    } finally {
      setDone(undefined);
    }
  };

  if (done !== undefined)
    return (
      <Button onPress={() => ending.current?.abort()} aria-label="Cancel the export">
        {`Exported ${formatBytes(done)}, cancel`}
      </Button>
    );
  return (
    <Menu
      label="Export"
      button={<Button icon={<Download />}>Export</Button>}
      entries={[
        { id: 'csv', label: 'As CSV, for tables', act: () => void save('csv') },
        { id: 'ndjson', label: 'As NDJSON, for programs', act: () => void save('ndjson') },
        {
          id: 'cli',
          label: 'Copy as a command line',
          act: () => void copyText(activityCommand(args, 'ndjson'), 'Command copied'),
        },
      ]}
    />
  );
}
