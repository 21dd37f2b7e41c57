// The machines of an account as their owner sees them, and how one of them is shut out for good.
import { z } from 'zod';
import { PEERS_PER_PAGE_MAX, REASON_CHARS_MAX } from '../limits.js';
import { peerIdField, peerNameField, timeField } from './fields.js';

/** `active` <-> `suspended`; `revoked` is final, from either. */
export const peerStateField = z.enum(['active', 'suspended', 'revoked']);
export type PeerState = z.infer<typeof peerStateField>;

/** Who changed a state: a person of the account, or the operator of the broker. */
export const changedByField = z.enum(['owner', 'operator']);
export type ChangedBy = z.infer<typeof changedByField>;

/** What a person wrote, on one line. */
export const reasonField = z
  .string()
  .max(REASON_CHARS_MAX)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u);

/** The peer deletes nothing, and takes no part in deletions of groups, until a person of its account allows it again. */
export const appendOnlyField = z.boolean().default(false);

/** `GET /v1/peers` */
export const listPeersQuery = z.strictObject({
  after: peerIdField.optional(),
  limit: z.coerce.number().int().min(1).max(PEERS_PER_PAGE_MAX).optional(),
});
export type ListPeersQuery = z.infer<typeof listPeersQuery>;

export const listedPeer = z.strictObject({
  peerId: peerIdField,
  name: peerNameField,
  state: peerStateField,
  /** Of the last change of the state; null for a peer that was never anything but active. */
  stateChange: z.strictObject({ at: timeField, by: changedByField, reason: reasonField }).nullable(),
  enrolledAt: timeField,
  /** When it last said that it is there. */
  seenAt: timeField.nullable(),
  appendOnly: appendOnlyField,
});
export type ListedPeer = z.infer<typeof listedPeer>;

export const listPeersAnswer = z.strictObject({ peers: z.array(listedPeer), next: peerIdField.nullable() });
export type ListPeersAnswer = z.infer<typeof listPeersAnswer>;

/** `POST /v1/peers/{peerId}/revoke`, by another peer of the same account; the answer is the peer as it is then. */
export const revokePeerRequest = z.strictObject({ reason: reasonField });
export type RevokePeerRequest = z.infer<typeof revokePeerRequest>;

/**
 * `POST /v1/peers/{peerId}/append-only`, by any peer of the same account, also for itself; the answer is the peer as it
 * is then. No message takes it back: a person does, signed in.
 */
export const setAppendOnlyRequest = z.strictObject({});
export type SetAppendOnlyRequest = z.infer<typeof setAppendOnlyRequest>;
