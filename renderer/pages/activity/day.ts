/** Rows in the order of time, with a heading before the first of each day of the reader. */
export type DayRow<Row> =
  | { readonly kind: 'day'; readonly key: string; readonly title: string }
  | { readonly kind: 'row'; readonly key: string; readonly row: Row };

/** `now` is in milliseconds since the epoch. */
export function groupByDay<Row extends { readonly id: string; readonly at: string }>(
  rows: readonly Row[],
  now: number,
): readonly DayRow<Row>[] {
  let former: string | undefined;
  return rows.flatMap((row) => {
    const day = dayOf(new Date(row.at));
    const entry = { kind: 'row', key: row.id, row } as const;
    if (day === former) return [entry];
    former = day;
    // Clocks are set back: a day may come twice.
    return [{ kind: 'day', key: `day ${row.id}`, title: titleOf(day, row.at, now) } as const, entry];
  });
}

const words = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});

function titleOf(day: string, at: string, now: number): string {
  const text = words.format(new Date(at));
  if (day === dayOf(new Date(now))) return `Today, ${text}`;
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  return day === dayOf(yesterday) ? `Yesterday, ${text}` : text;
}

/** `2026-03-01`, in the time zone of the reader. */
function dayOf(date: Date): string {
  const [year, month, day] = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
