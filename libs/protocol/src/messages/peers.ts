// The machines of an account as their owner sees them, and how one of them is shut out for good.
import { z } from 'zod';
import { PEERS_PER_PAGE_MAX, REASON_CHARS_MAX } from '../limits.js';
import { peerIdField, peerNameField, timeField } from './fields.js';

/**
 * `vetting`: on probation, with few shards of each object; `active`: a host like any other; `leaving`: gets no new shards, and
 * those it has are moved away; `gone`: holds nothing for others any more; `suspended`: refused until it is resumed;
 * `revoked`: shut out, which is final.
 */
export const peerStateField = z.enum(['vetting', 'active', 'leaving', 'suspended', 'gone', 'revoked']);
export type PeerState = z.infer<typeof peerStateField>;

/** Who changed a state: a person of the account, the operator of the broker, or the broker by its policy. */
export const changedByField = z.enum(['owner', 'operator', 'broker']);
export type ChangedBy = z.infer<typeof changedByField>;

/** Why a state changed. What a person wrote about it stands beside it. */
export const stateCodeField = z.enum([
  'owner_asked',
  'operator_asked',
  'probation_ended',
  'nothing_held',
  'audits_failed',
]);
export type StateCode = z.infer<typeof stateCodeField>;

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

export const stateChangeField = z
  .strictObject({ at: timeField, by: changedByField, code: stateCodeField, reason: reasonField })
  .nullable();
export type ListedStateChange = z.infer<typeof stateChangeField>;

export const listedPeer = z.strictObject({
  peerId: peerIdField,
  name: peerNameField,
  state: peerStateField,
  /** The last change of the state; null for a peer that is as it was when it enrolled. */
  stateChange: stateChangeField,
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
 * `POST /v1/peers/{peerId}/leave` and `.../stay`, by any peer of the same account, also for itself; the answer is the peer as
 * it is then. It gets no new shards, those it has are moved away, and it is gone when it holds none.
 */
export const leavePeerRequest = z.strictObject({ reason: reasonField });
export type LeavePeerRequest = z.infer<typeof leavePeerRequest>;

/**
 * `POST /v1/peers/{peerId}/append-only`, by any peer of the same account, also for itself; the answer is the peer as it
 * is then. No message takes it back: a person does, signed in.
 */
export const setAppendOnlyRequest = z.strictObject({});
export type SetAppendOnlyRequest = z.infer<typeof setAppendOnlyRequest>;
