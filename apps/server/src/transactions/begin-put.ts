// Begins puts: decides where shards go (B24), sets credit aside, and permits each transfer by a token for its host, or
// all transfers to a host by one. The client names the object only, or also the host of a shard (both cases of B11).
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { JoinedWrites, type Outcome } from '#database';
import { Clock } from '#process';
import {
  type BeginPutAnswer,
  type BeginPutRequest,
  formatTime,
  isRefusal,
  type ObjectId,
  type ObjectToPut,
  type PeerId,
  ProtocolError,
  type PutBatch,
  type PutPermission,
  type Redundancy,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { decideCharge } from '../exchange/decide-charge.js';
import { type DurabilityClass, durabilityClassOf } from '../exchange/durability-class.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { Ledger } from '../ledger/ledger.js';
import { PUTS_TOGETHER_MAX, PUTS_WAITING_MAX } from '../limits.js';
import { UniversalOffer } from '../load/universal-offer.js';
import {
  deleteUnstoredShards,
  findObjects,
  findShards,
  insertObjects,
  insertShards,
  type StoredObject,
  type StoredShard,
  shardsByObject,
} from '../objects/object-rows.js';
import { findAppendOnly } from '../peers/append-only.js';
import type { Wishes } from '../placement/candidate.js';
import { decideRedundancy } from '../placement/decide-redundancy.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { checkWishes, filterOf, findMembers, type MembersOfGroups } from '../placement/wished-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { type BegunToken, permittedBy } from './begun-token.js';
import { HostHolds } from './host-holds.js';
import { reservationTogether } from './movements.js';
import { type PutPlan, planPut } from './plan-put.js';
import {
  agreedCharges,
  movesOf,
  objectOf,
  type PlacedShard,
  type PlannedObject,
  retainTime,
  shardsOf,
} from './planned-object.js';
import { PutCredit } from './put-credit.js';
import { putTokens } from './put-tokens.js';
import { markMoving } from './shard-places.js';
import { insertTransactions } from './transaction-rows.js';

/** A request on its way to the database. */
interface AskedPut {
  readonly caller: Caller;
  readonly request: BeginPutRequest;
  readonly holds: HostHolds;
}

/** The request as it was committed. */
interface Begun {
  readonly planned: readonly PlannedObject[];
  readonly tokens: readonly BegunToken[];
}

/** What a unit has read before it decides its requests. */
interface Known {
  readonly objects: ReadonlyMap<ObjectId, StoredObject>;
  readonly shards: ReadonlyMap<ObjectId, readonly StoredShard[]>;
  readonly credit: PutCredit;
  /** Of the groups that requests, and objects there are, name in their wishes. */
  readonly members: MembersOfGroups;
  /** Of the machines that ask to move shards, those that may not delete. */
  readonly addingOnly: ReadonlySet<PeerId>;
}

@Injectable()
export class BeginPut {
  private readonly joined: JoinedWrites<AskedPut, Begun>;

  constructor(
    database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly ledger: Ledger,
    private readonly tokens: TokenIssuer,
    private readonly offer: UniversalOffer,
  ) {
    this.joined = new JoinedWrites({
      write: (unit) => database.write(unit),
      together: (db, asked) => this.beginTogether(db, asked),
      togetherMax: PUTS_TOGETHER_MAX,
      waitingMax: PUTS_WAITING_MAX,
    });
  }

  /**
   * One write unit for the whole request, shared with others that ask now; tokens are sealed after its commit. Asking
   * again for a shard whose put has not ended places the shard anew. The put before goes on, and so does what is set
   * aside for it: its token is good at its host. A shard that is stored already is in neither list of the answer, unless
   * the client cannot have it of the host that it names.
   *
   * throws   request_invalid | redundancy_changed | not_enough_hosts | target_unavailable | object_conflict |
   *          credit_exceeded | durability_unknown | group_not_member | peer_append_only for a stored shard that is to move
   */
  async run(caller: Caller, request: BeginPutRequest): Promise<BeginPutAnswer> {
    const ids = request.objects.map(({ objectId }) => objectId);
    if (new Set(ids).size < ids.length) {
      throw new ProtocolError('request_invalid', {}, { detail: 'objects: an object twice' });
    }
    const asked: AskedPut = { caller, request, holds: new HostHolds(this.hosts) };
    let begun: Begun;
    try {
      begun = await this.joined.run(asked);
    } catch (error) {
      asked.holds.undo();
      throw error;
    }
    return this.answer(begun, request.batch === true);
  }

  /** Part of one unit. A request that is refused, for want of credit too, leaves the others alone. */
  private async beginTogether(db: EntityManager, asked: readonly AskedPut[]): Promise<Outcome<Begun>[]> {
    if (nameAnObjectTwice(asked)) return this.beginOneByOne(db, asked);
    const nowMs = this.clock.nowMs();
    try {
      const objects = await findObjects(
        db,
        asked.flatMap(({ request }) => request.objects.map(({ objectId }) => objectId)),
      );
      const shards = shardsByObject(await findShards(db, [...objects.keys()]));
      const accountIds = asked.map(({ caller }) => caller.peer.accountId);
      const credit = new PutCredit(await this.ledger.availableOf(db, accountIds));
      const addingOnly = await findAppendOnly(db, moversAmong(asked));
      const wishes = [...objects.values(), ...asked.map(({ request }) => request)].map((each) => each.wishes ?? {});
      const members = await findMembers(db, wishes);
      const outcomes = asked.map((put) => this.plan(put, { objects, shards, credit, members, addingOnly }, nowMs));
      await this.write(
        db,
        asked.flatMap(({ caller }, i) => {
          const outcome = outcomes[i]!;
          return outcome.ok ? [{ caller, ...outcome.result }] : [];
        }),
        nowMs,
      );
      return outcomes;
    } catch (error) {
      for (const { holds } of asked) holds.undo();
      throw error;
    }
  }

  /** The second request for an object must see what the first one made of it. */
  private async beginOneByOne(db: EntityManager, asked: readonly AskedPut[]): Promise<Outcome<Begun>[]> {
    const outcomes: Outcome<Begun>[] = [];
    for (const put of asked) outcomes.push(...(await this.beginTogether(db, [put])));
    return outcomes;
  }

  /** Decide one request. What it takes of hosts is held at once, and given back when it is refused. */
  private plan(
    { caller, request, holds }: AskedPut,
    { objects, shards, credit, members, addingOnly }: Known,
    nowMs: number,
  ): Outcome<Begun> {
    holds.undo();
    const asked = durabilityClassOf(this.settings.policy, request.durability);
    if (asked === null) return { ok: false, error: new ProtocolError('durability_unknown') };
    const placed: PlacedShard[] = [];
    try {
      const wished = request.wishes ?? {};
      checkWishes(caller.peer.peerId, wished, members);
      const redundancy = this.redundancyFor(caller.peer.peerId, asked, filterOf(wished, members));
      const planned = request.objects.map((wanted): PlannedObject => {
        const object = objects.get(wanted.objectId);
        const stored = object === undefined ? null : { object, shards: shards.get(object.objectId) ?? [] };
        const wishes = stored?.object.wishes ?? wished;
        const decision = planPut(caller.peer, wanted, stored, {
          redundancy,
          candidates: this.hosts.candidates(),
          candidateOf: (peerId) => this.hosts.candidateOf(peerId),
          holderOf: (peerId) => this.hosts.holderOf(peerId),
          vettingShare: this.settings.policy.placement.vettingShare,
          wishes: filterOf(wishes, members),
          random: Math.random,
          mayMove: !addingOnly.has(caller.peer.peerId),
          nowMs,
        });
        if (!decision.ok) {
          const detail = decision.detail === undefined ? {} : { detail: decision.detail };
          const host = decision.hostId === undefined ? {} : { hostId: decision.hostId };
          throw new ProtocolError(decision.code, { objectId: wanted.objectId, ...host }, detail);
        }
        const { plan } = decision;
        for (const { hostId, shard } of plan.placing) if (hostId !== null) holds.hold(hostId, shard.sizeBytes);
        // What an object costs is agreed on when it is begun; a class that the policy has no more costs as the default one.
        const kept = stored === null ? asked : durabilityClassOf(this.settings.policy, stored.object.durability);
        const { name: durability, ratio } = kept ?? durabilityClassOf(this.settings.policy)!;
        placed.push(...this.placedBy(wanted, plan, { clientId: caller.peer.peerId, ratio, nowMs }));
        return { wanted, isNew: stored === null, plan, durability: stored?.object.durability ?? durability, wishes };
      });
      const tokens = putTokens(caller, placed, { ...this.settings.policy, batch: request.batch === true, nowMs });
      credit.take(
        caller.peer.accountId,
        placed.reduce((sum, { charge }) => sum + BigInt(charge), 0n),
      );
      return { ok: true, result: { planned, tokens } };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      holds.undo();
      return { ok: false, error };
    }
  }

  /** Everything that these requests change, each table once. */
  private async write(
    db: EntityManager,
    begun: readonly (Begun & { readonly caller: Caller })[],
    nowMs: number,
  ): Promise<void> {
    const replaced = begun.flatMap(({ planned }) => planned.flatMap(({ plan }) => plan.replaces));
    await deleteUnstoredShards(db, replaced);
    await insertObjects(
      db,
      begun.flatMap(({ caller, planned }) =>
        planned.filter(({ isNew }) => isNew).map((object) => objectOf(object, caller.peer, nowMs)),
      ),
    );
    const transactions = begun.flatMap(({ tokens }) => tokens.flatMap(({ rows }) => rows));
    await insertShards(
      db,
      begun.flatMap(({ planned, tokens }) =>
        shardsOf(
          planned,
          tokens.flatMap(({ rows }) => rows),
        ),
      ),
    );
    await markMoving(
      db,
      begun.flatMap(({ planned }) => movesOf(planned, transactions)),
    );
    await insertTransactions(db, transactions);
    const movements = begun.flatMap(({ tokens }) => reservationTogether(tokens.flatMap(({ rows }) => rows)));
    await this.ledger.postNew(db, movements, nowMs);
  }

  private redundancyFor(clientId: PeerId, { redundancy }: DurabilityClass, wishes: Wishes): Redundancy | null {
    const decision = decideRedundancy(redundancy, this.hosts.countEligible(clientId, wishes));
    return decision.ok ? decision.redundancy : null;
  }

  private placedBy(
    wanted: ObjectToPut,
    plan: PutPlan,
    { clientId, ratio, nowMs }: { readonly clientId: PeerId; readonly ratio: number; readonly nowMs: number },
  ): PlacedShard[] {
    const retainUntilMs = retainTime(wanted, nowMs);
    const agreed = agreedCharges(plan);
    return plan.placing.flatMap(({ shard, hostId }): PlacedShard[] => {
      const host = hostId === null ? undefined : this.hosts.find(hostId);
      if (host === undefined) return [];
      const { objectId, dataShards, totalShards } = wanted;
      const { accountId: hostAccountId } = host;
      const { sizeBytes } = shard;
      const charge = agreed.has(shard.index) ? 0 : decideCharge({ sizeBytes, dataShards, totalShards, ratio });
      const address = this.hosts.addressOf(host, clientId);
      return [{ objectId, shard, cid: shard.cid, charge, host: address, hostAccountId, retainUntilMs }];
    });
  }

  private async answer({ planned, tokens }: Begun, batch: boolean): Promise<BeginPutAnswer> {
    const permissions = new Map<ObjectId, PutPermission[]>(planned.map(({ wanted }) => [wanted.objectId, []]));
    const batches: PutBatch[] = [];
    const sealed = await this.tokens.sealAll(tokens.map(permittedBy));
    for (const [i, { rows, host }] of tokens.entries()) {
      const { id: transactionId, expiresAtMs } = rows[0]!;
      const token = sealed[i]!;
      const items = rows.map(({ objectId, shardIndex }) => ({ objectId: objectId!, index: shardIndex! }));
      if (batch) batches.push({ transactionId, token, host, expiresAt: formatTime(expiresAtMs), items });
      else
        for (const { objectId, index } of items) permissions.get(objectId)!.push({ index, transactionId, token, host });
    }
    return {
      objects: planned.map(({ wanted: { objectId }, plan }) => ({
        objectId,
        safeShards: plan.safeShards,
        permissions: permissions.get(objectId)!,
        unplaced: [
          ...plan.placing.filter(({ hostId }) => hostId === null).map(({ shard }) => shard.index),
          ...plan.staying,
        ],
      })),
      ...(batch ? { batches } : {}),
      universalOffered: this.offer.isMade,
    };
  }
}

function moversAmong(asked: readonly AskedPut[]): PeerId[] {
  const asksToMove = ({ request }: AskedPut): boolean =>
    request.objects.some(({ shards }) => shards.some(({ insteadOf }) => insteadOf !== undefined));
  return [...new Set(asked.filter(asksToMove).map(({ caller }) => caller.peer.peerId))];
}

function nameAnObjectTwice(asked: readonly AskedPut[]): boolean {
  const ids = asked.flatMap(({ request }) => request.objects.map(({ objectId }) => objectId));
  return new Set(ids).size < ids.length;
}
