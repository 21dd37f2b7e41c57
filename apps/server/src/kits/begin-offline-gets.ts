// Begins gets for a day without broker: tokens of op `offline` for a kit, each for up to 32 shards at one host.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull, Not } from 'typeorm';
import { Clock } from '#process';
import {
  type AccountId,
  formatTime,
  type ObjectId,
  OFFLINE_ITEMS_MAX,
  type OfflineGetsAnswer,
  type OfflineGetsRequest,
  type PeerAddress,
  type PeerId,
  ProtocolError,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import {
  findObjects,
  findShards,
  type StoredObject,
  type StoredShard,
  shardsByObject,
} from '../objects/object-rows.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { mayHost } from '../peers/peer-standing.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { insertTransactions, type NewTransaction, PLAIN } from '../transactions/transaction-rows.js';
import { countTokens, findKit, type Kit } from './kit-rows.js';

/** A restore that is cut off begins anew, and hosts race: everything may be fetched so often, and asked for twice as often. */
const TIMES_FETCHED = 4;

interface KnownHost {
  readonly address: PeerAddress;
  readonly accountId: AccountId;
}

interface NewToken {
  readonly row: NewTransaction;
  readonly host: PeerAddress;
  readonly shards: readonly StoredShard[];
}

@Injectable()
export class BeginOfflineGets {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly directory: PeerDirectory,
    private readonly tokens: TokenIssuer,
  ) {}

  /** throws kits_off | kit_unknown, also for a kit of another machine | kit_full | object_unknown */
  async run(caller: Caller, { kitId, objects: wanted }: OfflineGetsRequest): Promise<OfflineGetsAnswer> {
    const { lifeMs, tokensMax } = this.settings.policy.recoveryKits;
    if (lifeMs === 0) throw new ProtocolError('kits_off');
    const nowMs = this.clock.nowMs();
    const { kit, objects, shards, begun } = await this.database.write(async (db) => {
      const kit = await usableKit(db, caller, kitId, nowMs);
      const ids = [...new Set(wanted)];
      const objects = await ownObjects(db, caller, ids);
      const shards = (await findShards(db, ids)).filter(({ state }) => state === 'stored');
      const begun = this.tokensFor(kit, shards, await this.hostsOf(db, shards), nowMs);
      if (!(await countTokens(db, kitId, begun.length, tokensMax))) throw new ProtocolError('kit_full', { kitId });
      await insertTransactions(
        db,
        begun.map(({ row }) => row),
      );
      return { kit, objects, shards, begun };
    });
    return this.answer(kit, objects, shardsByObject(shards), begun);
  }

  private tokensFor(
    kit: Kit,
    shards: readonly StoredShard[],
    hosts: ReadonlyMap<PeerId, KnownHost>,
    nowMs: number,
  ): NewToken[] {
    const reachable = shards.filter(({ hostId }) => hostId !== null && hosts.has(hostId));
    return packByHost(reachable).map((together): NewToken => {
      const { address, accountId: hostAccountId } = hosts.get(together[0]!.hostId!)!;
      const bytes = together.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const row: NewTransaction = {
        ...PLAIN,
        id: uuidV7<TransactionId>(nowMs, randomBytes(10)),
        op: 'offline',
        clientId: kit.kitId,
        clientAccountId: kit.accountId,
        hostId: address.peerId,
        hostAccountId,
        objectId: null,
        shardIndex: null,
        cid: null,
        sizeBytes: 0,
        maxBytes: TIMES_FETCHED * bytes,
        maxUses: 2 * TIMES_FETCHED * together.length,
        issuedAtMs: nowMs,
        expiresAtMs: kit.expiresAtMs,
      };
      return { row, host: address, shards: together };
    });
  }

  private async answer(
    kit: Kit,
    objects: readonly StoredObject[],
    shardsOf: ReadonlyMap<ObjectId, readonly StoredShard[]>,
    begun: readonly NewToken[],
  ): Promise<OfflineGetsAnswer> {
    const sealed = await this.tokens.sealAll(
      begun.map(({ row, shards }) => ({
        transactionId: row.id,
        op: row.op,
        hostId: row.hostId,
        clientId: kit.kitId,
        issuedAtMs: row.issuedAtMs,
        expiresAtMs: row.expiresAtMs,
        items: shards.map(({ cid, sizeBytes }) => ({ cid, sizeBytes })),
        maxBytes: row.maxBytes!,
        maxUses: row.maxUses!,
      })),
    );
    const tokenOf = new Map(begun.flatMap(({ shards }, token) => shards.map((shard) => [shard, token] as const)));
    return {
      objects: objects.map((object) => ({
        objectId: object.objectId,
        kind: object.kind,
        sizeBytes: object.sizeBytes,
        dataShards: object.dataShards,
        totalShards: object.totalShards,
        storedShards: object.storedShards,
        createdAt: formatTime(object.createdAtMs),
        shards: (shardsOf.get(object.objectId) ?? []).flatMap((shard) => {
          const token = tokenOf.get(shard);
          return token === undefined ? [] : [{ index: shard.index, cid: shard.cid, token }];
        }),
      })),
      tokens: begun.map(({ row, host }, i) => ({ transactionId: row.id, token: sealed[i]!, host })),
    };
  }

  /** Where each host is, or was when it was heard last. */
  private async hostsOf(db: EntityManager, shards: readonly StoredShard[]): Promise<Map<PeerId, KnownHost>> {
    const known = new Map<PeerId, KnownHost>();
    const away: PeerId[] = [];
    for (const hostId of new Set(shards.map((shard) => shard.hostId))) {
      if (hostId === null || !mayHost(this.directory.find(hostId)?.state ?? 'revoked')) continue;
      const host = this.hosts.find(hostId);
      if (host === undefined) away.push(hostId);
      else known.set(hostId, { address: whereOnly(this.hosts.addressOf(host, 'broker')), accountId: host.accountId });
    }
    for (const row of await db.findBy(PeerEntity, { id: In(away), address: Not(IsNull()) })) {
      if (row.address === null || row.port === null) continue;
      const address = { peerId: row.id, address: row.address, port: row.port };
      known.set(row.id, { address, accountId: row.accountId });
    }
    return known;
  }
}

/** Without the way through a relay: a lease ends long before the kit does. */
function whereOnly({ peerId, address, port }: PeerAddress): PeerAddress {
  return { peerId, address, port };
}

async function usableKit(db: EntityManager, { peer }: Caller, kitId: PeerId, nowMs: number): Promise<Kit> {
  const kit = await findKit(db, kitId);
  const isUsable = kit?.madeBy === peer.peerId && kit.withdrawnAtMs === null && kit.expiresAtMs > nowMs;
  if (!isUsable) throw new ProtocolError('kit_unknown', { kitId });
  return kit;
}

async function ownObjects(db: EntityManager, { peer }: Caller, ids: readonly ObjectId[]): Promise<StoredObject[]> {
  const objects = await findObjects(db, ids);
  return ids.map((objectId) => {
    const object = objects.get(objectId);
    if (object === undefined || object.accountId !== peer.accountId || object.deletedAtMs !== null) {
      throw new ProtocolError('object_unknown', { objectId });
    }
    return object;
  });
}

/** Which shards share a token: those of one host, at most OFFLINE_ITEMS_MAX, no content twice. */
function packByHost(shards: readonly StoredShard[]): StoredShard[][] {
  const open = new Map<PeerId, StoredShard[][]>();
  for (const shard of shards) {
    const ofHost = open.get(shard.hostId!) ?? [];
    open.set(shard.hostId!, ofHost);
    const fitting = ofHost.find(
      (together) => together.length < OFFLINE_ITEMS_MAX && !together.some(({ cid }) => cid === shard.cid),
    );
    if (fitting === undefined) ofHost.push([shard]);
    else fitting.push(shard);
  }
  return [...open.values()].flat();
}
