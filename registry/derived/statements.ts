import type { DatabaseSync, SQLOutputValue, StatementResultingChanges, StatementSync } from 'node:sqlite';

export type Value = string | number | null;
type Row = Record<string, SQLOutputValue>;

/** Statements by their text, each prepared once. Rows are what the tables say; callers name their columns. */
export interface Statements {
  readonly run: (sql: string, ...values: readonly Value[]) => StatementResultingChanges;
  /** The first row. */
  readonly one: (sql: string, ...values: readonly Value[]) => Row | undefined;
  readonly all: (sql: string, ...values: readonly Value[]) => readonly Row[];
  /** The first column, a text, of each row: a hundred take a third of the time that as many objects take. */
  readonly texts: (sql: string, ...values: readonly Value[]) => readonly string[];
  /** The column `n` of the first row; 0 when there is none. */
  readonly number: (sql: string, ...values: readonly Value[]) => number;
}

/** A list of texts that a column holds as JSON; none where it is NULL. */
export function stringsIn(json: SQLOutputValue | undefined): readonly string[] {
  return typeof json === 'string' ? (JSON.parse(json) as string[]) : [];
}

export function createStatements(db: DatabaseSync): Statements {
  const ofObjects = new Map<string, StatementSync>();
  const ofLists = new Map<string, StatementSync>();

  function statement(sql: string): StatementSync {
    const known = ofObjects.get(sql) ?? db.prepare(sql);
    ofObjects.set(sql, known);
    return known;
  }

  function listStatement(sql: string): StatementSync {
    const known = ofLists.get(sql);
    if (known !== undefined) return known;
    const made = db.prepare(sql);
    made.setReturnArrays(true);
    ofLists.set(sql, made);
    return made;
  }

  return {
    run: (sql, ...values) => statement(sql).run(...values),
    one: (sql, ...values) => statement(sql).get(...values),
    all: (sql, ...values) => statement(sql).all(...values),
    texts: (sql, ...values) =>
      (listStatement(sql).all(...values) as unknown as readonly [string][]).map(([text]) => text),
    number: (sql, ...values) => Number(statement(sql).get(...values)?.['n'] ?? 0),
  };
}
