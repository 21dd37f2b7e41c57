// Transactions: a client asks, the broker decides and answers with tokens; afterwards both ends report.
import { z } from 'zod';
import {
  BATCH_ITEMS_MAX,
  BATCH_RECEIPT_TEXT_BYTES_MAX,
  BATCH_TOKEN_TEXT_BYTES_MAX,
  DELETED_OBJECTS_MAX,
  OBJECT_BYTES_MAX,
  OBJECTS_PER_PAGE_MAX,
  OBJECTS_PER_REQUEST_MAX,
  REFUSALS_PER_REPORT_MAX,
  REPORTS_PER_REQUEST_MAX,
  SHARDS_PER_OBJECT_MAX,
  TOKEN_LIFE_LONG_MS_MAX,
  TOKEN_TEXT_BYTES_MAX,
  TOKEN_USES_MAX,
} from '../limits.js';
import {
  bytesCountField,
  contentIdField,
  durabilityField,
  objectIdField,
  peerAddressField,
  peerIdField,
  shardCountField,
  shardIndexField,
  shardSizeField,
  timeField,
  transactionIdField,
} from './fields.js';
import { hostWishes } from './redundancy.js';

export const OBJECT_KINDS = ['data', 'tree', 'index', 'snapshot', 'notice'] as const;
export const objectKindField = z.enum(OBJECT_KINDS);
export type ObjectKind = z.infer<typeof objectKindField>;

export const tokenField = z.string().max(TOKEN_TEXT_BYTES_MAX);
export const batchTokenField = z.string().max(BATCH_TOKEN_TEXT_BYTES_MAX);
const objectSizeField = z.int().min(1).max(OBJECT_BYTES_MAX);
const avoidField = z.array(peerIdField).max(SHARDS_PER_OBJECT_MAX);

/**
 * `target`: the one host that this shard is for (B11); without it the broker chooses. `insteadOf`: the host that is known
 * to have this shard and from which the client cannot have it. A stored shard is put again for that word alone; its place
 * stays what it is until the new one has it.
 */
export const shardToPut = z.strictObject({
  index: shardIndexField,
  cid: contentIdField,
  sizeBytes: shardSizeField,
  target: peerIdField.optional(),
  insteadOf: peerIdField.optional(),
});
export type ShardToPut = z.infer<typeof shardToPut>;

/**
 * One object to store. `shards` are those that need a host now: all of them at first, later only those whose host
 * failed. `avoid` names hosts that just failed for this object. Until `retainUntil` no host deletes the shards, whoever
 * asks.
 */
export const objectToPut = z.strictObject({
  objectId: objectIdField,
  kind: objectKindField,
  sizeBytes: objectSizeField,
  dataShards: shardCountField,
  totalShards: shardCountField,
  shards: z.array(shardToPut).min(1).max(SHARDS_PER_OBJECT_MAX),
  avoid: avoidField,
  retainUntil: timeField.optional(),
});
export type ObjectToPut = z.infer<typeof objectToPut>;

/**
 * `POST /v1/puts`. `batch`: one token per host, for all of the request's shards there. `durability`: the class of new
 * objects; absent, the broker's default one. An object keeps the class and the wishes that it began with.
 */
export const beginPutRequest = z.strictObject({
  objects: z.array(objectToPut).min(1).max(OBJECTS_PER_REQUEST_MAX),
  batch: z.boolean().optional(),
  durability: durabilityField.optional(),
  wishes: hostWishes.optional(),
});
export type BeginPutRequest = z.infer<typeof beginPutRequest>;

/** The broker's permission to put one shard on one host. */
export const putPermission = z.strictObject({
  index: shardIndexField,
  transactionId: transactionIdField,
  token: tokenField,
  host: peerAddressField,
});
export type PutPermission = z.infer<typeof putPermission>;

/** One token for several shards on one host; its items are those shards, in this order. */
const batchOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    transactionId: transactionIdField,
    token: batchTokenField,
    host: peerAddressField,
    expiresAt: timeField,
    items: z.array(item).min(1).max(BATCH_ITEMS_MAX),
  });

export const putBatch = batchOf(z.strictObject({ objectId: objectIdField, index: shardIndexField }));
/** The broker's permission to put several shards on one host. */
export type PutBatch = z.infer<typeof putBatch>;

export const getBatch = batchOf(
  z.strictObject({
    objectId: objectIdField,
    index: shardIndexField,
    cid: contentIdField,
    sizeBytes: shardSizeField,
  }),
);
/** The broker's permission to get several shards from one host. */
export type GetBatch = z.infer<typeof getBatch>;

/** Does the broker offer universal tokens (`POST /v1/universals`) at the moment? */
const universalOfferedField = z.boolean().optional();

/**
 * `unplaced` shards have no host at the moment: too few distinct ones are online. With `batch`, the permissions are
 * empty and `batches` stands instead of them.
 */
export const beginPutAnswer = z.strictObject({
  objects: z.array(
    z.strictObject({
      objectId: objectIdField,
      safeShards: shardCountField,
      permissions: z.array(putPermission),
      unplaced: z.array(shardIndexField),
    }),
  ),
  batches: z.array(putBatch).optional(),
  universalOffered: universalOfferedField,
});
export type BeginPutAnswer = z.infer<typeof beginPutAnswer>;

/** `POST /v1/gets`. `avoid` names hosts that just failed; `target`, the one host that is asked for (B11). */
export const beginGetRequest = z.strictObject({
  objects: z
    .array(z.strictObject({ objectId: objectIdField, avoid: avoidField, target: peerIdField.optional() }))
    .min(1)
    .max(OBJECTS_PER_REQUEST_MAX),
  batch: z.boolean().optional(),
});
export type BeginGetRequest = z.infer<typeof beginGetRequest>;

/** The broker's permission to get one shard from one host. */
export const getPermission = z.strictObject({
  index: shardIndexField,
  cid: contentIdField,
  sizeBytes: shardSizeField,
  transactionId: transactionIdField,
  token: tokenField,
  host: peerAddressField,
});
export type GetPermission = z.infer<typeof getPermission>;

const objectFound = {
  objectId: objectIdField,
  kind: objectKindField,
  sizeBytes: objectSizeField,
  dataShards: shardCountField,
  totalShards: shardCountField,
  offline: z.array(z.strictObject({ index: shardIndexField, peerId: peerIdField })),
};

/** `offline` hosts hold shards too, but the broker has not heard from them lately. */
export const objectToGet = z.strictObject({ ...objectFound, permissions: z.array(getPermission) });
export type ObjectToGet = z.infer<typeof objectToGet>;

/** With `batch`, the permissions are empty and `batches` stands instead of them. */
export const beginGetAnswer = z.strictObject({
  objects: z.array(objectToGet),
  batches: z.array(getBatch).optional(),
  universalOffered: universalOfferedField,
});
export type BeginGetAnswer = z.infer<typeof beginGetAnswer>;

/** `POST /v1/streams`: any ranges of an object's shards, up to `maxBytes` from each host, for a day. */
export const beginStreamRequest = z.strictObject({
  objectId: objectIdField,
  maxBytes: bytesCountField.min(1),
  avoid: avoidField,
});
export type BeginStreamRequest = z.infer<typeof beginStreamRequest>;

export const streamPermission = getPermission.extend({ maxBytes: bytesCountField, expiresAt: timeField });
export type StreamPermission = z.infer<typeof streamPermission>;

export const beginStreamAnswer = z.strictObject({ ...objectFound, permissions: z.array(streamPermission) });
export type BeginStreamAnswer = z.infer<typeof beginStreamAnswer>;

/**
 * `POST /v1/deletes`. Asking again for a deleted object asks again for those of its shards that hosts still have, also by
 * puts that were under way when it was deleted.
 */
export const beginDeleteRequest = z.strictObject({
  objectIds: z.array(objectIdField).min(1).max(DELETED_OBJECTS_MAX),
});
export type BeginDeleteRequest = z.infer<typeof beginDeleteRequest>;

/**
 * The objects are in no list any more. `offline` hosts have shards of them still, which are remembered as unwanted. An
 * object with `retained` shards is not deleted before their time: it stays listed, and can be fetched. (Retained shards
 * of what was deleted already stay where they are until then.)
 */
export const beginDeleteAnswer = z.strictObject({
  batches: z.array(getBatch),
  offline: z.array(z.strictObject({ objectId: objectIdField, index: shardIndexField, peerId: peerIdField })),
  retained: z.array(z.strictObject({ objectId: objectIdField, index: shardIndexField, until: timeField })),
});
export type BeginDeleteAnswer = z.infer<typeof beginDeleteAnswer>;

/** `POST /v1/universals`: tokens for any puts, gets and streams at so many hosts (B13), while the broker offers them. */
export const beginUniversalRequest = z.strictObject({
  hosts: shardCountField,
  maxBytes: bytesCountField.min(1),
  uses: z.int().min(1).max(TOKEN_USES_MAX),
  avoid: avoidField,
});
export type BeginUniversalRequest = z.infer<typeof beginUniversalRequest>;

export const universalPermission = z.strictObject({
  transactionId: transactionIdField,
  token: tokenField,
  host: peerAddressField,
  maxBytes: bytesCountField,
  uses: z.int(),
  expiresAt: timeField,
});
export type UniversalPermission = z.infer<typeof universalPermission>;

export const beginUniversalAnswer = z.strictObject({ permissions: z.array(universalPermission) });
export type BeginUniversalAnswer = z.infer<typeof beginUniversalAnswer>;

/**
 * `GET /v1/objects?state=&kind=&after=&limit=`: the account's objects that are safe, oldest first; with the state
 * `deleted`, those that were deleted and of which hosts still have something.
 */
export const listObjectsQuery = z.strictObject({
  state: z.enum(['safe', 'deleted']).optional(),
  kind: objectKindField.optional(),
  after: objectIdField.optional(),
  limit: z.coerce.number().int().min(1).max(OBJECTS_PER_PAGE_MAX).optional(),
});
export type ListObjectsQuery = z.infer<typeof listObjectsQuery>;

export const listedObject = z.strictObject({
  objectId: objectIdField,
  kind: objectKindField,
  sizeBytes: objectSizeField,
  dataShards: shardCountField,
  totalShards: shardCountField,
  storedShards: z.int(),
  createdAt: timeField,
  /** What its puts said, where they said it. */
  retainUntil: timeField.optional(),
});
export type ListedObject = z.infer<typeof listedObject>;

export const listObjectsAnswer = z.strictObject({
  objects: z.array(listedObject),
  next: objectIdField.nullable(),
});
export type ListObjectsAnswer = z.infer<typeof listObjectsAnswer>;

/**
 * An error code as another peer wrote it down, perhaps one that only newer programs know: refusing it would refuse
 * the whole batch, for ever. `done` and `recorded` are no codes, because they stand beside codes and mean success.
 */
const reportedCodeField = z.string().regex(/^(?!(?:done|recorded)$)[a-z][a-z0-9_]{0,63}$/, 'not an error code');
const receiptField = z.string().max(BATCH_RECEIPT_TEXT_BYTES_MAX);

/** Where a shard belongs that was put under a universal token: the broker learns of its object by the report only. */
export const universalObject = z.strictObject({
  objectId: objectIdField,
  kind: objectKindField,
  sizeBytes: objectSizeField,
  dataShards: shardCountField,
  totalShards: shardCountField,
  index: shardIndexField,
});
export type UniversalObject = z.infer<typeof universalObject>;

/**
 * What one end says about a transaction. Whether it speaks as host or client follows from who signed the message.
 * `done` under a token of several uses is known by the use in its receipt; of a put under a universal token the client
 * says which object it is of. `hostId` of a failure tells which host of a group transaction the client means.
 * `refusal` is about presentations that could not be tied to a transaction (a forged token has no readable id).
 */
export const report = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('done'),
    transactionId: transactionIdField,
    receipt: receiptField,
    object: universalObject.optional(),
    /** By the client, of a put or get: how long the transfer took. The broker learns from it how fast the host is. */
    tookMs: z.int().min(1).max(TOKEN_LIFE_LONG_MS_MAX).optional(),
  }),
  z.strictObject({
    outcome: z.literal('failed'),
    transactionId: transactionIdField,
    code: reportedCodeField,
    at: timeField,
    hostId: peerIdField.optional(),
  }),
  z.strictObject({
    outcome: z.literal('refused'),
    code: reportedCodeField,
    clientId: peerIdField,
    count: z.int().min(1).max(REFUSALS_PER_REPORT_MAX),
    at: timeField,
  }),
]);
export type Report = z.infer<typeof report>;

/** `POST /v1/reports`: idempotent; what has been recorded before is recorded once. */
export const sendReportsRequest = z.strictObject({
  reports: z.array(report).min(1).max(REPORTS_PER_REQUEST_MAX),
});
export type SendReportsRequest = z.infer<typeof sendReportsRequest>;

/** One result per report, in order: `recorded`, or the code that says why the broker will never take it. */
export const sendReportsAnswer = z.strictObject({
  results: z.array(z.union([z.literal('recorded'), reportedCodeField])),
});
export type SendReportsAnswer = z.infer<typeof sendReportsAnswer>;
