// Every bound of the agent's pages.
import { SHARE_HEAD_BYTES, SHARE_PIECE_BYTES } from '#protocol';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

// The listener on this machine
export const WEB_CONNECTIONS_MAX = 64;
export const WEB_HEADER_BYTES_MAX = 16 * 1024;
export const WEB_HEADERS_MS_MAX = 10 * SECOND_MS;
export const WEB_REQUEST_MS_MAX = 30 * SECOND_MS;
export const WEB_KEEP_ALIVE_MS = 30 * SECOND_MS;

// Requests, of this machine and of relays together
export const WEB_REQUESTS_MAX = 64;
export const WEB_BODY_BYTES_MAX = 4 * 1024;
/** Bytes go out in slices, so that a slow reader shows its progress; who takes nothing for so long is cut off. */
export const WEB_SLICE_BYTES = 64 * 1024;
export const WEB_STALL_MS = MINUTE_MS;

// The owner's sessions
export const SIGN_IN_CODE_LIFE_MS = 10 * MINUTE_MS;
export const SESSION_LIFE_MS = 12 * 60 * MINUTE_MS;
/** A new one beyond these ends the oldest: the owner is never shut out. */
export const SESSIONS_MAX = 16;
export const EVENT_STREAMS_MAX = 8;
export const EVENT_INTERVAL_MS = 2 * SECOND_MS;

// Looking into snapshots: the engine stays open for so long after the last look.
export const VIEW_IDLE_MS = MINUTE_MS;
export const VIEW_FILES_MAX = 4;
export const VIEW_ENTRIES_MAX = 5_000;

// Downloads of shares: one that was counted may be fetched, and fetched on after a break, for so long, and no more than
// twice its bytes.
export const TICKET_LIFE_MS = 60 * MINUTE_MS;
export const TICKETS_MAX = 1_024;
export const TICKET_BYTES_FACTOR = 2;
export const TICKET_BYTES_EXTRA = SHARE_HEAD_BYTES + SHARE_PIECE_BYTES;
