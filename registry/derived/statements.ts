import type { DatabaseSync, SQLOutputValue, StatementResultingChanges } from 'node:sqlite';

export type Value = string | number | null;
type Row = Record<string, SQLOutputValue>;

/** Statements by their text, each prepared once. Rows are what the tables say; callers name their columns. */
export interface Statements {
  readonly run: (sql: string, ...values: readonly Value[]) => StatementResultingChanges;
  /** The first row. */
  readonly one: (sql: string, ...values: readonly Value[]) => Row | undefined;
  readonly all: (sql: string, ...values: readonly Value[]) => readonly Row[];
  /** The column `n` of the first row; 0 when there is none. */
  readonly number: (sql: string, ...values: readonly Value[]) => number;
}

/** A list of texts that a column holds as JSON; none where it is NULL. */
export function stringsIn(json: SQLOutputValue | undefined): readonly string[] {
  return typeof json === 'string' ? (JSON.parse(json) as string[]) : [];
}

export function createStatements(db: DatabaseSync): Statements {
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  function statement(sql: string) {
    const known = prepared.get(sql) ?? db.prepare(sql);
    prepared.set(sql, known);
    return known;
  }

  return {
    run: (sql, ...values) => statement(sql).run(...values),
    one: (sql, ...values) => statement(sql).get(...values),
    all: (sql, ...values) => statement(sql).all(...values),
    number: (sql, ...values) => Number(statement(sql).get(...values)?.['n'] ?? 0),
  };
}
