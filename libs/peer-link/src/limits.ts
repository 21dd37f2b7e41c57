// The bounds of talking to hosts.
import { strict as assert } from 'node:assert';
import { AUDIT_BLOCKS_MAX, BATCH_RECEIPT_TEXT_BYTES_MAX, BLOCK_BYTES } from '#protocol';

const KiB = 1024;

/** Hosts with open connections; beyond it the host that was used longest ago is closed. */
export const HOSTS_MAX = 256;
export const CONNECTIONS_PER_HOST_MAX = 4;
export const KEEP_ALIVE_MS = 30_000;

/** A host may take this long to begin its answer: to find a shard and check it, or to make it durable. */
export const ANSWER_MS_MAX = 60_000;
/**
 * The least rate of a transfer, judged over a window: below it another host is asked. The window is long because
 * sending shows in bursts, as the operating system frees its buffers.
 */
export const RATE_WINDOW_MS = 20_000;
export const BYTES_PER_WINDOW_MIN = 128 * KiB;

/**
 * How much of a shard is handed to the socket at a time. Small at first and whenever the socket takes long, so that the
 * least rate can be judged; then large, which costs both ends a quarter less processor time.
 */
export const SLICE_BYTES_MIN = 64 * KiB;
export const SLICE_BYTES_MAX = 512 * KiB;
/** A socket that takes a slice within this time gets a slice twice as large. */
export const SLICE_MS_QUICK = 250;

/**
 * A limit on what moves gives at least so much to each transfer under way, and others wait for their turn: a host ends a
 * transfer below 32 KiB/s. A lower limit than for one transfer and its unevenness cannot be kept.
 */
export const TRANSFER_BYTES_PER_SECOND_MIN = 48 * KiB;
export const BYTES_PER_SECOND_LIMIT_MIN = 64 * KiB;
/** What the bucket of a limit holds, as a time at its rate; and in how many pieces its second is given out at least. */
export const BURST_SECONDS = 0.25;
export const PIECES_PER_SECOND = 16;
/** How soon those who wait for a limit feel that it is another one. */
export const RATE_LOOK_MS = 1_000;

/** Answers that are not shards: receipts and problem documents. */
export const SMALL_ANSWER_BYTES_MAX = 16 * KiB;

/** The same of a batch: its receipt, and a little JSON around it. */
export const BATCH_ANSWER_BYTES_MAX = BATCH_RECEIPT_TEXT_BYTES_MAX + KiB;

/** How often a batch is tried in a row without getting further. */
export const BATCH_FRUITLESS_MAX = 10;

/** What an audit shows: its blocks and their paths in base64url, and a little JSON around them. */
export const AUDIT_ANSWER_BYTES_MAX = AUDIT_BLOCKS_MAX * (2 * BLOCK_BYTES);
/** How long a host may take for the whole answer to a question of the broker. */
export const ASK_MS_MAX = 30_000;

// Connections through relays (SPEC §13): streams of one connection, and connections of one peer that carry them.
export const STREAMS_PER_CONNECTION_MAX = 64;
export const BULK_CONNECTIONS_MAX = 3;
/** How often each end asks the other whether it is there. Unanswered until the next time, the connection is dead. */
export const PING_MS = 10_000;
/** A dead connection is noticed within so long. */
export const PING_NOTICED_MS = 30_000;
/** What is said beside the streams: leases, and wishes for connections. */
export const RELAY_BODY_BYTES_MAX = 4 * KiB;
export const RELAY_ANSWER_MS_MAX = 10_000;
/** How long until a stream to a peer stands: the peer may have to open a connection for it first. */
export const REACH_ANSWER_MS_MAX = 25_000;
/** Relays with open connections; beyond it the one that was used longest ago is let go. */
export const RELAYS_MAX = 16;
/** Connections of one client to one relay. */
export const RELAY_CONNECTIONS_MAX = 4;
export const RELAY_KEEP_ALIVE_MS = 60_000;

// Ways to a peer: how long a better way is waited for before the next one is begun beside it, and how long one that failed
// rests. A peer that the broker reaches through its relay alone is tried directly now and then.
export const LAN_HEAD_START_MS = 250;
export const DIRECT_HEAD_START_MS = 500;
export const LAN_REST_MS = 60_000;
export const DIRECT_REST_MS = 5 * 60_000;
export const ONLY_WAY_REST_MS = 30 * 60_000;

// One transfer at the lowest limit is above the least rate; and the bucket holds the piece that it waits for.
assert(TRANSFER_BYTES_PER_SECOND_MIN <= BYTES_PER_SECOND_LIMIT_MIN);
assert((TRANSFER_BYTES_PER_SECOND_MIN * RATE_WINDOW_MS) / 1000 > 2 * BYTES_PER_WINDOW_MIN);
assert(BURST_SECONDS <= 1 && BURST_SECONDS * PIECES_PER_SECOND >= 1);
// A transfer just above the least rate shows at least one whole slice in every window.
assert(SLICE_BYTES_MIN * 2 <= BYTES_PER_WINDOW_MIN);
// A ping is sent, is not answered, and the next one finds that out.
assert(2 * PING_MS <= PING_NOTICED_MS);
