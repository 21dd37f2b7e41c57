// The bounds of the console.
const HOUR_MS = 3_600_000;

/** How long an admin key stays signed in in a browser; never longer than the key itself. */
export const ADMIN_SESSION_LIFE_MS = 8 * HOUR_MS;
/** Browsers in which one admin key is signed in; past it the oldest is signed out. */
export const ADMIN_SESSIONS_PER_KEY_MAX = 16;

/** Wrong admin keys typed from one network within this time, before the next one is refused unseen. */
export const ADMIN_SIGN_IN_WINDOW_MS = HOUR_MS / 6;
export const ADMIN_SIGN_IN_FAILURES_MAX = 10;
export const ADMIN_SIGN_IN_NETWORKS_MAX = 10_000;

/** Machines on one page. */
export const CONSOLE_MACHINES_PER_PAGE = 50;
