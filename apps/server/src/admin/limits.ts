// The bounds of the admin interface.
const DAY_MS = 86_400_000;

/** Random bytes of an admin key: too many to guess, so that a fast hash of it suffices. */
export const ADMIN_KEY_BYTES = 32;
export const ADMIN_KEY_LIFE_MS = 90 * DAY_MS;
export const ADMIN_KEY_LIFE_MS_MAX = 365 * DAY_MS;
export const ADMIN_KEY_NAME_CHARS_MAX = 64;

/** Rows of one page of a list. */
export const ROWS_PER_PAGE = 100;
export const ROWS_PER_PAGE_MAX = 1_000;
/** Characters of a cursor: a few ids and a number. */
export const CURSOR_CHARS_MAX = 1_024;
/** Rows that an export reads at once. */
export const EXPORTED_AT_ONCE = 1_000;

/** Answers that are kept for requests which come again: for how long, and how many of one admin key. */
export const ANSWERS_KEPT_MS = DAY_MS;
export const ANSWERS_PER_KEY_MAX = 10_000;
export const IDEMPOTENCY_KEY_CHARS_MAX = 128;

/** Entries of the log that a check reads at once. */
export const LOG_CHECKED_AT_ONCE = 1_000;

const HOUR_MS = 3_600_000;

/** How long an admin key stays signed in in a browser; never longer than the key itself. */
export const ADMIN_SESSION_LIFE_MS = 8 * HOUR_MS;
/** Browsers in which one admin key is signed in; past it the oldest is signed out. */
export const ADMIN_SESSIONS_PER_KEY_MAX = 16;

/** Wrong admin keys typed from one network within this time, before the next one is refused unseen. */
export const ADMIN_SIGN_IN_WINDOW_MS = HOUR_MS / 6;
export const ADMIN_SIGN_IN_FAILURES_MAX = 10;
export const ADMIN_SIGN_IN_NETWORKS_MAX = 10_000;
