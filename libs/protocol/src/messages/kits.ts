// Recovery kits: an identity that can do nothing but get what its tokens name, and those tokens, for a day without broker.
import { z } from 'zod';
import { CSR_BYTES_MAX, KITS_PER_ACCOUNT_MAX, OBJECTS_PER_REQUEST_MAX, SHARDS_PER_OBJECT_MAX } from '../limits.js';
import {
  bytesUpToField,
  contentIdField,
  objectIdField,
  peerAddressField,
  peerIdField,
  shardIndexField,
  timeField,
  transactionIdField,
} from './fields.js';
import { listedObject, tokenField } from './transactions.js';

/** `POST /v1/kits`: a certificate of long life for the key of a kit. Its peer id signs no message and hosts nothing. */
export const makeKitRequest = z.strictObject({ csr: bytesUpToField(CSR_BYTES_MAX) });
export type MakeKitRequest = z.infer<typeof makeKitRequest>;

export const makeKitAnswer = z.strictObject({
  kitId: peerIdField,
  certificate: z.string().max(16_384),
  expiresAt: timeField,
});
export type MakeKitAnswer = z.infer<typeof makeKitAnswer>;

/**
 * `POST /v1/offline-gets`: tokens of op `offline` for a kit that the caller has made, until its end. Of hosts that are not
 * there now, too: they may be there when the kit is needed.
 */
export const offlineGetsRequest = z.strictObject({
  kitId: peerIdField,
  objects: z.array(objectIdField).min(1).max(OBJECTS_PER_REQUEST_MAX),
});
export type OfflineGetsRequest = z.infer<typeof offlineGetsRequest>;

/** One shard of an object: which one, and which of the tokens beside it is good for it. */
export const offlineShard = z.strictObject({ index: shardIndexField, cid: contentIdField, token: z.int().min(0) });

export const offlineObject = z.strictObject({
  ...listedObject.shape,
  shards: z.array(offlineShard).max(SHARDS_PER_OBJECT_MAX),
});
export type OfflineObject = z.infer<typeof offlineObject>;

/** A token for up to 32 shards at one host, each to be fetched several times. */
export const offlineToken = z.strictObject({
  transactionId: transactionIdField,
  token: tokenField,
  host: peerAddressField,
});
export type OfflineToken = z.infer<typeof offlineToken>;

export const offlineGetsAnswer = z.strictObject({
  objects: z.array(offlineObject).max(OBJECTS_PER_REQUEST_MAX),
  tokens: z.array(offlineToken).max(OBJECTS_PER_REQUEST_MAX * SHARDS_PER_OBJECT_MAX),
});
export type OfflineGetsAnswer = z.infer<typeof offlineGetsAnswer>;

/** `GET /v1/kits`: those of the account that have not ended, oldest first. */
export const listKitsAnswer = z.strictObject({
  kits: z
    .array(
      z.strictObject({
        kitId: peerIdField,
        madeBy: peerIdField,
        madeAt: timeField,
        expiresAt: timeField,
        withdrawnAt: timeField.nullable(),
      }),
    )
    .max(KITS_PER_ACCOUNT_MAX),
});
export type ListKitsAnswer = z.infer<typeof listKitsAnswer>;

/** `POST /v1/kits/{kitId}/withdraw`: hosts that hear of it take its tokens no more. */
export const kitPath = z.strictObject({ kitId: peerIdField });
export type KitPath = z.infer<typeof kitPath>;
