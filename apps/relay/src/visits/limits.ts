// The bounds of visits: what browsers that come for a peer's pages may take of this relay.
import { STREAMS_PER_CONNECTION_MAX } from '#peer-link';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

export const VISITOR_CONNECTIONS_MAX = 2_048;
/** Of one address, or of one IPv6 network of 64 bits; a browser has up to 6 for one host, and several may share an address. */
export const VISITOR_CONNECTIONS_PER_NETWORK_MAX = 64;
/** Of one browser's connection by HTTP/2. */
export const VISITOR_STREAMS_MAX = 32;
export const VISITOR_HEADERS_MS_MAX = 10 * SECOND_MS;
/** How often connections by HTTP/1.1 are looked through for requests that take too long. */
export const VISITOR_CHECK_MS = 5 * SECOND_MS;
export const VISITOR_REQUEST_MS_MAX = 5 * MINUTE_MS;
export const VISITOR_KEEP_ALIVE_MS = 30 * SECOND_MS;
export const VISITOR_IDLE_MS_MAX = 2 * MINUTE_MS;
export const VISITOR_HEADER_BYTES_MAX = 12 * 1024;

/** Requests under way, of all visitors and of those of one peer: its clients' streams need room beside them. */
export const VISITS_MAX = 2_048;
export const VISITS_PER_PEER_MAX = STREAMS_PER_CONNECTION_MAX;
/** What a visitor may send with one request; a WebSocket has no such end. */
export const VISIT_BODY_BYTES_MAX = 64 * 1024 * 1024;
/** How long the peer may take to begin its answer: it may have to fetch a file from its hosts first. */
export const VISIT_ANSWER_MS_MAX = MINUTE_MS;
/** Nothing moves in either direction for so long: the visit ends. */
export const VISIT_IDLE_MS_MAX = 2 * MINUTE_MS;
export const VISIT_STALL_MS_MAX = MINUTE_MS;
