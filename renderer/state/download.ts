import { useCallback } from 'react';
import type { DownloadTicket } from '../../registry/spec/admin/arguments.ts';
import { useLink } from './link.ts';

/** Saves as a file what a ticket stands for; the registry names the file. */
export function useDownload(): (ticket: Promise<DownloadTicket>) => Promise<void> {
  const link = useLink();
  return useCallback(
    async (ticket) => {
      const anchor = document.createElement('a');
      anchor.href = link.downloadUrl((await ticket).ticket);
      anchor.download = '';
      anchor.click();
    },
    [link],
  );
}
