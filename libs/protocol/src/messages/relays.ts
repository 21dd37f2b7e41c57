// Relays: they say that they are there and what they carried; peers are given one; a name tells which one serves a peer.
import { z } from 'zod';
import { PROGRAM_CHARS_MAX, RELAY_USAGE_ITEMS_MAX, RELAYS_AVOIDED_MAX } from '../limits.js';
import {
  bytesCountField,
  ipField,
  leaseField,
  leaseIdField,
  peerIdField,
  peerNameField,
  portField,
  regionField,
  timeField,
} from './fields.js';

/** As many as a column of 32 bits holds, with a sign. */
const countField = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);

/**
 * `POST /v1/relays/presence`, from relays alone. `address` and `port`: where peers and clients reach it, `webPort` where
 * browsers do. `peersMax`: how many it takes. `isEnding`: it takes no more, and its peers should move.
 */
export const relayPresenceRequest = z.strictObject({
  program: z.string().max(PROGRAM_CHARS_MAX),
  address: ipField,
  port: portField,
  webPort: portField.nullable(),
  /** Where it says that it stands; absent, it does not say. */
  region: regionField.optional(),
  peers: countField,
  peersMax: countField.min(1),
  streams: countField,
  /** Carried since the last presence, by second. */
  bytesPerSecond: bytesCountField,
  isEnding: z.boolean(),
});
export type RelayPresenceRequest = z.infer<typeof relayPresenceRequest>;

export const relayPresenceAnswer = z.strictObject({
  time: timeField,
  nextPresenceMs: z.int().min(1),
  renewCertificate: z.boolean(),
  renewTransactionKey: z.boolean(),
  /** It takes no new peers: an operator drains it. */
  isDrained: z.boolean(),
});
export type RelayPresenceAnswer = z.infer<typeof relayPresenceAnswer>;

/** `POST /v1/relays/usage`: all bytes that each lease has moved so far, so that saying it twice changes nothing. */
export const relayUsageRequest = z.strictObject({
  items: z.array(z.strictObject({ lease: leaseField, bytes: bytesCountField })).max(RELAY_USAGE_ITEMS_MAX),
});
export type RelayUsageRequest = z.infer<typeof relayUsageRequest>;

/** `refused`: of leases that the broker did not give out for this relay. */
export const relayUsageAnswer = z.strictObject({ taken: countField, refused: z.array(leaseIdField) });
export type RelayUsageAnswer = z.infer<typeof relayUsageAnswer>;

/** `POST /v1/relay-attachments`: which relay this peer should attach itself to. `avoid`: those that just failed it. */
export const relayAttachmentRequest = z.strictObject({
  avoid: z.array(peerIdField).max(RELAYS_AVOIDED_MAX),
  /** The one that it is attached to now and wants to stay with; a new lease for it, while it is well. */
  stayWith: peerIdField.nullable(),
  /** It lets visitors' browsers in. */
  web: z.boolean(),
});
export type RelayAttachmentRequest = z.infer<typeof relayAttachmentRequest>;

export const relayAttachmentAnswer = z.strictObject({
  relayId: peerIdField,
  address: ipField,
  port: portField,
  lease: leaseField,
  expiresAt: timeField,
});
export type RelayAttachmentAnswer = z.infer<typeof relayAttachmentAnswer>;

/** `GET /v1/names/{name}`, for anyone. `url` and `relay` are null while no relay serves the peer. */
export const nameAnswer = z.strictObject({
  name: peerNameField,
  peerId: peerIdField,
  url: z.string().nullable(),
  relay: z.strictObject({ address: ipField, port: portField }).nullable(),
});
export type NameAnswer = z.infer<typeof nameAnswer>;
