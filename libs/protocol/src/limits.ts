// Every bound of the protocol in one place. At a bound Peerkeep refuses; it never forgets.
import { strict as assert } from 'node:assert';

const KiB = 1024;
const MiB = 1024 * KiB;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

// Tokens (SPEC §4)
export const TOKEN_TEXT_BYTES_MAX = 4 * KiB;
export const TOKEN_LIFE_SHORT_MS_MAX = 15 * MINUTE_MS;
export const CLOCK_SKEW_MS_MAX = 5 * MINUTE_MS;
export const TOKEN_RELEASES_MAX = 3;
export const REPLAY_LIST_ENTRIES_MAX = 1_000_000;

// Keys and certificates (SPEC §2, §3)
export const KEY_BYTES = 32;
export const CERTIFICATE_LIFE_MS = 7 * DAY_MS;
export const TRUST_DOMAIN_CHARS_MAX = 253;
export const PEER_NAME_CHARS_MAX = 63;
export const CSR_BYTES_MAX = 8 * KiB;

// Content ids and shards (SPEC §6, §8)
export const BLOCK_BYTES = 16 * KiB;
export const SHARD_BYTES_MAX = 64 * MiB;
export const SHARDS_PER_OBJECT_MAX = 256;
export const OBJECT_BYTES_MAX = 256 * MiB;

// Control messages (SPEC §5)
export const CONTROL_BODY_BYTES_MAX = 4 * MiB;
export const NONCE_BYTES = 16;
export const NONCE_LIST_ENTRIES_MAX = 1_000_000;
export const OBJECTS_PER_REQUEST_MAX = 64;
export const REPORTS_PER_REQUEST_MAX = 512;
export const REFUSALS_PER_REPORT_MAX = 1_000_000;
export const OBJECTS_PER_PAGE_MAX = 1_000;
export const RECEIPT_TEXT_BYTES_MAX = 4 * KiB;

// Hosts
export const TRANSFERS_MAX = 256;
export const REPORT_OUTBOX_ENTRIES_MAX = 100_000;

// A token is refused before its issuer's clock and the host's clock could disagree about its whole life.
assert(CLOCK_SKEW_MS_MAX * 2 < TOKEN_LIFE_SHORT_MS_MAX);
// Every shard of the largest object fits a token's size claim and the shard bound at the weakest code, 4 of 6.
assert(OBJECT_BYTES_MAX / 4 <= SHARD_BYTES_MAX);
