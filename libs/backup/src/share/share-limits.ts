// The bounds of what a home shares by links.

export const SHARES_MAX = 256;
/** Sealed bytes of all shares of a home. */
export const SHARES_BYTES_MAX = 32 * 1024 * 1024 * 1024;
export const SHARE_LIFE_MS_MIN = 60_000;
export const SHARE_LIFE_MS_MAX = 366 * 24 * 60 * 60_000;
export const SHARE_LIFE_MS_DEFAULT = 7 * 24 * 60 * 60_000;
export const SHARE_DOWNLOADS_MAX = 1_000_000;
export const SHARE_DOWNLOADS_DEFAULT = 10;
