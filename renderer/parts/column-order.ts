/** The order of columns that somebody has chosen. */

interface Identified {
  readonly id: string;
}

/** Those that `order` does not name, as a column that a later version adds, stand behind their neighbour. */
export function inOrder<Entry extends Identified>(
  columns: readonly Entry[],
  order: readonly string[] = [],
): readonly Entry[] {
  let place = -1;
  return columns
    .map((column) => {
      const known = order.indexOf(column.id);
      if (known !== -1) place = known;
      return { column, place };
    })
    .toSorted((one, other) => one.place - other.place)
    .map(({ column }) => column);
}

/** The ids with one of them `by` places further on; as they are where there is no such place. */
export function moved(columns: readonly Identified[], id: string, by: -1 | 1): readonly string[] {
  const ids = columns.map((column) => column.id);
  const from = ids.indexOf(id);
  const other = ids[from + by];
  return other === undefined ? ids : ids.with(from, other).with(from + by, id);
}
