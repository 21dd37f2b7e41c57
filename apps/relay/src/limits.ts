// The bounds of the relay.
import { strict as assert } from 'node:assert';
import {
  BULK_CONNECTIONS_MAX,
  REACH_ANSWER_MS_MAX,
  RELAY_CONNECTIONS_MAX,
  STREAMS_PER_CONNECTION_MAX,
} from '#peer-link';

const KiB = 1024;
const MiB = 1024 * KiB;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

// Connections
export const PEERS_MAX = 4_096;
/** Of whoever reaches peers. */
export const CLIENT_CONNECTIONS_MAX = 4_096;
/** Connections that have shown no certificate yet. */
export const HANDSHAKES_MAX = 1_024;
export const HANDSHAKE_MS_MAX = 10 * SECOND_MS;
/** Of one peer: its control and bulk connections, and those that take the place of dead ones. */
export const CONNECTIONS_PER_PEER_MAX = 2 * (1 + BULK_CONNECTIONS_MAX);
export const CONNECTIONS_PER_CLIENT_MAX = RELAY_CONNECTIONS_MAX;
/** A client's connection without a stream. */
export const IDLE_CLIENT_MS_MAX = 2 * MINUTE_MS;

// Attachments
/** How long before its end the next lease is asked for: a part of the life that is left, and no more often than this. */
export const LEASE_ASK_MS_MIN = 30 * SECOND_MS;
export const LEASE_LIFE_ASKED_AT = 0.5;
/** A bulk connection without a stream for so long is let go, so that an idle peer costs one connection. */
export const IDLE_BULK_MS_MAX = MINUTE_MS;
/** With so many streams on each bulk connection another one is asked for. */
export const STREAMS_BEFORE_MORE = 8;
/** How long a peer has to open the bulk connection that it was asked for, and clients that wait for it. */
export const BULK_MS_MAX = 10 * SECOND_MS;
export const BULK_WAITERS_MAX = STREAMS_PER_CONNECTION_MAX * BULK_CONNECTIONS_MAX;
/** How long the peer has to answer a stream. */
export const PEER_ANSWER_MS_MAX = 10 * SECOND_MS;

// Streams
export const TUNNELS_MAX = 4_096;
/** How much of one direction of a stream is handed on and not taken yet, before the relay stops to read. */
export const HANDED_ON_BYTES_MAX = MiB;
export const HANDED_ON_BYTES_LOW = MiB / 2;
/** Held of all streams and visits together: what came and is not taken by the other side. Above it those that stall longest end. */
export const HELD_BYTES_MAX = 512 * MiB;
/** Nothing is taken of what is held for so long: the stream ends. */
export const STALL_MS_MAX = MINUTE_MS;
/** Nothing moves in either direction for so long: the stream ends. */
export const IDLE_TUNNEL_MS_MAX = 5 * MINUTE_MS;
export const WATCH_MS = 2 * SECOND_MS;

// Leases
export const LEASES_MAX = 65_536;
/** What a lease may move at once after a pause, as a time at its rate, and at least. */
export const BURST_SECONDS = 0.25;
export const BURST_BYTES_MIN = 256 * KiB;
/**
 * Streams that a lease may open at once after a pause, and then each second. One that its client resets is a reset on a
 * connection of the peer, and nghttp2 ends a connection with more of them than 1,000 at once and 33 a second.
 */
export const OPENINGS_BURST = 64;
export const OPENINGS_PER_SECOND = 16;

// Broker link
export const PRESENCE_FIRST_MS = SECOND_MS;
export const PRESENCE_MS_MIN = SECOND_MS;
export const PRESENCE_MS_MAX = 60 * MINUTE_MS;
export const BACKOFF_MS_MIN = SECOND_MS;
export const BACKOFF_MS_MAX = MINUTE_MS;
export const USAGE_MS = 15 * SECOND_MS;
export const NETWORK_LOOK_MS = MINUTE_MS;
export const RENEWAL_CHECK_MS = 10 * MINUTE_MS;

/** How long a stopping relay waits for streams to end, and for the broker to take what is left. */
export const STOP_TUNNELS_MS_MAX = 20 * SECOND_MS;
export const STOP_BROKER_MS_MAX = 5 * SECOND_MS;

// Whoever waits for a stream has not given up when the relay has its answer.
assert(BULK_MS_MAX + PEER_ANSWER_MS_MAX < REACH_ANSWER_MS_MAX);
// A frame of HTTP/2 always fits the burst of a lease.
assert(BURST_BYTES_MIN >= 16 * KiB);
assert(HANDED_ON_BYTES_LOW < HANDED_ON_BYTES_MAX);
