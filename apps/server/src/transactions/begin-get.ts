// Begins gets: permits the account to fetch each of its objects' shards from every host that is there, or from the one
// that the client names (both cases of B11); by a token for each shard, or one for all shards of a host.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import {
  type BeginGetAnswer,
  type BeginGetRequest,
  formatTime,
  type GetBatch,
  type GetPermission,
  type ObjectId,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { UniversalOffer } from '../load/universal-offer.js';
import type { StoredShard } from '../objects/object-rows.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { type BegunToken, between, packBatches, permittedBy } from './begun-token.js';
import { findHeld, type HeldObject } from './held-shards.js';
import { insertTransactions, type NewTransaction, PLAIN } from './transaction-rows.js';

@Injectable()
export class BeginGet {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly tokens: TokenIssuer,
    private readonly offer: UniversalOffer,
  ) {}

  /**
   * Hosts that the client says just failed get no token and are not listed; how many of the others suffice is the
   * client's to see (`dataShards`).
   *
   * throws   request_invalid | object_unknown | target_unavailable
   */
  async run(caller: Caller, request: BeginGetRequest): Promise<BeginGetAnswer> {
    const batch = request.batch === true;
    const { held, tokens } = await this.database.write(async (db) => {
      const held = await findHeld(db, caller, request.objects, this.hosts);
      const tokens = this.tokensFor(caller, held, batch);
      await insertTransactions(
        db,
        tokens.flatMap(({ rows }) => rows),
      );
      return { held, tokens };
    });
    return this.answer(held, tokens, batch);
  }

  private tokensFor(caller: Caller, held: readonly HeldObject[], batch: boolean): BegunToken[] {
    const nowMs = this.clock.nowMs();
    const { tokenLifeMs, longTokenLifeMs } = this.settings.policy;
    const gets = held.flatMap(({ there }) =>
      there.map(({ shard, host }) => ({
        shard,
        cid: shard.cid,
        host: this.hosts.addressOf(host, caller.peer.peerId),
        hostAccountId: host.accountId,
        retainUntilMs: null,
      })),
    );
    return (batch ? packBatches(gets) : gets.map((get) => [get])).map((together): BegunToken => {
      const id = uuidV7<TransactionId>(nowMs, randomBytes(10));
      const expiresAtMs = nowMs + (together.length > 1 ? longTokenLifeMs : tokenLifeMs);
      const rows = together.map(
        ({ shard, host, hostAccountId }, item): NewTransaction => ({
          ...PLAIN,
          ...aboutShard(shard),
          id,
          item,
          op: 'get',
          ...between(caller, { peerId: host.peerId, accountId: hostAccountId }),
          issuedAtMs: nowMs,
          expiresAtMs,
        }),
      );
      return { rows, host: together[0]!.host, retainUntilMs: null };
    });
  }

  private async answer(
    held: readonly HeldObject[],
    tokens: readonly BegunToken[],
    batch: boolean,
  ): Promise<BeginGetAnswer> {
    const permissions = new Map<ObjectId, GetPermission[]>(held.map(({ object }) => [object.objectId, []]));
    const batches: GetBatch[] = [];
    const sealed = await this.tokens.sealAll(tokens.map(permittedBy));
    for (const [i, { rows, host }] of tokens.entries()) {
      const { id: transactionId, expiresAtMs } = rows[0]!;
      const token = sealed[i]!;
      const items = rows.map(itemOf);
      if (batch) batches.push({ transactionId, token, host, expiresAt: formatTime(expiresAtMs), items });
      else {
        for (const { objectId, ...item } of items)
          permissions.get(objectId)!.push({ ...item, transactionId, token, host });
      }
    }
    return {
      objects: held.map(({ object, offline }) => ({
        ...toldOf(object),
        permissions: permissions.get(object.objectId)!,
        offline,
      })),
      ...(batch ? { batches } : {}),
      universalOffered: this.offer.isMade,
    };
  }
}

/** What a transaction says of the shard that it is about. */
export function aboutShard(shard: StoredShard): Pick<NewTransaction, 'objectId' | 'shardIndex' | 'cid' | 'sizeBytes'> {
  return { objectId: shard.objectId, shardIndex: shard.index, cid: shard.cid, sizeBytes: shard.sizeBytes };
}

/** A row as its client is told of it. */
export function itemOf({ objectId, shardIndex, cid, sizeBytes }: NewTransaction): GetBatch['items'][number] {
  return { objectId: objectId!, index: shardIndex!, cid: cid!, sizeBytes };
}

export function toldOf({
  objectId,
  kind,
  sizeBytes,
  dataShards,
  totalShards,
}: HeldObject['object']): Pick<
  BeginGetAnswer['objects'][number],
  'objectId' | 'kind' | 'sizeBytes' | 'dataShards' | 'totalShards'
> {
  return { objectId, kind, sizeBytes, dataShards, totalShards };
}
