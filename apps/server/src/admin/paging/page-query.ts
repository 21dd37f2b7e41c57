// What every list of the admin interface takes and gives: `limit`, an opaque `after`, and the `next` of the answer.
import { z } from 'zod';
import { decodeBase64url, encodeBase64url, ProtocolError, parseTime, timeField, utf8 } from '#protocol';
import { CURSOR_CHARS_MAX, ROWS_PER_PAGE, ROWS_PER_PAGE_MAX } from '../limits.js';

/** Queries are texts. */
export const pageFields = {
  limit: z
    .string()
    .regex(/^[1-9]\d{0,3}$/)
    .transform(Number)
    .refine((limit) => limit <= ROWS_PER_PAGE_MAX, `not 1 to ${ROWS_PER_PAGE_MAX}`)
    .optional()
    .meta({ type: 'integer', minimum: 1, maximum: ROWS_PER_PAGE_MAX, description: `${ROWS_PER_PAGE} when left out` }),
  after: z.string().max(CURSOR_CHARS_MAX).optional().meta({ description: '`next` of the page before' }),
};

/** A time in a query, as Unix ms. */
export const timeInQuery = timeField
  .transform((text) => parseTime(text)!)
  .meta({ type: 'string', format: 'date-time' });

export interface PageQuery {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

export type CursorValue = string | number;

/** `next` is null on the last page. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), next: z.string().nullable() });

export interface Page<T> {
  readonly items: T[];
  readonly next: string | null;
}

export function encodeCursor(values: readonly CursorValue[]): string {
  return encodeBase64url(utf8(JSON.stringify(values)));
}

/**
 * Where a page begins: a text for each column of the list's order, or a number.
 *
 * throws   request_invalid for what no list of this order has given
 */
export function decodeCursor(after: string, order: readonly ('text' | 'number')[]): CursorValue[] {
  const bytes = decodeBase64url(after);
  const values = bytes === null ? null : jsonIn(bytes);
  const fits =
    Array.isArray(values) &&
    values.length === order.length &&
    values.every((value, i) => (order[i] === 'text' ? typeof value === 'string' : Number.isSafeInteger(value)));
  if (!fits) throw new ProtocolError('request_invalid', {}, { detail: 'after: not a cursor of this list' });
  return values as CursorValue[];
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new ProtocolError('request_invalid', {}, { detail: 'after: not a cursor of this list', cause: error });
  }
}
