// Presence: a peer says that it is there and what it offers; the broker says what time it is and what is due.
import { z } from 'zod';
import { accountIdField, bytesCountField, peerAddressField, peerIdField, peerNameField, timeField } from './fields.js';

/** What a host offers. `shareBytes` is donated, `usedBytes` of it hold shards, `freeBytes` can still be taken. */
export const hostOffer = z.strictObject({
  listenPort: z.int().min(1).max(65_535),
  shareBytes: bytesCountField,
  usedBytes: bytesCountField,
  freeBytes: bytesCountField,
});
export type HostOffer = z.infer<typeof hostOffer>;

/** `POST /v1/presence`. `host` is null for a peer that stores nothing for others (or is leaving for the night). */
export const presenceRequest = z.strictObject({
  host: hostOffer.nullable(),
  program: z.string().max(64),
});
export type PresenceRequest = z.infer<typeof presenceRequest>;

export const presenceAnswer = z.strictObject({
  time: timeField,
  nextPresenceMs: z.int().min(1),
  address: peerAddressField.nullable(),
  renewCertificate: z.boolean(),
  renewTransactionKey: z.boolean(),
});
export type PresenceAnswer = z.infer<typeof presenceAnswer>;

/** Amounts of credit are bytes in decimal, because they may pass 2^53. */
export const amountField = z.string().regex(/^(?:0|[1-9]\d{0,18})$/);

/** `GET /v1/peers/me` */
export const peerStatusAnswer = z.strictObject({
  peerId: peerIdField,
  accountId: accountIdField,
  name: peerNameField,
  online: z.boolean(),
  storedShards: z.int(),
  storedBytes: bytesCountField,
  credit: z.strictObject({ available: amountField, reserved: amountField, earned: amountField }),
});
export type PeerStatusAnswer = z.infer<typeof peerStatusAnswer>;
