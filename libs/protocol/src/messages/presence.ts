// Presence: a peer says that it is there and what it offers; the broker says what time it is and what is due.
import { z } from 'zod';
import { HOME_RUN_ID_BYTES, RECEIPT_RESULT_CHARS_MAX, WITHDRAWN_CLIENTS_MAX } from '../limits.js';
import { creditField } from './credit.js';
import {
  accountIdField,
  bytesCountField,
  bytesField,
  peerAddressField,
  peerIdField,
  peerNameField,
  regionField,
  timeField,
} from './fields.js';
import { appendOnlyField, peerStateField, stateChangeField } from './peers.js';

/**
 * What a host offers. `shareBytes` is donated, `usedBytes` of it hold shards, `freeBytes` can still be taken. `region`:
 * where it says that it stands; absent, it does not say.
 */
export const hostOffer = z.strictObject({
  listenPort: z.int().min(1).max(65_535),
  shareBytes: bytesCountField,
  usedBytes: bytesCountField,
  freeBytes: bytesCountField,
  region: regionField.optional(),
  /** The relay that it is attached to. */
  relayId: peerIdField.optional(),
});
export type HostOffer = z.infer<typeof hostOffer>;

const runIdField = bytesField(HOME_RUN_ID_BYTES);
const epochField = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER - 1);

/**
 * Which run of its home a host is: the epoch and run that were acknowledged last (none at first), and the run that it
 * wants to be acknowledged as. `restored`: its owner knows that it is an older copy, and has accepted what that costs.
 */
export const homeRun = z.strictObject({
  epoch: epochField,
  runId: runIdField,
  previousRunId: runIdField.nullable(),
  restored: z.boolean(),
});
export type HomeRun = z.infer<typeof homeRun>;

/** `POST /v1/presence`. `host` is null for a peer that stores nothing for others (or is leaving for the night). */
export const presenceRequest = z.strictObject({
  host: hostOffer.nullable(),
  program: z.string().max(64),
  /** With every offer of a host that was acknowledged before. */
  home: homeRun.nullable().optional(),
});
export type PresenceRequest = z.infer<typeof presenceRequest>;

/**
 * Tokens that a host refuses although they are authentic: those of clients that were suspended or revoked while tokens
 * of theirs may live, and, where those are too many to name, all that were issued before a time.
 */
export const withdrawnTokens = z.strictObject({
  clients: z.array(peerIdField).max(WITHDRAWN_CLIENTS_MAX),
  issuedBefore: timeField.nullable(),
});
export type WithdrawnTokens = z.infer<typeof withdrawnTokens>;

/** Whether the broker's probes reach this host, and why not; `reachable` is null for a peer that is not probed. */
const reachability = {
  reachable: z.boolean().nullable().default(null),
  unreachableReason: z.string().max(RECEIPT_RESULT_CHARS_MAX).nullable().default(null),
};

export const presenceAnswer = z.strictObject({
  time: timeField,
  nextPresenceMs: z.int().min(1),
  address: peerAddressField.nullable(),
  renewCertificate: z.boolean(),
  renewTransactionKey: z.boolean(),
  /** Of the run that was shown; null when none was. */
  epoch: epochField.nullable().default(null),
  withdrawn: withdrawnTokens.default({ clients: [], issuedBefore: null }),
  ...reachability,
  /** Of a host that is attached to a relay: is it reached without it, too? Null while nobody tried. */
  direct: z.boolean().nullable().default(null),
});
export type PresenceAnswer = z.infer<typeof presenceAnswer>;

/** `GET /v1/peers/me` */
export const peerStatusAnswer = z.strictObject({
  peerId: peerIdField,
  accountId: accountIdField,
  name: peerNameField,
  /** Its name among all peers, by which visitors find it. */
  publicName: peerNameField.nullable().default(null),
  online: z.boolean(),
  ...reachability,
  state: peerStateField.default('active'),
  stateChange: stateChangeField.default(null),
  storedShards: z.int(),
  storedBytes: bytesCountField,
  renewCertificate: z.boolean().default(false),
  renewTransactionKey: z.boolean().default(false),
  appendOnly: appendOnlyField,
  credit: creditField,
});
export type PeerStatusAnswer = z.infer<typeof peerStatusAnswer>;
