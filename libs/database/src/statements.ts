// Statements that must not be written by hand: a conditional change that tells whether it happened, and many rows at once.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { INSERTED_ROWS_MAX, STATEMENT_PARAMETERS_MAX } from './limits.js';

export type SqlValue = string | number | null;

/**
 * Run one `UPDATE `, `DELETE ` or `INSERT ` with $1, $2, ... (in order of first use) and say whether it changed a row.
 * The driver tells the count only for statements that begin with these words in capitals; any other would look like
 * a refusal or, worse, like success. A change of several rows is a mistake of ours and undoes the unit.
 */
export async function changeOne(db: EntityManager, sql: string, parameters: readonly SqlValue[]): Promise<boolean> {
  const changed = await changeMany(db, sql, parameters);
  assert(changed <= 1, 'a statement for one row changed several');
  return changed === 1;
}

/** As changeOne, for any number of rows; returns how many. */
export async function changeMany(db: EntityManager, sql: string, parameters: readonly SqlValue[]): Promise<number> {
  assert(/^(?:UPDATE|DELETE|INSERT) /.test(sql));
  assert(db.queryRunner !== undefined, 'writes go through WriteQueue.run');
  const { affected } = await db.queryRunner.query(sql, [...parameters], true);
  assert(typeof affected === 'number');
  return affected;
}

/**
 * Insert rows with as few statements as the parameter bound allows.
 *
 * rows         one array per row, in the order of `columns`; texts are well-formed, half a surrogate pair is altered
 * onConflict   'refuse' (the unit fails) or 'skip' (rows that exist stay as they are)
 * returns      how many rows were inserted
 */
export async function insertRows(
  db: EntityManager,
  into: { readonly table: string; readonly columns: readonly string[]; readonly onConflict?: 'refuse' | 'skip' },
  rows: readonly (readonly SqlValue[])[],
): Promise<number> {
  const width = into.columns.length;
  const isSqlite = db.connection.options.type === 'sqlite';
  const rowsAtOnce = isSqlite ? INSERTED_ROWS_MAX : Math.floor(STATEMENT_PARAMETERS_MAX / width);
  const names = into.columns.map((column) => `"${column}"`).join(', ');
  const ending = into.onConflict === 'skip' ? ' ON CONFLICT DO NOTHING' : '';
  let inserted = 0;
  for (let first = 0; first < rows.length; first += rowsAtOnce) {
    const part = rows.slice(first, first + rowsAtOnce);
    for (const row of part) assert.equal(row.length, width);
    const { source, parameters } = isSqlite ? jsonRows(part, width) : valueRows(db, part);
    inserted += await changeMany(db, `INSERT INTO "${into.table}" (${names}) ${source}${ending}`, parameters);
  }
  return inserted;
}

interface RowSource {
  readonly source: string;
  readonly parameters: SqlValue[];
}

/**
 * All rows in one JSON text: the statement is the same for any number of rows, and it is SQLite's thread that takes the
 * text apart, at about two thirds of what as many parameters cost. `WHERE true` ends the grammar's doubt whether ON
 * belongs to a join (sqlite.org/lang_upsert.html, "Parsing Ambiguity").
 */
function jsonRows(rows: readonly (readonly SqlValue[])[], width: number): RowSource {
  const values = Array.from({ length: width }, (_, i) => `value->>${i}`).join(', ');
  return { source: `SELECT ${values} FROM json_each($1) WHERE true`, parameters: [JSON.stringify(rows)] };
}

function valueRows(db: EntityManager, rows: readonly (readonly SqlValue[])[]): RowSource {
  const parameters: SqlValue[] = [];
  const tuples = rows.map((row) => `(${row.map((value) => placeholder(db, parameters.push(value))).join(', ')})`);
  return { source: `VALUES ${tuples.join(', ')}`, parameters };
}

/** `($1, $2, ...)` for an IN list of `count` values, beginning with parameter number `first`. */
export function placeholders(db: EntityManager, count: number, first = 1): string {
  assert(count >= 1 && count <= STATEMENT_PARAMETERS_MAX);
  return `(${Array.from({ length: count }, (_, i) => placeholder(db, first + i)).join(', ')})`;
}

function placeholder(db: EntityManager, number: number): string {
  return db.connection.driver.createParameter('', number - 1);
}
