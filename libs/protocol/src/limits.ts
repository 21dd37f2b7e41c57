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
export const BATCH_TOKEN_TEXT_BYTES_MAX = 128 * KiB;
export const BATCH_ITEMS_MAX = 1_024;
export const TOKEN_LIFE_SHORT_MS_MAX = 15 * MINUTE_MS;
export const TOKEN_LIFE_UNIVERSAL_MS_MAX = HOUR_MS;
export const TOKEN_LIFE_LONG_MS_MAX = DAY_MS;
export const TOKEN_USES_MAX = 100_000;
/** Of a token in a recovery kit (SPEC §4.6), and how many shards it names: so many fit a header. */
export const OFFLINE_TOKEN_LIFE_MS_MAX = 92 * DAY_MS;
export const OFFLINE_ITEMS_MAX = 32;
/** Recovery kits of an account that have not ended, those that were withdrawn among them. */
export const KITS_PER_ACCOUNT_MAX = 64;
export const RETAIN_MS_MAX = 10 * 366 * DAY_MS;
export const CLOCK_SKEW_MS_MAX = 5 * MINUTE_MS;
export const TOKEN_RELEASES_MAX = 3;
export const REPLAY_LIST_ENTRIES_MAX = 1_000_000;
/** What tokens of recovery kits, remembered for months, may take of a replay list. */
export const REPLAY_LIST_OFFLINE_SHARE = 1 / 4;

// Keys and certificates (SPEC §2, §3)
export const KEY_BYTES = 32;
/** Replaced keys under which a host still takes tokens; it renews no sooner than one of them has had its time. */
export const PREVIOUS_KEYS_MAX = 8;
/** Replaced offline keys under which a host still takes tokens of recovery kits; it renews no sooner than one of them has had its time. */
export const OFFLINE_KEYS_MAX = 256;
export const CERTIFICATE_LIFE_MS = 7 * DAY_MS;
export const TRUST_DOMAIN_CHARS_MAX = 253;
export const PEER_NAME_CHARS_MAX = 63;
export const CSR_BYTES_MAX = 8 * KiB;

// Enrolment by approval (SPEC §10)
export const PROGRAM_CHARS_MAX = 64;
/** RFC 8628 §3.5: how much slower a machine polls that was told to, and how much longer the broker then expects. */
export const POLL_SLOWER_MS = 5 * SECOND_MS;

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
/** Regions that a client names for its shards. */
export const REGIONS_WISHED_MAX = 16;
export const REPORTS_PER_REQUEST_MAX = 512;
export const REFUSALS_PER_REPORT_MAX = 1_000_000;
export const OBJECTS_PER_PAGE_MAX = 1_000;
/** Objects that one request deletes, and shards that one answer permits to put, get or delete by batches. */
export const DELETED_OBJECTS_MAX = 1_024;
export const BATCHED_SHARDS_MAX = 16_384;
export const PEERS_PER_PAGE_MAX = 1_000;
export const HOSTS_PER_PAGE_MAX = 1_000;
/** What a person writes when shutting a peer out. */
export const REASON_CHARS_MAX = 200;
/** Clients that a host is told to refuse; past them it refuses every token older than those that are left out. */
export const WITHDRAWN_CLIENTS_MAX = 1_024;
/** So many of them are recovery kits when machines alone would fill the list. */
export const WITHDRAWN_KITS_MAX = WITHDRAWN_CLIENTS_MAX / 4;
export const RECEIPT_TEXT_BYTES_MAX = 4 * KiB;
export const BATCH_RECEIPT_TEXT_BYTES_MAX = 192 * KiB;
/** Of the code that says what became of an item; no code of errors.ts is longer. */
export const RECEIPT_RESULT_CHARS_MAX = 48;

// Groups of peers
export const GROUP_NAME_CHARS_MAX = 64;
export const GROUP_MEMBERS_MAX = 256;
export const GROUP_APPLICANTS_MAX = 256;
export const GROUPS_PER_ACCOUNT_MAX = 64;
export const GROUPS_PER_PEER_MAX = 64;

// Hosts
/** What a run of a host's home is known by. */
export const HOME_RUN_ID_BYTES = 16;
export const TRANSFERS_MAX = 256;
export const REPORT_OUTBOX_ENTRIES_MAX = 100_000;
export const AUDIT_BLOCKS_MAX = 16;
/** Shards that one message says are lost. */
export const LOSSES_PER_REQUEST_MAX = 256;
/** How long a deleted shard stays in a host's trash. */
export const TRASH_MS = 7 * DAY_MS;
// What the broker signs for others to see (SPEC §13.1), relays and names (SPEC §13)
export const STATEMENT_TEXT_BYTES_MAX = 2 * KiB;
export const SIGNING_KEYS_MAX = 16;
export const LEASE_LIFE_MS_MAX = DAY_MS;
/** Relays that a peer just failed to use, and leases of one report of a relay. */
export const RELAYS_AVOIDED_MAX = 8;
export const RELAY_USAGE_ITEMS_MAX = 1_000;

// The local network (SPEC §14)
export const LAN_TASK_ID_BYTES = 16;
export const LAN_KEYS_MAX = 4;
export const APPROVAL_LIFE_MS_MAX = 10 * MINUTE_MS;
/** Shards that one request asks to get from one neighbour, and liars that one message names. */
export const LAN_GET_ITEMS_MAX = 256;
export const LAN_REPORTS_MAX = 64;

// Keep-filters (SPEC §8.4): bits of one part; how many parts there are at most, and positions of one content id.
export const KEEP_FILTER_BYTES_MAX = MiB;
export const KEEP_FILTER_BITS_MIN = 1_024;
export const KEEP_FILTER_HASHES_MAX = 20;
export const KEEP_FILTER_SEED_BYTES = 16;
/** A part has the content ids that begin with its 0, 1 or 2 characters of base64url. */
export const KEEP_FILTER_PARTS = [1, 64, 4_096] as const;
export const KEEP_FILTER_PARTS_MAX = 4_096;

// A part in base64url fits its answer.
assert((KEEP_FILTER_BYTES_MAX * 4) / 3 + KiB <= CONTROL_BODY_BYTES_MAX);
// A token is refused before its issuer's clock and the host's clock could disagree about its whole life.
assert(CLOCK_SKEW_MS_MAX * 2 < TOKEN_LIFE_SHORT_MS_MAX);
// Every shard of the largest object fits a token's size claim and the shard bound at the weakest code, 4 of 6.
assert(OBJECT_BYTES_MAX / 4 <= SHARD_BYTES_MAX);
// The largest batch fits its token and its receipt: base64url of the items' JSON at their longest, and 2 KiB for the rest.
const BATCH_ITEM_CHARS_MAX = '{"cid":"","size":67108864},'.length + 43;
const BATCH_RESULT_CHARS_MAX = BATCH_ITEM_CHARS_MAX + ',"result":""'.length + RECEIPT_RESULT_CHARS_MAX;
assert((BATCH_ITEMS_MAX * BATCH_ITEM_CHARS_MAX * 4) / 3 + 2 * KiB <= BATCH_TOKEN_TEXT_BYTES_MAX);
assert((BATCH_ITEMS_MAX * BATCH_RESULT_CHARS_MAX * 4) / 3 + 2 * KiB <= BATCH_RECEIPT_TEXT_BYTES_MAX);
// A token of a recovery kit travels in a header: base64url of its items at their longest, and 1 KiB for the rest.
assert((OFFLINE_ITEMS_MAX * BATCH_ITEM_CHARS_MAX * 4) / 3 + KiB <= TOKEN_TEXT_BYTES_MAX);
