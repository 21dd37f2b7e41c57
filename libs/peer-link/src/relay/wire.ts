// What peers, relays and clients say to each other on connections to a relay (SPEC §13.3 to §13.5).
import { z } from 'zod';
import { type ErrorCode, isErrorCode, leaseField, peerIdField } from '#protocol';
import { BULK_CONNECTIONS_MAX } from '../limits.js';

/** In a CONNECT of a client: its reach lease. */
export const LEASE_HEADER = 'peerkeep-lease';
/** In a CONNECT of the relay: who wants to reach the peer, a peer id or `broker`. Told, not proven: the TLS inside proves. */
export const FROM_HEADER = 'peerkeep-from';
/** In every refusal: its stable code. */
export const CODE_HEADER = 'peerkeep-code';

/** `POST /attachment`, the first thing that a relay asks on a new connection, and again before the lease ends. */
export const ATTACHMENT_PATH = '/attachment';
export const attachmentRequest = z.strictObject({ relayId: peerIdField });
export type AttachmentRequest = z.infer<typeof attachmentRequest>;

/** A peer keeps one `control` connection open; `bulk` ones carry the streams and come when the relay asks for them. */
export const attachmentAnswer = z.strictObject({ lease: leaseField, role: z.enum(['control', 'bulk']) });
export type AttachmentAnswer = z.infer<typeof attachmentAnswer>;
export type AttachmentRole = AttachmentAnswer['role'];

/**
 * `POST /bulk`, on the control connection: the peer is to open so many more bulk connections now. It answers `{}` before
 * it dials; it opens none above BULK_CONNECTIONS_MAX. The relay closes (GOAWAY) those that were idle for a while.
 */
export const BULK_PATH = '/bulk';
export const bulkRequest = z.strictObject({ connections: z.int().min(1).max(BULK_CONNECTIONS_MAX) });
export type BulkRequest = z.infer<typeof bulkRequest>;

/** The code of a refusal by its header; `otherwise` where it is none that we know. */
export function codeOfHeader(text: unknown, otherwise: ErrorCode): ErrorCode {
  return isErrorCode(text) ? text : otherwise;
}
