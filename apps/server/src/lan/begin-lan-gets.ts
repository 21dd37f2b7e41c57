// Begins gets from a neighbour that says it has some shards (T3, T5): of objects of the caller's account, or of the one
// that it repairs. The neighbour need not be their host; what it turns out not to have is nobody's failure.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { placeholders } from '#database';
import { Clock } from '#process';
import {
  type LanGetAnswer,
  type LanGetRequest,
  type ObjectId,
  ProtocolError,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { findObjects, findShards, type StoredShard } from '../objects/object-rows.js';
import { type KnownPeer, PeerDirectory } from '../peers/peer-directory.js';
import { mayHost } from '../peers/peer-standing.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { aboutShard } from '../transactions/begin-get.js';
import { between, permittedBy } from '../transactions/begun-token.js';
import { insertTransactions, type NewTransaction, PLAIN } from '../transactions/transaction-rows.js';
import { LanRates } from './lan-rates.js';

@Injectable()
export class BeginLanGets {
  private readonly rates = new LanRates();

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly directory: PeerDirectory,
    private readonly tokens: TokenIssuer,
  ) {}

  /** throws target_unavailable when the neighbour is none that serves others | rate_exceeded */
  async run(caller: Caller, { hostId, items }: LanGetRequest): Promise<LanGetAnswer> {
    const nowMs = this.clock.nowMs();
    const host = this.directory.find(hostId);
    if (host === undefined || !mayHost(host.state) || hostId === caller.peer.peerId) {
      throw new ProtocolError('target_unavailable', { hostId });
    }
    this.rates.count(caller.peer.peerId, this.settings.policy.lan.perPeerPerMinute, nowMs);
    const rows = await this.database.write(async (db) => {
      const shards = await this.shardsFor(db, caller, items);
      const begun = shards.map((shard) => this.transactionFor(caller, host, shard, nowMs));
      await insertTransactions(db, begun);
      return begun;
    });
    const sealed = await this.tokens.sealAll(rows.map((row) => permittedBy({ rows: [row], retainUntilMs: null })));
    return { permissions: rows.map(({ cid, id }, i) => ({ cid: cid!, transactionId: id, token: sealed[i]! })) };
  }

  /** Those of the shards that the caller may get, and that are what it says: once each. */
  private async shardsFor(db: EntityManager, caller: Caller, items: LanGetRequest['items']): Promise<StoredShard[]> {
    const ids = [...new Set(items.map(({ objectId }) => objectId))];
    const objects = await findObjects(db, ids);
    const repaired = await repairedBy(db, caller, ids);
    const mayGet = (objectId: ObjectId): boolean => {
      const object = objects.get(objectId);
      if (object === undefined || object.deletedAtMs !== null) return false;
      return object.accountId === caller.peer.accountId || repaired.has(objectId);
    };
    const wanted = new Set(items.map((item) => `${item.objectId} ${item.index} ${item.cid} ${item.sizeBytes}`));
    const shards = await findShards(db, ids.filter(mayGet));
    return shards.filter((shard) => wanted.has(`${shard.objectId} ${shard.index} ${shard.cid} ${shard.sizeBytes}`));
  }

  private transactionFor(caller: Caller, host: KnownPeer, shard: StoredShard, nowMs: number): NewTransaction {
    return {
      ...PLAIN,
      ...aboutShard(shard),
      id: uuidV7<TransactionId>(nowMs, randomBytes(10)),
      op: 'get',
      ...between(caller, host),
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + this.settings.policy.tokenLifeMs,
    };
  }
}

/** Objects that the caller has a task to repair. */
async function repairedBy(
  db: EntityManager,
  { peer }: Caller,
  objectIds: readonly ObjectId[],
): Promise<ReadonlySet<ObjectId>> {
  const rows = await db.query<{ object_id: ObjectId }[]>(
    `SELECT object_id FROM repair_tasks WHERE state = 'running' AND object_id IN ${placeholders(db, objectIds.length)}
     AND worker_id = $${objectIds.length + 1}`,
    [...objectIds, peer.peerId],
  );
  return new Set(rows.map(({ object_id: objectId }) => objectId));
}
