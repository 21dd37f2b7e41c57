// The bounds of recovery kits.

/** The text of a kit in memory: enough for the tokens of about a terabyte. */
export const KIT_TEXT_BYTES_MAX = 400 * 1024 * 1024;
/** Its file is never longer than its text and the few bytes around it. */
export const KIT_FILE_BYTES_MAX = KIT_TEXT_BYTES_MAX + 64 * 1024;
