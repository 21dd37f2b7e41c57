// Transactions: a client asks, the broker decides and answers with tokens; afterwards both ends report.
import { z } from 'zod';
import {
  OBJECT_BYTES_MAX,
  OBJECTS_PER_PAGE_MAX,
  OBJECTS_PER_REQUEST_MAX,
  RECEIPT_TEXT_BYTES_MAX,
  REFUSALS_PER_REPORT_MAX,
  REPORTS_PER_REQUEST_MAX,
  SHARDS_PER_OBJECT_MAX,
  TOKEN_TEXT_BYTES_MAX,
} from '../limits.js';
import {
  contentIdField,
  objectIdField,
  peerAddressField,
  peerIdField,
  shardCountField,
  shardIndexField,
  shardSizeField,
  timeField,
  transactionIdField,
} from './fields.js';

export const OBJECT_KINDS = ['data', 'tree', 'index', 'snapshot'] as const;
export const objectKindField = z.enum(OBJECT_KINDS);
export type ObjectKind = z.infer<typeof objectKindField>;

const tokenField = z.string().max(TOKEN_TEXT_BYTES_MAX);
const objectSizeField = z.int().min(1).max(OBJECT_BYTES_MAX);

/** `GET /v1/redundancy`: the code that new objects must have. `safeShards` stored shards make an object safe. */
export const redundancyAnswer = z.strictObject({
  dataShards: shardCountField,
  totalShards: shardCountField,
  safeShards: shardCountField,
  eligibleHosts: z.int(),
});
export type Redundancy = z.infer<typeof redundancyAnswer>;

export const shardToPut = z.strictObject({
  index: shardIndexField,
  cid: contentIdField,
  sizeBytes: shardSizeField,
});
export type ShardToPut = z.infer<typeof shardToPut>;

/**
 * One object to store. `shards` are those that need a host now: all of them at first, later only those whose host
 * failed. `avoid` names hosts that just failed for this object.
 */
export const objectToPut = z.strictObject({
  objectId: objectIdField,
  kind: objectKindField,
  sizeBytes: objectSizeField,
  dataShards: shardCountField,
  totalShards: shardCountField,
  shards: z.array(shardToPut).min(1).max(SHARDS_PER_OBJECT_MAX),
  avoid: z.array(peerIdField).max(SHARDS_PER_OBJECT_MAX),
});
export type ObjectToPut = z.infer<typeof objectToPut>;

/** `POST /v1/puts` */
export const beginPutRequest = z.strictObject({
  objects: z.array(objectToPut).min(1).max(OBJECTS_PER_REQUEST_MAX),
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

/** `unplaced` shards have no host at the moment: too few distinct ones are online. */
export const beginPutAnswer = z.strictObject({
  objects: z.array(
    z.strictObject({
      objectId: objectIdField,
      safeShards: shardCountField,
      permissions: z.array(putPermission),
      unplaced: z.array(shardIndexField),
    }),
  ),
});
export type BeginPutAnswer = z.infer<typeof beginPutAnswer>;

/** `POST /v1/gets`. `avoid` names hosts that just failed. */
export const beginGetRequest = z.strictObject({
  objects: z
    .array(z.strictObject({ objectId: objectIdField, avoid: z.array(peerIdField).max(SHARDS_PER_OBJECT_MAX) }))
    .min(1)
    .max(OBJECTS_PER_REQUEST_MAX),
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

/** `offline` hosts hold shards too, but the broker has not heard from them lately. */
export const objectToGet = z.strictObject({
  objectId: objectIdField,
  kind: objectKindField,
  sizeBytes: objectSizeField,
  dataShards: shardCountField,
  totalShards: shardCountField,
  permissions: z.array(getPermission),
  offline: z.array(z.strictObject({ index: shardIndexField, peerId: peerIdField })),
});
export type ObjectToGet = z.infer<typeof objectToGet>;

export const beginGetAnswer = z.strictObject({ objects: z.array(objectToGet) });
export type BeginGetAnswer = z.infer<typeof beginGetAnswer>;

/** `GET /v1/objects?kind=&after=&limit=`: the account's objects that are safe, oldest first. */
export const listObjectsQuery = z.strictObject({
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
const receiptField = z.string().max(RECEIPT_TEXT_BYTES_MAX);

/**
 * What one end says about a transaction. Whether it speaks as host or client follows from who signed the message.
 * `refusal` is about presentations that could not be tied to a transaction (a forged token has no readable id).
 */
export const report = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('done'), transactionId: transactionIdField, receipt: receiptField }),
  z.strictObject({
    outcome: z.literal('failed'),
    transactionId: transactionIdField,
    code: reportedCodeField,
    at: timeField,
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
