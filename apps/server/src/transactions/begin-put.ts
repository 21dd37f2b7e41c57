// Begins puts: decides where shards go (B24), sets credit aside, and permits each transfer by a token for its host. The
// client names the object only (the second case of B11), and hosts that it wants avoided.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, placeholders } from '#database';
import { Clock } from '#process';
import {
  type AccountId,
  type BeginPutAnswer,
  type BeginPutRequest,
  type ObjectId,
  type PeerAddress,
  type PeerId,
  ProtocolError,
  type PutPermission,
  type Redundancy,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { Ledger } from '../ledger/ledger.js';
import { reserveMovement, voidMovement } from '../ledger/movement.js';
import {
  deleteUnstoredShards,
  findObjects,
  findShards,
  insertObjects,
  insertShards,
  type StoredShard,
} from '../objects/object-rows.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { decideRedundancy } from '../placement/decide-redundancy.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { HostHolds } from './host-holds.js';
import { type PutPlan, planPut } from './plan-put.js';
import { insertTransactions, type NewTransaction } from './transaction-rows.js';

/** A transaction, and where its host was when it was chosen. */
interface BegunPut {
  readonly transaction: NewTransaction;
  readonly host: PeerAddress;
}

/** One object of the request as it was committed. */
interface BegunObject {
  readonly objectId: ObjectId;
  readonly safeShards: number;
  readonly puts: readonly BegunPut[];
  readonly unplaced: readonly number[];
  readonly replaced: readonly StoredShard[];
}

@Injectable()
export class BeginPut {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly directory: PeerDirectory,
    private readonly ledger: Ledger,
    private readonly tokens: TokenIssuer,
  ) {}

  /**
   * One write unit for the whole request; tokens are sealed after its commit. Asking again for a shard whose put has
   * not ended voids that put and places the shard anew; a shard that is stored already is in neither list of the
   * answer.
   *
   * throws   request_invalid | redundancy_changed | not_enough_hosts | object_conflict | credit_exceeded
   */
  async run(caller: Caller, request: BeginPutRequest): Promise<BeginPutAnswer> {
    const holds = new HostHolds(this.hosts);
    let begun: BegunObject[];
    try {
      begun = await this.database.write((db) => this.begin(db, caller, request, holds));
    } catch (error) {
      holds.undo();
      throw error;
    }
    for (const { replaced } of begun) {
      for (const { hostId, sizeBytes } of replaced) if (hostId !== null) this.hosts.release(hostId, sizeBytes);
    }
    return {
      objects: await Promise.all(
        begun.map(async ({ objectId, safeShards, puts, unplaced }) => ({
          objectId,
          safeShards,
          permissions: await Promise.all(puts.map((put) => this.permit(put))),
          unplaced: [...unplaced],
        })),
      ),
    };
  }

  private async begin(
    db: EntityManager,
    caller: Caller,
    request: BeginPutRequest,
    holds: HostHolds,
  ): Promise<BegunObject[]> {
    const ids = request.objects.map(({ objectId }) => objectId);
    if (new Set(ids).size < ids.length) {
      throw new ProtocolError('request_invalid', {}, { detail: 'objects: an object twice' });
    }
    const nowMs = this.clock.nowMs();
    const objects = await findObjects(db, ids);
    const shards = await findShards(db, [...objects.keys()]);
    const redundancy = this.redundancyFor(caller.peer.peerId);

    const plans = request.objects.map((wanted) => {
      const object = objects.get(wanted.objectId);
      const stored =
        object === undefined ? null : { object, shards: shards.filter(({ objectId }) => objectId === object.objectId) };
      const decision = planPut(caller.peer, wanted, stored, {
        redundancy,
        // Asked again for each object: what the ones before it took is held.
        candidates: this.hosts.candidates(),
        accountOf: (peerId) => this.accountOf(peerId),
        random: Math.random,
      });
      if (!decision.ok) {
        const detail = decision.detail === undefined ? {} : { detail: decision.detail };
        throw new ProtocolError(decision.code, { objectId: wanted.objectId }, detail);
      }
      const { plan } = decision;
      for (const { hostId, shard } of plan.placing) if (hostId !== null) holds.hold(hostId, shard.sizeBytes);
      return { wanted, isNew: stored === null, plan, puts: this.putsOf(caller, wanted.objectId, plan, nowMs) };
    });
    // From here it must succeed, but for the credit: then all of it is rolled back.

    const replaced = plans.flatMap(({ plan }) => plan.replaces);
    await this.voidReplaced(db, caller.peer.accountId, replaced, nowMs);
    for (const { wanted, plan } of plans) {
      await deleteUnstoredShards(
        db,
        wanted.objectId,
        plan.replaces.map(({ index }) => index),
      );
    }
    await insertObjects(
      db,
      plans
        .filter(({ isNew }) => isNew)
        .map(({ wanted, plan }) => ({
          objectId: wanted.objectId,
          accountId: caller.peer.accountId,
          kind: wanted.kind,
          sizeBytes: wanted.sizeBytes,
          dataShards: wanted.dataShards,
          totalShards: wanted.totalShards,
          safeShards: plan.safeShards,
          storedShards: 0,
          createdAtMs: nowMs,
        })),
    );
    const transactions = plans.flatMap(({ puts }) => puts.map(({ transaction }) => transaction));
    await insertShards(
      db,
      plans.flatMap(({ wanted, plan, puts }) => shardsOf(wanted.objectId, plan, puts)),
    );
    await insertTransactions(db, transactions);
    await this.ledger.post(
      db,
      transactions.map(({ id, clientAccountId, sizeBytes }) =>
        reserveMovement({ transactionId: id, client: clientAccountId, sizeBytes }),
      ),
      nowMs,
    );
    return plans.map(({ wanted, plan, puts }) => ({
      objectId: wanted.objectId,
      safeShards: plan.safeShards,
      puts,
      unplaced: plan.placing.filter(({ hostId }) => hostId === null).map(({ shard }) => shard.index),
      replaced: plan.replaces,
    }));
  }

  private redundancyFor(clientId: PeerId): Redundancy | null {
    const decision = decideRedundancy(this.settings.policy.redundancy, this.hosts.countEligible(clientId));
    return decision.ok ? decision.redundancy : null;
  }

  private accountOf(peerId: PeerId): AccountId {
    const peer = this.directory.find(peerId);
    if (peer === undefined) throw new TypeError('a host is an enrolled peer');
    return peer.accountId;
  }

  private putsOf(caller: Caller, objectId: ObjectId, plan: PutPlan, nowMs: number): BegunPut[] {
    const puts: BegunPut[] = [];
    for (const { shard, hostId } of plan.placing) {
      const host = hostId === null ? undefined : this.hosts.find(hostId);
      if (host === undefined) continue;
      const transaction: NewTransaction = {
        id: uuidV7<TransactionId>(nowMs, randomBytes(10)),
        op: 'put',
        clientId: caller.peer.peerId,
        clientAccountId: caller.peer.accountId,
        hostId: host.peerId,
        hostAccountId: host.accountId,
        objectId,
        shardIndex: shard.index,
        cid: shard.cid,
        sizeBytes: shard.sizeBytes,
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + this.settings.policy.tokenLifeMs,
      };
      puts.push({ transaction, host: this.hosts.addressOf(host) });
    }
    return puts;
  }

  private async voidReplaced(
    db: EntityManager,
    client: AccountId,
    replaced: readonly StoredShard[],
    nowMs: number,
  ): Promise<void> {
    const unfinished = replaced.filter(({ transactionId }) => transactionId !== null);
    if (unfinished.length === 0) return;
    await changeMany(
      db,
      `UPDATE transactions SET state = 'void' WHERE id IN ${placeholders(db, unfinished.length)}`,
      unfinished.map(({ transactionId }) => transactionId),
    );
    const movements = unfinished.map(({ transactionId, sizeBytes }) =>
      voidMovement({ transactionId: transactionId!, client, sizeBytes }),
    );
    await this.ledger.post(db, movements, nowMs);
  }

  private async permit({ transaction, host }: BegunPut): Promise<PutPermission> {
    const { shardIndex: index, id: transactionId } = transaction;
    return { index, transactionId, token: await this.tokens.seal(transaction), host };
  }
}

function shardsOf(objectId: ObjectId, plan: PutPlan, puts: readonly BegunPut[]): StoredShard[] {
  const transactionOf = new Map(puts.map(({ transaction }) => [transaction.shardIndex, transaction.id]));
  return plan.placing.map(({ shard, hostId }) => ({
    objectId,
    index: shard.index,
    cid: shard.cid,
    sizeBytes: shard.sizeBytes,
    state: hostId === null ? ('unplaced' as const) : ('placing' as const),
    hostId,
    transactionId: transactionOf.get(shard.index) ?? null,
  }));
}
