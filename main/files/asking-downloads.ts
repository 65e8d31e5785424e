/** The downloads that a person wants to be asked of, until they begin: named by the last part of their addresses. */
export interface AskingDownloads {
  add(id: string): void;
  /** Whether this one is among them; it is not any more then. */
  take(url: string): boolean;
}

/** What never began is forgotten: the oldest goes. */
const most = 20;

export function createAskingDownloads(): AskingDownloads {
  const ids = new Set<string>();
  return {
    add(id) {
      ids.add(id);
      const [oldest] = ids;
      if (ids.size > most && oldest !== undefined) ids.delete(oldest);
    },
    take: (url) => ids.delete(url.slice(url.lastIndexOf('/') + 1)),
  };
}
