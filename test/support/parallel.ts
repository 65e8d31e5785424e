/** Does the same for each, `width` at a time, and ends with the first that fails. */
export async function forEachOf<T>(
  items: Iterable<T>,
  width: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const next = Iterator.from(items);
  const work = async (): Promise<void> => {
    // The iterator is shared: each worker takes what nobody has taken.
    for (let item = next.next(); item.done !== true; item = next.next()) await act(item.value);
  };
  await Promise.all(Array.from({ length: width }, work));
}

/** A number of rounds in parts of at most so many: 60 by 25 are 25, 25 and 10. */
export function batches(count: number, most: number): readonly number[] {
  return Array.from({ length: Math.ceil(count / most) }, (_, at) => Math.min(most, count - at * most));
}

/** Addresses of loopback, each another client for whoever counts by address; Linux has all of them. */
export function* clientAddresses(): Generator<string, never> {
  for (let at = 0; ; at = (at + 1) % 16_000_000)
    yield `127.${1 + Math.floor(at / 64_516)}.${1 + (Math.floor(at / 254) % 254)}.${1 + (at % 254)}`;
}
