// The bounds of the host that are its own and not the protocol's.
import { strict as assert } from 'node:assert';
import { PING_NOTICED_MS, RELAY_ANSWER_MS_MAX } from '#peer-link';
import {
  BLOCK_BYTES,
  CONTROL_BODY_BYTES_MAX,
  OBJECT_BYTES_MAX,
  SHARD_BYTES_MAX,
  TOKEN_LIFE_MS_MAX,
  TOKEN_TEXT_BYTES_MAX,
  TRANSFERS_MAX,
  TRASH_MS,
} from '#protocol';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;

// Connections
export const CONNECTIONS_MAX = 4 * TRANSFERS_MAX;
export const HANDSHAKE_MS_MAX = 10 * SECOND_MS;
export const HEADERS_MS_MAX = 10 * SECOND_MS;
export const HEADER_BYTES_MAX = 8 * 1024;
export const IDLE_CONNECTION_MS_MAX = 60 * SECOND_MS;

/** What Node reads from and hands to a socket at once. */
export const SOCKET_BUFFER_BYTES = 256 * 1024;

/** What one client may have of them: the others' places are not its to take. */
export const TRANSFERS_PER_CLIENT_MAX = TRANSFERS_MAX / 4;

// Transfers: whoever moves fewer bytes than this in a whole window gives up its place. The window is long because
// sending shows in bursts, as the operating system frees its buffers.
export const LEAST_BYTES_PER_SECOND = 32 * 1024;
export const RATE_WINDOW_MS = 30 * SECOND_MS;
export const LEAST_BYTES_PER_WINDOW = (LEAST_BYTES_PER_SECOND * RATE_WINDOW_MS) / SECOND_MS;
export const REQUEST_MS_MAX = (SHARD_BYTES_MAX / LEAST_BYTES_PER_SECOND) * SECOND_MS + MINUTE_MS;

// After a refusal the rest of a body is read away, so that the client sees the answer and not a reset; no more than this.
export const DRAIN_BYTES_MAX = 4 * 1024 * 1024;
export const DRAIN_MS_MAX = 5 * SECOND_MS;

/** The numbers of the blocks that an audit asks for, as JSON. */
export const AUDIT_BODY_BYTES_MAX = 4 * 1024;

// Disk: how much of a shard is gathered for one write, and read at once. Two of them are in memory for one transfer.
export const DISK_BATCH_BYTES = 256 * 1024;
/** Space that is left to the rest of the machine, whatever was donated. */
export const FREE_SPACE_MARGIN_BYTES = 64 * 1024 * 1024;

// Sweep: one folder at a time, a round a day.
export const SWEEP_PAUSE_MS = 10;
/** How often to look whether the broker has told the time, without which nothing is swept. */
export const SWEEP_WAIT_MS = SECOND_MS;
export const SWEEP_REST_MS = DAY_MS;
/** A shard without a row lies in the trash for so long: time for a person to put back an index that was lost. */
export const TRASH_LIFE_MS = 7 * DAY_MS;

// Trash: how many files are removed in one unit, and how often, when there are more.
export const TRASH_FILES_AT_ONCE = 64;
export const TRASH_PAUSE_MS = 100;
export const TRASH_REST_MS = 60 * MINUTE_MS;

// Scrub: how fast the host reads all that it holds, in slices, and how often at most. Its place is known after a restart to
// within SCRUB_SAVE_MS.
export const SCRUB_BYTES_PER_SECOND = 4 * 1024 * 1024;
export const SCRUB_SLICE_BYTES = 1024 * 1024;
export const SCRUB_SHARDS_AT_ONCE = 256;
export const SCRUB_FIRST_MS = 10 * MINUTE_MS;
export const SCRUB_LOOK_MS = MINUTE_MS;
export const SCRUB_SAVE_MS = MINUTE_MS;
export const SCRUB_ROUND_MS_MIN = 7 * DAY_MS;
/** Spoiled shards that wait for the broker to hear of them. */
export const CORRUPT_SHARDS_MAX = 100_000;
/** How soon a broker that did not take them is told again. */
export const LOSSES_RETRY_MS = MINUTE_MS;

// Keep-filter: when the host asks what it should hold. At a start it waits, so that one that is started again and again does
// not ask each time.
export const KEEP_INTERVAL_MS = DAY_MS;
export const KEEP_FIRST_MS = 2 * 60 * MINUTE_MS;
export const KEEP_LOOK_MS = 10 * MINUTE_MS;
export const KEEP_RETRY_MS = 60 * MINUTE_MS;
/** For so long after a restore of this home was accepted nothing is put away. */
export const KEEP_RESTORED_MS = TRASH_MS;
/** What came to the host less than this before the list was made is kept: longer than any token lives, and its use is told. */
export const KEEP_MARGIN_MS = 2 * DAY_MS;
/** More than so many shards, and more than such a share of all, do not go without a person's word. */
export const UNWANTED_SHARDS_MIN = 16;
export const UNWANTED_SHARE_MAX = 0.1;
export const KEEP_SHARDS_AT_ONCE = 1_000;
export const KEEP_LIST_BYTES_MAX = 256 * 1024 * 1024;
/** What was put away and is looked at once more in each run, the newest first. */
export const PUT_AWAY_LOOKED_AT_MAX = 100_000;

// Batches
/** How long a client may take to send the token that a batch begins with: it is no header, and bounded like one. */
export const BATCH_TOKEN_MS_MAX = HEADERS_MS_MAX;
/** Shards that are deleted in one unit. */
export const DELETES_PER_UNIT_MAX = 64;

// Replay list
export const PRUNE_ROWS_AT_ONCE = 5_000;
export const PRUNE_INTERVAL_MS = MINUTE_MS;
/** How often the shelf of fetched shards is swept, and the broker told of neighbours that lied. */
export const NEIGHBOURS_INTERVAL_MS = 10 * MINUTE_MS;

// Reports
/** Receipts of batches are long: the other half of a request is room for refusals and for what stands around them. */
export const REPORTS_BYTES_PER_REQUEST = CONTROL_BODY_BYTES_MAX / 2;
/** Reports that are read at once, before it is known how long they are. */
export const REPORTS_READ_AT_ONCE = 32;
export const REFUSALS_MAX = 4_096;
export const REPORT_INTERVAL_MS = SECOND_MS;
export const BACKOFF_MS_MIN = SECOND_MS;
export const BACKOFF_MS_MAX = 5 * MINUTE_MS;

// Broker link
/** Signed answers tell the broker's time in whole seconds: it may be later by less than this. */
export const BROKER_TIME_STEP_MS = SECOND_MS;
/** What the broker may ask for as the time to the next presence. */
export const PRESENCE_MS_MIN = SECOND_MS;
export const PRESENCE_MS_MAX = 60 * MINUTE_MS;
export const RENEWAL_CHECK_MS = 10 * MINUTE_MS;
/** How often to look whether the facts of the network are old. */
export const NETWORK_LOOK_MS = 5 * MINUTE_MS;

// Relays: how often to look whether one is needed, or its lease is old.
export const RELAY_LOOK_MS = SECOND_MS;
/** A peer that has a relay and is reached without it for so long does without it. */
export const RELAY_DIRECT_MS = 10 * MINUTE_MS;
/** How soon another one is asked for at most: at once for one peer, spread for all that lost the same one. */
export const RELAY_LOST_MS_MAX = 5 * SECOND_MS;
export const RELAY_BACKOFF_MS_MIN = SECOND_MS;
export const RELAY_BACKOFF_MS_MAX = 30 * SECOND_MS;
/** A relay through which the broker has not reached this peer for so long is of no use; twice as long after each look. */
export const RELAY_USELESS_MS_MIN = MINUTE_MS;
export const RELAY_USELESS_MS_MAX = 30 * MINUTE_MS;
/** For so long a relay that failed is not asked for. */
export const RELAY_AVOIDED_MS = 10 * MINUTE_MS;
/** What a relay that was left still carries may last so long. */
export const RELAY_END_MS_MAX = 10 * MINUTE_MS;

// Ways to the broker that neighbours have by this machine: how many, and of each how long to connect, to live, to be idle, and
// how many bytes. What a machine says to its broker is little.
export const TUNNELS_MAX = 64;
export const TUNNELS_OF_PEER_MAX = 8;
export const TUNNEL_CONNECT_MS_MAX = 8 * SECOND_MS;
export const TUNNEL_LIFE_MS_MAX = 10 * MINUTE_MS;
export const TUNNEL_IDLE_MS_MAX = 2 * MINUTE_MS;
export const TUNNEL_BYTES_MAX = 64 * 1024 * 1024;

/** How long a stopping host waits for transfers, and then for the broker to take what is left. */
export const STOP_TRANSFERS_MS_MAX = 30 * SECOND_MS;
export const STOP_BROKER_MS_MAX = 5 * SECOND_MS;

// Blocks are verified inside one batch each, never across two.
assert.equal(DISK_BATCH_BYTES % BLOCK_BYTES, 0);
// A transfer at the least rate shows at least one whole batch in every window.
assert(DISK_BATCH_BYTES * 2 <= LEAST_BYTES_PER_WINDOW);
assert(SOCKET_BUFFER_BYTES <= DISK_BATCH_BYTES);
// A host that forgot announces itself when every token that the broker issues thereafter is later than its start.
assert(PRESENCE_MS_MIN >= BROKER_TIME_STEP_MS);
// A token and what clients send beside it fit into the headers.
assert(HEADER_BYTES_MAX >= TOKEN_TEXT_BYTES_MAX + 2 * 1024);
// A transfer that keeps the least rate is never ended by the bound of the whole request.
assert(REQUEST_MS_MAX > (SHARD_BYTES_MAX / LEAST_BYTES_PER_SECOND) * SECOND_MS);
// A lost relay is noticed, and a try or two for another one fails, and the peer is attached within a minute all the same.
assert(PING_NOTICED_MS + RELAY_LOST_MS_MAX + 2 * RELAY_BACKOFF_MS_MIN + RELAY_ANSWER_MS_MAX < MINUTE_MS);
// A put that the broker permitted before it made a list has ended, and was told of, or is too young to go.
assert(KEEP_MARGIN_MS > TOKEN_LIFE_MS_MAX);

// Repairs: what this host moves for them in each direction, objects at once and the size of one, all of which is in memory;
// how often it asks for work, and how soon again after a refusal.
export const REPAIR_BYTES_PER_SECOND = 4 * 1024 * 1024;
export const REPAIRS_AT_ONCE = 1;
export const REPAIR_OBJECT_BYTES_MAX = OBJECT_BYTES_MAX;
export const REPAIR_REST_MS = MINUTE_MS;
export const REPAIR_REFUSED_MS = 10 * MINUTE_MS;
