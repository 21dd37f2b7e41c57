// The bounds of the console.

/** Machines on one page. */
export const CONSOLE_MACHINES_PER_PAGE = 50;
