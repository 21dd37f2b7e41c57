// Begins deletions: an object is in no list any more at once; its shards are forgotten when their hosts have deleted
// them. Credit has no say in it: nobody is kept from deleting because of a quota.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '#process';
import {
  BATCHED_SHARDS_MAX,
  type BeginDeleteAnswer,
  type BeginDeleteRequest,
  formatTime,
  type GetBatch,
  ProtocolError,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import {
  deleteShards,
  deleteUnstoredShards,
  findObjects,
  findShards,
  markDeleted,
  type StoredObject,
  type StoredShard,
} from '../objects/object-rows.js';
import { requireRightToDelete } from '../peers/append-only.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { aboutShard, itemOf } from './begin-get.js';
import { type BegunToken, between, packBatches, permittedBy } from './begun-token.js';
import { ShardCharges } from './shard-charges.js';
import { cancelMoves, forgetEmptyObjects } from './shard-places.js';
import { insertTransactions, PLAIN } from './transaction-rows.js';
import { findWantedElsewhere, placeKey } from './wanted-elsewhere.js';

interface Begun {
  readonly tokens: readonly BegunToken[];
  readonly offline: readonly StoredShard[];
  readonly retained: readonly StoredShard[];
}

@Injectable()
export class BeginDelete {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly tokens: TokenIssuer,
    private readonly charges: ShardCharges,
  ) {}

  /**
   * Asking again is answered again: an object of which nothing is left, or that never was, has nothing to delete. One
   * whose put promised to keep it is not deleted before that time: it stays in the lists, and can be fetched.
   *
   * throws   peer_append_only | request_too_large for more than BATCHED_SHARDS_MAX shards; then nothing is deleted
   */
  async run(caller: Caller, { objectIds }: BeginDeleteRequest): Promise<BeginDeleteAnswer> {
    const ids = [...new Set(objectIds)];
    const { tokens, offline, retained } = await this.database.write(async (db): Promise<Begun> => {
      await requireRightToDelete(db, caller.peer.peerId);
      const objects = [...(await findObjects(db, ids)).values()];
      const own = objects.filter(({ accountId }) => accountId === caller.peer.accountId);
      const shardsMost = own.reduce((sum, { totalShards }) => sum + totalShards, 0);
      if (shardsMost > BATCHED_SHARDS_MAX) throw new ProtocolError('request_too_large');
      const nowMs = this.clock.nowMs();
      const all = await findShards(
        db,
        own.map(({ objectId }) => objectId),
      );
      const kept = promisedShards(own, all, nowMs);
      const keptIds = new Set(kept.map(({ objectId }) => objectId));
      const shards = all.filter(({ objectId }) => !keptIds.has(objectId));
      const deleted = own.map(({ objectId }) => objectId).filter((objectId) => !keptIds.has(objectId));
      await markDeleted(db, deleted, nowMs);
      const begun = await this.deleteShards(db, caller, shards, nowMs);
      return { ...begun, retained: [...begun.retained, ...kept] };
    });
    return {
      batches: await Promise.all(tokens.map((token) => this.permit(token))),
      offline: offline.map(({ objectId, index, hostId }) => ({ objectId, index, peerId: hostId! })),
      retained: retained.map(({ objectId, index, retainUntilMs }) => ({
        objectId,
        index,
        until: formatTime(retainUntilMs!),
      })),
    };
  }

  private async deleteShards(
    db: EntityManager,
    caller: Caller,
    shards: readonly StoredShard[],
    nowMs: number,
  ): Promise<Begun> {
    // What is brought to a host again at the price that was agreed has no client to delete it once it is there: what comes
    // yet belongs to nothing, and goes as every host's garbage does.
    const unplaced = shards.filter(({ state, charge }) => state === 'unplaced' || (state === 'placing' && charge > 0));
    const stored = shards.filter(({ state }) => state === 'stored');
    const retained = new Set(stored.filter(({ retainUntilMs }) => retainUntilMs !== null && retainUntilMs > nowMs));
    const wanted = await findWantedElsewhere(db, stored);
    // A host has content once, however many shards are that content: the last one that is wanted keeps it there.
    const shared = stored.filter((shard) => !retained.has(shard) && wanted.has(placeKey(shard)));
    const left = new Set(stored);
    for (const shard of [...retained, ...shared]) left.delete(shard);
    const there = [...left].filter(({ hostId }) => this.hosts.find(hostId!) !== undefined);
    const offline = [...left].filter(({ hostId }) => this.hosts.find(hostId!) === undefined);
    const tokens = this.tokensFor(caller, there, nowMs);
    // From here it must succeed.

    // A put under way goes on, and so does what is set aside for it: its token is good at the host. What it stores yet
    // is unwanted, and deleted when it is asked for again.
    await this.charges.releaseShards(db, [...unplaced, ...shared], nowMs);
    await deleteUnstoredShards(db, unplaced);
    await cancelMoves(db, [...left]);
    await deleteShards(db, shared);
    await forgetEmptyObjects(db, [...new Set(shards.map(({ objectId }) => objectId))]);
    await insertTransactions(
      db,
      tokens.flatMap(({ rows }) => rows),
    );
    return { tokens, offline, retained: [...retained] };
  }

  private tokensFor(caller: Caller, shards: readonly StoredShard[], nowMs: number): BegunToken[] {
    const { tokenLifeMs, longTokenLifeMs } = this.settings.policy;
    const deletions = shards.map((shard) => {
      const host = this.hosts.find(shard.hostId!)!;
      return {
        shard,
        host: this.hosts.addressOf(host, caller.peer.peerId),
        account: host,
        cid: shard.cid,
        retainUntilMs: null,
      };
    });
    return packBatches(deletions).map((together): BegunToken => {
      const id = uuidV7<TransactionId>(nowMs, randomBytes(10));
      const expiresAtMs = nowMs + (together.length > 1 ? longTokenLifeMs : tokenLifeMs);
      const rows = together.map(({ shard, account }, item) => ({
        ...PLAIN,
        ...aboutShard(shard),
        ...between(caller, account),
        id,
        item,
        op: 'delete' as const,
        issuedAtMs: nowMs,
        expiresAtMs,
      }));
      return { rows, host: together[0]!.host, retainUntilMs: null };
    });
  }

  private async permit(begun: BegunToken): Promise<GetBatch> {
    const { id: transactionId, expiresAtMs } = begun.rows[0]!;
    const token = await this.tokens.seal(permittedBy(begun));
    const items = begun.rows.map(itemOf);
    return { transactionId, token, host: begun.host, expiresAt: formatTime(expiresAtMs), items };
  }
}

/** Of objects that are not deleted, the shards that hosts were told to keep for longer, also by puts under way. */
function promisedShards(
  objects: readonly StoredObject[],
  shards: readonly StoredShard[],
  nowMs: number,
): readonly StoredShard[] {
  const listed = new Set(objects.filter(({ deletedAtMs }) => deletedAtMs === null).map(({ objectId }) => objectId));
  return shards.filter(
    ({ objectId, hostId, retainUntilMs }) =>
      listed.has(objectId) && hostId !== null && retainUntilMs !== null && retainUntilMs > nowMs,
  );
}
