// What the admin interface tells about relays.
import { z } from 'zod';
import { accountIdField, peerIdField, peerNameField, peerStateField, regionField, timeField } from '#protocol';
import { pageFields, pageOf } from '../paging/page-query.js';

export const relaysQuery = z.strictObject({ account: accountIdField.optional(), ...pageFields });
export type RelaysQuery = z.infer<typeof relaysQuery>;

const count = z.int().min(0);

/** A relay as it told of itself last; relays that never did are peers like any others. */
export const listedRelay = z.strictObject({
  relayId: peerIdField,
  name: peerNameField,
  accountId: accountIdField,
  state: peerStateField,
  /** It said lately that it is there. */
  isOnline: z.boolean(),
  /** It stops, and its peers should move. */
  isEnding: z.boolean(),
  /** Since when it gets no new peers, by an operator's wish. */
  drainedAt: timeField.nullable(),
  drainReason: z.string().nullable(),
  /** Where peers and clients reach it, and on which port browsers do. */
  address: z.string(),
  port: z.int(),
  webPort: z.int().nullable(),
  region: regionField.nullable(),
  program: z.string(),
  peers: count,
  peersMax: count,
  /** Hosts that are there and said that they are attached to it. */
  hosts: count,
  streams: count,
  bytesPerSecond: count,
  /** What was booked for it in all, as a decimal. */
  carriedBytes: z.string(),
  seenAt: timeField,
});
export type ListedRelay = z.infer<typeof listedRelay>;
export const relayPage = pageOf(listedRelay);
