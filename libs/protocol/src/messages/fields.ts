// The fields that messages share, each parsed once, here, into a type that cannot be wrong.
import { z } from 'zod';
import { base64urlLength } from '../bytes.js';
import {
  type AccountId,
  type GroupId,
  isUuidV7,
  type LeaseId,
  type ObjectId,
  type PeerId,
  type Requester,
  type TaskId,
  type TransactionId,
} from '../ids.js';
import {
  LAN_TASK_ID_BYTES,
  PEER_NAME_CHARS_MAX,
  SHARD_BYTES_MAX,
  SHARDS_PER_OBJECT_MAX,
  STATEMENT_TEXT_BYTES_MAX,
} from '../limits.js';
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
export const leaseIdField = branded<LeaseId>(uuidV7Text);
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

export const ipField = z.union([z.ipv4(), z.ipv6()]);
export const portField = z.int().min(1).max(65_535);

/** A JWS of the broker, in compact form; what it says is read by statement/. */
export const statementField = z.string().max(STATEMENT_TEXT_BYTES_MAX);
export const leaseField = statementField;

/** The id of a task on a local network: random, of its requester. */
export const lanTaskIdField = bytesField(LAN_TASK_ID_BYTES);

/** `address:port`, with brackets around an IPv6 address; one text for one place. */
export const aliasField = z
  .string()
  .max(64)
  .refine((text) => parseAlias(text) !== null, 'not address:port');

/** Null for what is no alias, or is one in another text than formatAlias gives. */
export function parseAlias(text: string): { address: string; port: number } | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):([1-9]\d{0,4})$/.exec(text);
  const port = Number(match?.[3]);
  const v6 = z.ipv6().safeParse(match?.[1]);
  const v4 = z.ipv4().safeParse(match?.[2]);
  if (match === null || port > 65_535) return null;
  if (v4.success) return { address: v4.data, port };
  return v6.success ? { address: v6.data, port } : null;
}

export function formatAlias({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The way to a peer through the relay that it is attached to. */
export const relayWayField = z.strictObject({
  relayId: peerIdField,
  address: ipField,
  port: portField,
  /** For whoever is told this, to be shown to the relay (SPEC §13.2). */
  lease: leaseField,
  /** The peer is not reached where it connects from, as far as the broker knows. */
  isOnlyWay: z.boolean(),
});
export type RelayWay = z.infer<typeof relayWayField>;

export const peerAddressField = z.strictObject({
  peerId: peerIdField,
  address: ipField,
  port: portField,
  relay: relayWayField.optional(),
});
/** Where a peer is reached, as the broker saw it connect, and through which relay; never an address that it merely claimed. */
export type PeerAddress = z.infer<typeof peerAddressField>;

/** Amounts of credit are bytes in decimal, because they may pass 2^53. */
export const amountField = z.string().regex(/^(?:0|[1-9]\d{0,18})$/);

/** The name of a durability class: how safely, and for how much credit, an object is kept. */
export const durabilityField = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);

/** Where a host says that it stands, as its operator names it: `eu`, `de-berlin`. */
export const regionField = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
