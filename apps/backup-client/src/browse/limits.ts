// Every bound of the read-only view that `peerkeep browse` serves.

/** Each may wait with one chunk of a file in memory, 4 MiB at most. */
export const CONNECTIONS_MAX = 32;
/** Files whose bytes are under way at once: as many objects as are in memory; more would fetch the same ones again and again. */
export const FILES_AT_ONCE = 4;
/** A reader that takes nothing for so long gives its place to others, and can ask for the rest. */
export const STALL_MS = 60_000;
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;
export const KEEP_ALIVE_MS = 30_000;
export const HEADER_BYTES_MAX = 32 * 1024;
/** What a client may say about the properties it wants. */
export const PROPFIND_BODY_BYTES_MAX = 64 * 1024;
export const PROPFIND_NAMES_MAX = 256;
/** Names and namespaces together, for the answer repeats them for every entry; clients ask with a tenth of it. */
export const PROPFIND_NAMES_CHARS_MAX = 4_096;
/** Listings under way at once, of folders with any number of entries. */
export const LISTINGS_AT_ONCE = 4;
/** Then the connection ends, and its client makes another: what is pipelined on one is bounded. */
export const REQUESTS_PER_CONNECTION_MAX = 1_000;
/** Bytes go out in slices, so that a slow reader shows its progress. */
export const SLICE_BYTES = 64 * 1024;
