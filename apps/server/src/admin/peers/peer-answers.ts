// What the admin interface tells about peers.
import { z } from 'zod';
import { accountIdField, changedByField, listedPeer, peerStateField, stateCodeField, timeField } from '#protocol';
import { pageFields, pageOf } from '../paging/page-query.js';

export const peersQuery = z.strictObject({
  account: accountIdField.optional(),
  state: listedPeer.shape.state.optional(),
  name: z.string().max(64).optional(),
  /** Beginning of the address, to the end of one of its numbers: `10.1.2`, `2001:db8:1`. Needs the role that is told addresses. */
  network: z
    .string()
    .regex(/^[0-9a-f]{1,4}(?:[.:][0-9a-f]{1,4}){0,6}$/)
    .optional(),
  /** Only those that store for others, or only those that do not. */
  isHost: z.enum(['true', 'false']).optional(),
  ...pageFields,
});
export type PeersQuery = z.infer<typeof peersQuery>;

const bytes = z.int().min(0).nullable();

export const knownPeer = listedPeer.extend({
  accountId: accountIdField,
  certificateExpiresAt: timeField,
  /** It stores for others, and said so lately. */
  isOnline: z.boolean(),
  /** What it said about its disk last; null for a peer that stores nothing for others. */
  shareBytes: bytes,
  usedBytes: bytes,
  freeBytes: bytes,
});
export type KnownPeerAnswer = z.infer<typeof knownPeer>;
export const peerPage = pageOf(knownPeer);

/** Keys of a peer by their public names; no answer holds a key. */
export const peerFacts = knownPeer.extend({
  /** Where others reach it; null without one, and for a viewer. */
  address: z.string().nullable(),
  keys: z.array(
    z.strictObject({
      kid: z.string(),
      state: z.enum(['pending', 'current', 'previous']),
      createdAt: timeField,
      acceptedUntil: timeField.nullable(),
      transactions: z.int().min(0),
      renewalAskedAt: timeField.nullable(),
    }),
  ),
  storedShards: z.int().min(0),
  storedBytes: z.string(),
});
export type PeerFacts = z.infer<typeof peerFacts>;

export const stateChangesQuery = z.strictObject(pageFields);
export type StateChangesQuery = z.infer<typeof stateChangesQuery>;

export const keptStateChange = z.strictObject({
  /** Rises with every change of any peer's state. */
  revision: z.int().min(1),
  from: peerStateField,
  to: peerStateField,
  by: changedByField,
  code: stateCodeField,
  reason: z.string(),
  at: timeField,
});
export type KeptStateChange = z.infer<typeof keptStateChange>;
export const stateChangePage = pageOf(keptStateChange);
