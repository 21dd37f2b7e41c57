// Column kinds that the entities share.
import type { ColumnOptions } from 'typeorm';

/** A whole number that may pass 32 bits: Unix ms, or bytes. PostgreSQL hands these out as text. */
export const wholeNumber = (name: string, options: Pick<ColumnOptions, 'nullable'> = {}): ColumnOptions => ({
  name,
  type: 'bigint',
  transformer: {
    from: (value: string | number | null): number | null => (value === null ? null : Number(value)),
    to: (value: number | null): number | null => value,
  },
  ...options,
});
