// How large the windows of HTTP/2 are on every connection to and from a relay: the same for relay, peers and clients.
// With Node's 64 KiB a stream moves 0.5 MiB a second over a line of 80 ms.
import { strict as assert } from 'node:assert';
import type { Http2Session, SessionOptions } from 'node:http2';
import { STREAMS_PER_CONNECTION_MAX } from '../limits.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** What may be on its way in one stream, and waits at its other end when that end does not read. */
export const STREAM_WINDOW_BYTES = 4 * MiB;
/** What may be on its way in all streams of a connection; Node gives it back as soon as it arrived. */
export const SESSION_WINDOW_BYTES = 16 * MiB;
/** Node refuses new streams above it: in units of a million bytes. */
const SESSION_MEMORY_MB = (STREAMS_PER_CONNECTION_MAX * STREAM_WINDOW_BYTES) / 1_000_000;
const HEADERS_BYTES_MAX = 16 * KiB;

/** For http2.createServer and http2.connect alike. Leases and tokens are different each time: no table of headers. */
export const TUNNEL_OPTIONS: SessionOptions = {
  maxSessionMemory: SESSION_MEMORY_MB,
  maxDeflateDynamicTableSize: 0,
  peerMaxConcurrentStreams: STREAMS_PER_CONNECTION_MAX,
  settings: {
    initialWindowSize: STREAM_WINDOW_BYTES,
    maxConcurrentStreams: STREAMS_PER_CONNECTION_MAX,
    maxHeaderListSize: HEADERS_BYTES_MAX,
    headerTableSize: 0,
    enablePush: false,
  },
};

/** To be called on each session as soon as it stands. */
export function widen(session: Http2Session): void {
  session.setLocalWindowSize(SESSION_WINDOW_BYTES);
}

// What the whole network goes by: a stream at 80 ms moves 50 MiB a second, and a stalled one leaves the others room.
assert(STREAM_WINDOW_BYTES >= 4 * MiB);
assert(SESSION_WINDOW_BYTES >= 4 * STREAM_WINDOW_BYTES);
