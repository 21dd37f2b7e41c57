// Bounds and defaults of prunes, with the relations that must hold between them.
import { strict as assert } from 'node:assert';
import { CHUNK_BYTES_MAX } from '../limits.js';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** From the mark to the deletion. */
export const GRACE_MS_DEFAULT = 24 * HOUR_MS;
export const GRACE_MS_MAX = 365 * DAY_MS;
/** Objects that were stored more lately than this are not marked: the run that stored them may be under way. */
export const MIN_AGE_MS_DEFAULT = 24 * HOUR_MS;
/** A run looks for marks so often, and from its first look on it holds what it has stored. */
export const LOOK_INTERVAL_MS = 6 * HOUR_MS;
/** A hold whose run never came back ends by itself. A notice that cannot be read for so long is no living hold. */
export const HOLD_LIFE_MS = 30 * DAY_MS;
/** An index may name what is not listed yet, because its machine has not told the broker; for so long it is kept. */
export const LATE_REPORT_MS_MAX = 30 * DAY_MS;

/** One notice. More objects make more notices. */
export const NOTICE_OBJECTS_MAX = 65_536;
export const NOTICE_BYTES_MAX = 4 * 1024 * 1024 - 1024;
/** Of one repacked object: chunks that compress well are few in stored bytes and many in memory. */
export const REPACK_RAW_BYTES_MAX = 64 * 1024 * 1024;
/** What is stored can change while it is listed; so often a prune starts over. */
export const LISTINGS_MAX = 3;
/** So often a prune decides anew because an object did not give what it should have. */
export const PROOF_ROUNDS_MAX = 8;

const ID_IN_JSON_BYTES = 39;

assert(NOTICE_OBJECTS_MAX * ID_IN_JSON_BYTES + 1024 <= NOTICE_BYTES_MAX);
assert(NOTICE_BYTES_MAX <= CHUNK_BYTES_MAX);
// A run publishes its hold well before the first of its objects is old enough to be marked.
assert(2 * LOOK_INTERVAL_MS <= MIN_AGE_MS_DEFAULT);
