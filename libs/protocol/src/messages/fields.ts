// The fields that messages share, each parsed once, here, into a type that cannot be wrong.
import { z } from 'zod';
import { base64urlLength } from '../bytes.js';
import {
  type AccountId,
  type GroupId,
  isUuidV7,
  type ObjectId,
  type PeerId,
  type Requester,
  type TaskId,
  type TransactionId,
} from '../ids.js';
import { PEER_NAME_CHARS_MAX, SHARD_BYTES_MAX, SHARDS_PER_OBJECT_MAX } from '../limits.js';
import { parseTime } from '../time.js';

declare const brand: unique symbol;

/** Text of a content id: base64url of the 32-byte Merkle root of a shard (SPEC §6). */
export type ContentId = string & { readonly [brand]: 'ContentId' };

/** A schema whose output carries a brand that its input lacks; the check is the schema's own. */
const branded = <T extends string>(schema: z.ZodType<string, string>): z.ZodType<T, string> =>
  schema as unknown as z.ZodType<T, string>;

const uuidV7Text = z
  .string()
  .refine(isUuidV7, 'not a UUIDv7')
  .meta({ format: 'uuid', description: 'UUIDv7, lower case' });

export const peerIdField = branded<PeerId>(uuidV7Text);
export const accountIdField = branded<AccountId>(uuidV7Text);
export const transactionIdField = branded<TransactionId>(uuidV7Text);
export const objectIdField = branded<ObjectId>(uuidV7Text);
export const groupIdField = branded<GroupId>(uuidV7Text);
export const taskIdField = branded<TaskId>(uuidV7Text);
export const requesterField: z.ZodType<Requester, string> = z.union([z.literal('broker'), peerIdField]);

/** base64url of exactly `bytes` bytes, canonical text only. */
export const bytesField = (bytes: number): z.ZodType<string, string> =>
  z.string().refine((text) => base64urlLength(text) === bytes, `not the base64url of ${bytes} bytes`);

/** base64url of 1 to `bytesMax` bytes, canonical text only. */
export const bytesUpToField = (bytesMax: number): z.ZodType<string, string> =>
  z
    .string()
    .max(Math.ceil((bytesMax * 4) / 3))
    .refine((text) => (base64urlLength(text) ?? 0) > 0, `not the base64url of 1 to ${bytesMax} bytes`);

export const contentIdField = branded<ContentId>(bytesField(32));

/** RFC 3339, UTC, milliseconds. */
export const timeField = z
  .string()
  .refine((text) => parseTime(text) !== null, 'not an RFC 3339 time in UTC with milliseconds')
  .meta({ format: 'date-time' });

export const bytesCountField = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
export const shardSizeField = z.int().min(1).max(SHARD_BYTES_MAX);
export const shardIndexField = z
  .int()
  .min(0)
  .max(SHARDS_PER_OBJECT_MAX - 1);
export const shardCountField = z.int().min(1).max(SHARDS_PER_OBJECT_MAX);

/** One DNS label: what a person calls a machine, and what may become its host name (RFC 1123 §2.1). */
export const peerNameField = z
  .string()
  .min(1)
  .max(PEER_NAME_CHARS_MAX)
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);

export const peerAddressField = z.strictObject({
  peerId: peerIdField,
  address: z.union([z.ipv4(), z.ipv6()]),
  port: z.int().min(1).max(65_535),
});
/** Where a peer is reached, as the broker saw it connect; never an address that it merely claimed. */
export type PeerAddress = z.infer<typeof peerAddressField>;

/** Amounts of credit are bytes in decimal, because they may pass 2^53. */
export const amountField = z.string().regex(/^(?:0|[1-9]\d{0,18})$/);

/** The name of a durability class: how safely, and for how much credit, an object is kept. */
export const durabilityField = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);

/** Where a host says that it stands, as its operator names it: `eu`, `de-berlin`. */
export const regionField = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
