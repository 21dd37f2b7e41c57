// The tokens of puts that were planned, one a shard or one a host, with the rows of their transactions.
import { randomBytes } from 'node:crypto';
import { type TransactionId, uuidV7 } from '#protocol';
import type { Caller } from '../control/caller.js';
import { type BegunToken, packBatches } from './begun-token.js';
import type { PlacedShard } from './planned-object.js';
import type { NewTransaction } from './transaction-rows.js';

const UUID_ENTROPY_BYTES = 10;

/** batch   one token for all shards of the request that go to one host; of several shards it lives longer */
export function putTokens(
  { peer: client }: Pick<Caller, 'peer'>,
  placed: readonly PlacedShard[],
  how: {
    readonly batch: boolean;
    readonly tokenLifeMs: number;
    readonly longTokenLifeMs: number;
    readonly nowMs: number;
  },
): BegunToken[] {
  const { batch, tokenLifeMs, longTokenLifeMs, nowMs } = how;
  const packed = batch ? packBatches(placed) : placed.map((shard) => [shard]);
  const entropy = randomBytes(packed.length * UUID_ENTROPY_BYTES);
  return packed.map((shards, i): BegunToken => {
    const id = uuidV7<TransactionId>(nowMs, entropy.subarray(i * UUID_ENTROPY_BYTES, (i + 1) * UUID_ENTROPY_BYTES));
    const expiresAtMs = nowMs + (shards.length > 1 ? longTokenLifeMs : tokenLifeMs);
    const rows = shards.map(
      ({ objectId, shard, charge, host, hostAccountId }, item): NewTransaction => ({
        // Written out: this is the one place where a row is made for every token.
        id,
        item,
        isUse: false,
        op: 'put',
        clientId: client.peerId,
        clientAccountId: client.accountId,
        hostId: host.peerId,
        hostAccountId,
        maxBytes: null,
        maxUses: null,
        groupId: null,
        objectId,
        shardIndex: shard.index,
        cid: shard.cid,
        sizeBytes: shard.sizeBytes,
        charge,
        issuedAtMs: nowMs,
        expiresAtMs,
      }),
    );
    return { rows, host: shards[0]!.host, retainUntilMs: shards[0]!.retainUntilMs };
  });
}
