// The bounds of the database layer.
import { strict as assert } from 'node:assert';

/** Units that wait for the writer. Past it the caller is refused with `overloaded`. */
export const WRITE_UNITS_PENDING_MAX = 8_192;

/** Units that share one commit: long enough to pay for the fsync, short enough that nobody waits for strangers. */
export const WRITE_UNITS_PER_COMMIT_MAX = 256;

/** How long a write waits for another process that holds the database file. */
export const BUSY_TIMEOUT_MS = 10_000;

/** Rows that one INSERT takes where they travel as one JSON text: about a megabyte of it. */
export const INSERTED_ROWS_MAX = 4_096;

/** Parameters of one statement; SQLite takes 32,766 and PostgreSQL 65,535. */
export const STATEMENT_PARAMETERS_MAX = 16_384;

// A full queue is more than one commit, so that the bound is about waiting and not about grouping.
assert(WRITE_UNITS_PER_COMMIT_MAX < WRITE_UNITS_PENDING_MAX);
