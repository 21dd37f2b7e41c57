// Begins gets: permits the account to fetch each of its objects' shards from every host that is there. The client names
// the object only (the second case of B11), and hosts that it wants avoided.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '#process';
import {
  type BeginGetAnswer,
  type BeginGetRequest,
  type GetPermission,
  type ObjectToGet,
  type PeerAddress,
  type PeerId,
  ProtocolError,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { findObjects, findShards, type StoredObject, type StoredShard } from '../objects/object-rows.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { insertTransactions, type NewTransaction } from './transaction-rows.js';

interface BegunGet {
  readonly transaction: NewTransaction;
  readonly host: PeerAddress;
}

interface BegunObject {
  readonly object: StoredObject;
  readonly gets: readonly BegunGet[];
  readonly offline: ObjectToGet['offline'];
}

@Injectable()
export class BeginGet {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly tokens: TokenIssuer,
  ) {}

  /**
   * Hosts that the client says just failed get no token and are not listed; how many of the others suffice is the
   * client's to see (`dataShards`).
   *
   * throws   object_unknown, also for an object of another account
   */
  async run(caller: Caller, request: BeginGetRequest): Promise<BeginGetAnswer> {
    const begun = await this.database.write((db) => this.begin(db, caller, request));
    return { objects: await Promise.all(begun.map((object) => this.permitAll(object))) };
  }

  private async begin(db: EntityManager, caller: Caller, request: BeginGetRequest): Promise<BegunObject[]> {
    const ids = [...new Set(request.objects.map(({ objectId }) => objectId))];
    if (ids.length < request.objects.length) {
      throw new ProtocolError('request_invalid', {}, { detail: 'objects: an object twice' });
    }
    const nowMs = this.clock.nowMs();
    const objects = await findObjects(db, ids);
    const shards = await findShards(db, ids);
    const begun = request.objects.map(({ objectId, avoid }): BegunObject => {
      const object = objects.get(objectId);
      if (object === undefined || object.accountId !== caller.peer.accountId) {
        throw new ProtocolError('object_unknown', { objectId });
      }
      const gets: BegunGet[] = [];
      const offline: ObjectToGet['offline'] = [];
      for (const shard of shards) {
        if (shard.objectId !== objectId || shard.state !== 'stored' || shard.hostId === null) continue;
        if (avoid.includes(shard.hostId)) continue;
        const get = this.getOf(caller, shard, shard.hostId, nowMs);
        if (get === null) offline.push({ index: shard.index, peerId: shard.hostId });
        else gets.push(get);
      }
      return { object, gets, offline };
    });
    await insertTransactions(
      db,
      begun.flatMap(({ gets }) => gets.map(({ transaction }) => transaction)),
    );
    return begun;
  }

  private getOf(caller: Caller, shard: StoredShard, hostId: PeerId, nowMs: number): BegunGet | null {
    const host = this.hosts.find(hostId);
    if (host === undefined) return null;
    const transaction: NewTransaction = {
      id: uuidV7<TransactionId>(nowMs, randomBytes(10)),
      op: 'get',
      clientId: caller.peer.peerId,
      clientAccountId: caller.peer.accountId,
      hostId,
      hostAccountId: host.accountId,
      objectId: shard.objectId,
      shardIndex: shard.index,
      cid: shard.cid,
      sizeBytes: shard.sizeBytes,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + this.settings.policy.tokenLifeMs,
    };
    return { transaction, host: this.hosts.addressOf(host) };
  }

  private async permitAll({ object, gets, offline }: BegunObject): Promise<ObjectToGet> {
    const { objectId, kind, sizeBytes, dataShards, totalShards } = object;
    const permissions = await Promise.all(gets.map((get) => this.permit(get)));
    return { objectId, kind, sizeBytes, dataShards, totalShards, permissions, offline };
  }

  private async permit({ transaction, host }: BegunGet): Promise<GetPermission> {
    const { shardIndex: index, cid, sizeBytes, id: transactionId } = transaction;
    return { index, cid, sizeBytes, transactionId, token: await this.tokens.seal(transaction), host };
  }
}
