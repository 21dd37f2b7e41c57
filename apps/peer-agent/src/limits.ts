// The bounds of the host that are its own and not the protocol's.
import { strict as assert } from 'node:assert';
import { BLOCK_BYTES, SHARD_BYTES_MAX, TOKEN_TEXT_BYTES_MAX, TRANSFERS_MAX } from '#protocol';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

// Connections
export const CONNECTIONS_MAX = 4 * TRANSFERS_MAX;
export const HANDSHAKE_MS_MAX = 10 * SECOND_MS;
export const HEADERS_MS_MAX = 10 * SECOND_MS;
export const HEADER_BYTES_MAX = 8 * 1024;
export const IDLE_CONNECTION_MS_MAX = 60 * SECOND_MS;

/** What Node reads from and hands to a socket at once. */
export const SOCKET_BUFFER_BYTES = 256 * 1024;

// Transfers: whoever moves fewer bytes than this in a whole window gives up its place.
export const LEAST_BYTES_PER_SECOND = 32 * 1024;
export const RATE_WINDOW_MS = 10 * SECOND_MS;
export const REQUEST_MS_MAX = (SHARD_BYTES_MAX / LEAST_BYTES_PER_SECOND) * SECOND_MS + MINUTE_MS;

// After a refusal the rest of a body is read away, so that the client sees the answer and not a reset; no more than this.
export const DRAIN_BYTES_MAX = 4 * 1024 * 1024;
export const DRAIN_MS_MAX = 5 * SECOND_MS;

// Disk: how much of a shard is gathered for one write, and read at once. Two of them are in memory for one transfer.
export const DISK_BATCH_BYTES = 256 * 1024;
/** Space that is left to the rest of the machine, whatever was donated. */
export const FREE_SPACE_MARGIN_BYTES = 64 * 1024 * 1024;
export const SWEEP_PAUSE_MS = 10;

// Replay list
export const PRUNE_ROWS_AT_ONCE = 5_000;
export const PRUNE_INTERVAL_MS = MINUTE_MS;

// Reports
export const REFUSALS_MAX = 4_096;
export const REPORT_INTERVAL_MS = SECOND_MS;
export const BACKOFF_MS_MIN = SECOND_MS;
export const BACKOFF_MS_MAX = 5 * MINUTE_MS;

// Broker link
/** What the broker may ask for as the time to the next presence. */
export const PRESENCE_MS_MIN = SECOND_MS;
export const PRESENCE_MS_MAX = 60 * MINUTE_MS;
export const RENEWAL_CHECK_MS = 10 * MINUTE_MS;

/** How long a stopping host waits for transfers, and then for the broker to take what is left. */
export const STOP_TRANSFERS_MS_MAX = 30 * SECOND_MS;
export const STOP_BROKER_MS_MAX = 5 * SECOND_MS;

// Blocks are verified inside one batch each, never across two.
assert.equal(DISK_BATCH_BYTES % BLOCK_BYTES, 0);
// A token and what clients send beside it fit into the headers.
assert(HEADER_BYTES_MAX >= TOKEN_TEXT_BYTES_MAX + 2 * 1024);
// A transfer that keeps the least rate is never ended by the bound of the whole request.
assert(REQUEST_MS_MAX > (SHARD_BYTES_MAX / LEAST_BYTES_PER_SECOND) * SECOND_MS);
