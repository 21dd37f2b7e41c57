// What a machine keeps of its network, so that it can check relays and neighbours while the broker is away (SPEC §13.1, §14.1).
import { z } from 'zod';
import { KEY_BYTES, LAN_KEYS_MAX, SIGNING_KEYS_MAX } from '../limits.js';
import { signingKey } from '../statement/broker-statement.js';
import { bytesField, peerNameField, timeField } from './fields.js';

/** The key under which the peers of a domain speak on a local network, from `from` until `until`. */
export const lanKey = z.strictObject({
  epoch: z.int().min(0).max(0xffff_ffff),
  key: bytesField(KEY_BYTES),
  from: timeField,
  until: timeField,
});
export type LanKey = z.infer<typeof lanKey>;

/** `GET /v1/network`: the broker's public signing keys, the newest of each use first, and the LAN keys of now and next. */
export const networkAnswer = z.strictObject({
  time: timeField,
  signingKeys: z.array(signingKey).max(SIGNING_KEYS_MAX),
  lanKeys: z.array(lanKey).max(LAN_KEYS_MAX),
  /** The name of this peer among all, and the domain under which relays serve names; null where there is none. */
  publicName: peerNameField.nullable(),
  relayDomain: z.string().max(253).nullable(),
});
export type NetworkAnswer = z.infer<typeof networkAnswer>;
