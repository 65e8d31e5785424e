import { useCallback } from 'react';
import type { DownloadTicket } from '../../registry/spec/admin/arguments.ts';
import { downloadFrom, type SaveOptions } from '../download.ts';
import { useLink } from './link.ts';

/** Saves as a file what a ticket stands for; the registry names the file. */
export function useDownload(): (ticket: Promise<DownloadTicket>, options?: SaveOptions) => Promise<void> {
  const link = useLink();
  return useCallback(
    async (ticket, options) => downloadFrom(link.downloadUrl((await ticket).ticket), '', options),
    [link],
  );
}
