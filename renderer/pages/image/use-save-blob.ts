import { toastError } from '../../parts/toast.tsx';
import { useAsk } from '../../state/calls.ts';
import { useDownload } from '../../state/download.ts';

/** Saves blobs of a manifest, under the names that it gives them; `asks`: where to is asked first. */
export function useSaveBlob({
  repository,
  image,
}: {
  readonly repository: string;
  readonly image: string | undefined;
}): (digest: string, asks?: boolean) => void {
  const ask = useAsk();
  const download = useDownload();
  return (digest, asks = false) => {
    const ticket = ask('blobs.download', { repository, digest, ...(image !== undefined && { image }) });
    void download(ticket, { asks }).catch(toastError);
  };
}
