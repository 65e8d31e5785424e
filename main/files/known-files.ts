/** The files that the page may have shown: it knows them by ids, so that no path of a page is ever opened. */
export interface KnownFiles {
  /** Makes a path known, and answers its id. */
  add(path: string): string;
  find(id: string): string | undefined;
}

/** More than a person looks back at; the oldest goes. */
const most = 200;

export function createKnownFiles(): KnownFiles {
  const paths = new Map<string, string>();
  let last = 0;
  return {
    add(path) {
      last += 1;
      const id = String(last);
      paths.set(id, path);
      paths.delete(String(last - most));
      return id;
    },
    find: (id) => paths.get(id),
  };
}
