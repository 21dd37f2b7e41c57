// The bounds of talking to the broker.
import { CLOCK_SKEW_MS_MAX, TOKEN_LIFE_SHORT_MS_MAX } from '#protocol';

export const BROKER_CONNECTIONS_MAX = 4;
export const HEADERS_MS_MAX = 30_000;
export const BODY_MS_MAX = 30_000;

/** How long a replaced transaction key stays good: the longest token under it, and both clocks' error (SPEC §2). */
export const PREVIOUS_KEY_LIFE_MS = TOKEN_LIFE_SHORT_MS_MAX + 2 * CLOCK_SKEW_MS_MAX;
