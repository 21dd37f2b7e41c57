// The steps of a put at its host, and the client's look at the receipt that comes of them.
import { X509Certificate } from 'node:crypto';
import { Readable } from 'node:stream';
import { type VerifiedToken, verifyToken } from '#protocol';
import { signReceipt } from '../../apps/peer-agent/src/receipts/sign-receipt.js';
import { checkReceipt } from '../../libs/peer-link/src/check-receipt.js';
import type { HeldReceipt, PutToken } from './at-broker.js';
import type { OpenBroker } from './broker-parts.js';
import type { OpenHost } from './host-parts.js';
import { type Cost, type Timed, timeEach, timeLanes } from './stopwatch.js';

/** A body comes in pieces like the records of a TLS connection. */
const PIECE_BYTES = 16 * 1024;

export function verifyTokens(
  { client }: OpenBroker,
  { identity, time }: OpenHost,
  tokens: readonly PutToken[],
): Timed<VerifiedToken> {
  return timeEach(tokens, ({ text, item }) => {
    const nowMs = time.nowMs();
    return verifyToken(text, {
      keyOf: (kid) => identity.transactionKey(kid, nowMs),
      trustDomain: identity.trustDomain,
      hostId: identity.peerId,
      clientId: client.peerId,
      op: 'put',
      cid: item.cid,
      nowMs,
    });
  });
}

export interface Kept {
  readonly receipts: HeldReceipt[];
  readonly claim: Cost;
  readonly store: Cost;
  readonly sign: Cost;
  /** The receipt signed, and the unit that makes everything about the put durable. */
  readonly complete: Cost;
}

/** tokens: for these shards, in their order */
export async function keep(
  host: OpenHost,
  tokens: readonly VerifiedToken[],
  { shards, atOnce }: { readonly shards: readonly Buffer[]; readonly atOnce: number },
): Promise<Kept> {
  const { replayList, shardStore, outbox, identity, time } = host;
  const claimed = timeEach(tokens, (token) => {
    const item = token.items[0]!;
    return replayList.claimItem(token, item, item.sizeBytes);
  });
  const coming = claimed.results.map((claim, i) => ({ claim, body: bodyOf(shards[i]!) }));
  const stored = await timeLanes(coming, atOnce, ({ claim, body }) => shardStore.write(claim, body));
  const signed = timeEach(stored.results, (shard) => signReceipt(shard, identity, time.nowMs()));
  const completed = await timeLanes(stored.results, atOnce, (shard) => host.complete.stored(shard, outbox.keepPlace()));
  return {
    receipts: completed.results.map(({ receipt }, i) => ({ transactionId: tokens[i]!.transactionId, receipt })),
    claim: claimed.cost,
    store: stored.cost,
    sign: signed.cost,
    complete: completed.cost,
  };
}

/** By the client, who knows the key of the host from its certificate. */
export function checkReceipts(
  { client, host }: OpenBroker,
  tokens: readonly VerifiedToken[],
  receipts: readonly HeldReceipt[],
): Timed<void> {
  const { peerId: clientId, trustDomain } = client;
  const hostKey = new X509Certificate(host.certificatePem).publicKey;
  const held = receipts.map((receipt, i) => ({ ...receipt, item: tokens[i]!.items[0]! }));
  return timeEach(held, ({ transactionId, receipt, item: { cid, sizeBytes } }) => {
    const parties = { hostKey, trustDomain, hostId: host.peerId, clientId, transactionId };
    checkReceipt(receipt, { ...parties, op: 'put', cid, sizeBytes });
  });
}

function bodyOf(bytes: Buffer): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / PIECE_BYTES) }, (_, i) =>
    bytes.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES),
  );
  return Readable.from(pieces, { objectMode: false });
}
