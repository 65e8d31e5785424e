import type { AuditRow } from '../../../registry/spec/audit.ts';
import { formatAbsolute } from '../../format.ts';
import { CliLine } from '../../parts/copy.tsx';
import { Dialog, openDialog } from '../../parts/dialog.tsx';
import { Facts } from '../../parts/values.tsx';
import { hrefOf } from '../../route.ts';
import { activityCommand } from './command.ts';
import { kindLooks, wordOf } from './audit-words.ts';

/** Shows all that is noted of one thing that happened. */
export function openEntry(row: AuditRow): void {
  void openDialog((close) => <EntryDialog row={row} onClose={close} />);
}

function EntryDialog({ row, onClose }: { readonly row: AuditRow; readonly onClose: () => void }) {
  const { at, user, address, client, repository, tag, digest, from, subject, detail, count, requestId } = row;
  return (
    <Dialog title={wordOf(row)} onClose={onClose}>
      <Facts
        rows={[
          [
            'When',
            <time key="when" dateTime={at}>
              {formatAbsolute(at)}
            </time>,
          ],
          ['Kind', kindLooks[row.kind].word],
          ['Outcome', row.outcome === 'done' ? 'Done' : 'Failed'],
          ['Who', user ?? 'nobody who is known'],
          ['From', address],
          ['Client', client],
          ['Repository', codeOf(repository)],
          ['Tag', codeOf(tag)],
          ['Digest', codeOf(digest)],
          ['It meant before', codeOf(from)],
          ['Of', subject],
          ['Detail', detail],
          ['Times', count],
          [
            'Request',
            requestId !== undefined && <LogLink key="log" request={requestId} onFollow={onClose} />,
          ],
        ]}
      />
      <CliLine command={activityCommand({ kind: row.kind, since: at, until: at })} />
    </Dialog>
  );
}

function codeOf(text: string | undefined) {
  return text !== undefined && <code>{text}</code>;
}

function LogLink({ request, onFollow }: { readonly request: string; readonly onFollow: () => void }) {
  return (
    <a href={hrefOf({ page: 'logs' }, { request })} onClick={onFollow}>
      <code>{request}</code> in the log
    </a>
  );
}
