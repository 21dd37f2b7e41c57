// The bounds of the broker that are not part of the protocol.
import { strict as assert } from 'node:assert';
import { NONCE_LIST_ENTRIES_MAX } from '#protocol';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Peers whose unwrapped transaction keys are kept in memory; others are read again when they speak. */
export const PEERS_WITH_KEYS_IN_MEMORY_MAX = 100_000;

/** Hosts that one placement looks at: a random sample when more are online. */
export const PLACEMENT_CANDIDATES_MAX = 256;

/** A host with less room than this is full for the choice of a code. */
export const ELIGIBLE_HOST_BYTES_MIN = 1024 * 1024;

/** Remote networks that the enrolment limit remembers in one minute. */
export const ENROLLING_NETWORKS_MAX = 10_000;

/**
 * How far a message may be ahead of the broker's clock. It bounds what a restart forgets: a message from ahead that
 * was taken just before one would be made after it, and could be taken again.
 */
export const CREATED_AHEAD_MS_MAX = 5 * SECOND_MS;

/** Messages of one peer that the nonce list remembers, so that one peer cannot fill it for all. */
export const NONCE_LIST_ENTRIES_PER_PEER_MAX = 50_000;
assert(NONCE_LIST_ENTRIES_PER_PEER_MAX <= NONCE_LIST_ENTRIES_MAX / 20);

/** Uses that one enrolment key may have, and the longest it may be valid. */
export const ENROLMENT_KEY_USES_MAX = 10_000;
export const ENROLMENT_KEY_LIFE_MS_MAX = 365 * DAY_MS;

/** Transactions that one run of voiding takes in one write unit. */
export const VOIDED_AT_ONCE_MAX = 500;
export const VOID_INTERVAL_MS = MINUTE_MS;

/** How long counts of failures are kept. */
export const FAILURES_KEPT_MS = 30 * DAY_MS;

/** Connections and times of the HTTPS listener; Node itself has no limit and waits for minutes. */
export const CONNECTIONS_MAX = 10_000;
export const HEADERS_TIMEOUT_MS = 10 * SECOND_MS;
export const REQUEST_TIMEOUT_MS = 60 * SECOND_MS;
export const KEEP_ALIVE_TIMEOUT_MS = 75 * SECOND_MS;

/** How long a stopping broker waits for the requests that run. */
export const DRAIN_MS_MAX = 15 * SECOND_MS;

/** How often the broker looks whether its own certificate is past half of its life. */
export const OWN_CERTIFICATE_CHECK_MS = 60 * MINUTE_MS;
export const CA_LIFE_MS = 10 * 365 * DAY_MS;
