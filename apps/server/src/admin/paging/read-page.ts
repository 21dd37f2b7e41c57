// Reads one page of a table by its key: each page costs the same, and rows that come or go move none of the others.
import type { EntityManager } from 'typeorm';
import type { SqlValue } from '#database';
import { ROWS_PER_PAGE } from '../limits.js';
import { decodeCursor, encodeCursor, type Page, type PageQuery } from './page-query.js';

export interface OrderColumn {
  readonly column: string;
  readonly kind: 'text' | 'number';
}

export type Filter = readonly [condition: string, ...values: (SqlValue | undefined)[]];

export interface ListQuery {
  /** `SELECT ... FROM ...` without WHERE. It gives every column of the order under its own name. */
  readonly select: string;
  /** Each with a `?` for each of its values; one with a value that is undefined is left out. */
  readonly filters: readonly Filter[];
  /** Together they name one row. */
  readonly order: readonly OrderColumn[];
  readonly newestFirst?: boolean;
}

type Row = Record<string, SqlValue>;

/** throws request_invalid for a cursor that no page of this list has given */
export async function readPage<R extends object, T>(
  db: EntityManager,
  { select, filters, order, newestFirst = false }: ListQuery,
  { limit = ROWS_PER_PAGE, after }: PageQuery,
  itemFrom: (row: R) => T,
): Promise<Page<T>> {
  const parameters: SqlValue[] = [];
  const conditions: string[] = [];
  for (const [condition, ...values] of filters) {
    const given = values.filter((value) => value !== undefined);
    if (given.length < values.length) continue;
    const waiting = given.values();
    conditions.push(condition.replaceAll('?', () => `$${parameters.push(waiting.next().value!)}`));
  }
  if (after !== undefined) {
    const values = decodeCursor(
      after,
      order.map(({ kind }) => kind),
    );
    const columns = order.map(({ column }) => column).join(', ');
    const places = values.map((value) => `$${parameters.push(value)}`).join(', ');
    conditions.push(`(${columns}) ${newestFirst ? '<' : '>'} (${places})`);
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const direction = newestFirst ? 'DESC' : 'ASC';
  const sorted = order.map(({ column }) => `${column} ${direction}`).join(', ');
  // One more than asked for tells whether there is a next page.
  const sql = `${select} ${where} ORDER BY ${sorted} LIMIT ${limit + 1}`;
  const found = await db.query<(R & Row)[]>(sql, parameters);
  const rows = found.slice(0, limit);
  const last = found.length > limit ? rows.at(-1) : undefined;
  return {
    items: rows.map(itemFrom),
    next: last === undefined ? null : encodeCursor(order.map((each) => cursorValue(last, each))),
  };
}

/** PostgreSQL hands numbers that may pass 32 bits out as text. */
function cursorValue(row: Row, { column, kind }: OrderColumn): string | number {
  const value = row[column.slice(column.lastIndexOf('.') + 1)];
  return kind === 'number' ? Number(value) : String(value);
}

/** One of the columns has one of these values. */
export function oneOf(columns: readonly string[], values: readonly string[]): Filter {
  const places = values.map(() => '?').join(', ');
  const condition = columns.map((column) => `${column} IN (${places})`).join(' OR ');
  return [`(${condition})`, ...columns.flatMap(() => values)];
}
