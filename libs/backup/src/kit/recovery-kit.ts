// What a recovery kit says: who restores, until when, from which hosts, by which tokens, and which objects they bring.
import { z } from 'zod';
import {
  accountIdField,
  contentIdField,
  ipField,
  listedObject,
  networkAnswer,
  objectIdField,
  peerIdField,
  portField,
  SHARDS_PER_OBJECT_MAX,
  shardIndexField,
  timeField,
  tokenField,
  transactionIdField,
} from '#protocol';

const PEM_CHARS_MAX = 16_384;
const position = z.int().min(0);

/** One shard of an object: which one, its content id, and the position of its token. */
const kitShard = z.tuple([shardIndexField, contentIdField, position]);

const kitObject = listedObject
  .extend({ shards: z.array(kitShard).max(SHARDS_PER_OBJECT_MAX) })
  .refine(({ shards, totalShards }) => shards.every(([index]) => index < totalShards), 'a shard that the object lacks');

const kitToken = z.strictObject({
  transactionId: transactionIdField,
  token: tokenField,
  /** Position of its host. */
  host: position,
});

export const recoveryKit = z
  .strictObject({
    madeAt: timeField,
    expiresAt: timeField,
    trustDomain: z.string().min(1),
    accountId: accountIdField,
    /** The peer that the certificate names, and the client of every token. */
    kitId: peerIdField,
    certificate: z.string().max(PEM_CHARS_MAX),
    privateKey: z.string().max(PEM_CHARS_MAX),
    authority: z.string().max(PEM_CHARS_MAX),
    /** Where the broker was, for whoever has this file alone and wants to know whether it lives again. */
    broker: z.strictObject({ host: z.string(), port: portField }),
    snapshot: z.strictObject({
      objectId: objectIdField,
      time: timeField,
      hostname: z.string(),
      paths: z.array(z.string()),
    }),
    /** The keys of the network, as its broker told them; null where it told none. */
    network: networkAnswer.pick({ signingKeys: true, lanKeys: true }).nullable(),
    hosts: z.array(z.strictObject({ peerId: peerIdField, address: ipField, port: portField })),
    tokens: z.array(kitToken),
    objects: z.array(kitObject),
  })
  .refine(({ hosts, tokens }) => tokens.every(({ host }) => host < hosts.length), 'a token without its host')
  .refine(
    ({ objects, tokens }) => objects.every(({ shards }) => shards.every(([, , token]) => token < tokens.length)),
    'a shard without its token',
  );

export type RecoveryKit = z.infer<typeof recoveryKit>;
