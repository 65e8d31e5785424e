/** Which toasts there are. Pure. */
const most = 3;

/** Adds one. What went wrong stays until it is closed, as long as anything else can go. */
export function withRow<Row extends { readonly kind?: 'info' | 'error' }>(
  rows: readonly Row[],
  row: Row,
): readonly Row[] {
  const first = rows.length < most ? undefined : (rows.find(({ kind }) => kind !== 'error') ?? rows[0]);
  return [...rows.filter((each) => each !== first), row];
}
