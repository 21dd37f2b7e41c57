// The bounds of talking to the broker.

export const BROKER_CONNECTIONS_MAX = 4;
export const HEADERS_MS_MAX = 30_000;
export const BODY_MS_MAX = 30_000;
