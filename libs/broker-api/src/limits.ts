// The bounds of talking to the broker.

export const BROKER_CONNECTIONS_MAX = 4;
export const HEADERS_MS_MAX = 30_000;
export const BODY_MS_MAX = 30_000;

/** What the broker tells of the network is asked for again after so long; for unknown keys no more often than so. */
export const NETWORK_FRESH_MS = 24 * 60 * 60_000;
export const NETWORK_ASK_MS_MIN = 60_000;
