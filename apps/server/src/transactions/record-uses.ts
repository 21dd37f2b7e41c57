// Records the uses of universal tokens that reports prove: transactions of their own from then on, and for puts the
// objects and shards that the broker hears of for the first time.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import { type AccountId, type ErrorCode, type ObjectId, type PeerId, ProtocolError } from '#protocol';
import { durabilityClassOf } from '../exchange/durability-class.js';
import {
  findObjects,
  findShards,
  insertObjects,
  insertShards,
  type StoredObject,
  type StoredShard,
  shardsByObject,
} from '../objects/object-rows.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { Settings } from '../platform/settings.js';
import type { CheckedReport } from './decide-reports.js';
import { decideUse, decideUsePlacement, type ReportedUse } from './decide-uses.js';
import {
  findParts,
  insertTransactions,
  keyOf,
  type NewTransaction,
  type PartKey,
  type Transaction,
  updateMoved,
} from './transaction-rows.js';

/** A use, and which of the reports in the request told of it. */
export interface UseReport {
  readonly index: number;
  readonly reported: ReportedUse;
}

export interface PreparedUses {
  readonly transactions: readonly Transaction[];
  readonly reports: readonly CheckedReport[];
  readonly refused: ReadonlyMap<number, ErrorCode>;
  /** Shards of the uses that are puts, to be placed when they are paid. */
  readonly placements: ReadonlyMap<PartKey, UsePlacement>;
}

interface UsePlacement {
  readonly use: NewTransaction;
  readonly object: StoredObject;
  readonly isNewObject: boolean;
  readonly index: number;
  readonly hasRow: boolean;
}

interface KnownObject {
  readonly object: StoredObject;
  readonly shards: StoredShard[];
}

@Injectable()
export class RecordUses {
  constructor(
    private readonly directory: PeerDirectory,
    private readonly settings: Settings,
  ) {}

  /** Insert the uses that are new and within their tokens' budgets; a report that is refused leaves nothing. */
  async prepare(db: EntityManager, uses: readonly UseReport[], nowMs: number): Promise<PreparedUses> {
    const refused = new Map<number, ErrorCode>();
    const placements = new Map<PartKey, UsePlacement>();
    const reports: CheckedReport[] = [];
    if (uses.length === 0) return { transactions: [], reports, refused, placements };

    const parts = uses.map(({ reported: { token, use } }) => ({ id: token.id, hostId: token.hostId, item: use }));
    const known = byKey(await findParts(db, parts));
    const tokens = byKey(await findParts(db, [...byKey(uses.map(({ reported }) => reported.token)).values()]));
    const spent = new Map([...tokens].map(([key, { movedBytes, uses }]) => [key, { bytes: movedBytes, uses }]));
    const objects = await this.objectsOf(db, uses);
    const fresh = new Map<PartKey, NewTransaction>();

    for (const { index, reported } of uses) {
      const token = tokens.get(keyOf(reported.token));
      if (token === undefined) throw new TypeError('a token is not summed up before its reports are too late');
      const key = keyOf({ id: token.id, hostId: token.hostId, item: reported.use });
      const budget = spent.get(keyOf(token))!;
      const decision = decideUse(reported, known.get(key) ?? asKnown(fresh.get(key)), budget);
      if (!decision.ok) {
        refused.set(index, decision.code);
        continue;
      }
      const { transaction, isNew } = decision;
      const code =
        reported.object === null ? null : this.place(transaction, reported.object, objects, placements, nowMs);
      if (code !== null) {
        refused.set(index, code);
        continue;
      }
      if (isNew) {
        fresh.set(key, transaction);
        spent.set(keyOf(token), { bytes: budget.bytes + transaction.sizeBytes, uses: budget.uses + 1 });
      }
      reports.push({ part: key, from: reported.from, outcome: 'done', inReceipt: true });
    }
    await this.insert(db, [...fresh.values()], tokens, spent);
    return { transactions: await findParts(db, parts), reports, refused, placements };
  }

  /** Write down where the puts among these uses belong; they are paid. Returns them as they can be marked as stored. */
  async placeShards(
    db: EntityManager,
    prepared: PreparedUses,
    paid: readonly Transaction[],
  ): Promise<readonly Transaction[]> {
    const placed: Transaction[] = [];
    for (const use of paid) {
      const placement = prepared.placements.get(keyOf(use));
      if (placement === undefined) continue;
      const { object, isNewObject, index, hasRow } = placement;
      if (isNewObject) {
        const isThere = (await findObjects(db, [object.objectId])).has(object.objectId);
        if (!isThere) await insertObjects(db, [object]);
      }
      await changeMany(
        db,
        'UPDATE transactions SET object_id = $1, shard_index = $2 WHERE id = $3 AND host_id = $4 AND item = $5',
        [object.objectId, index, use.id, use.hostId, use.item],
      );
      // Looked at again: a use that was to make the row may not have been paid.
      const isThere = hasRow && (await findShards(db, [object.objectId])).some((shard) => shard.index === index);
      if (!isThere) await insertShards(db, [shardOf(use, object.objectId, index)]);
      placed.push({ ...use, objectId: object.objectId, shardIndex: index });
    }
    return placed;
  }

  /** Why the shard may not be that one; null when it may, and is then known for the reports after it. */
  private place(
    use: NewTransaction,
    object: NonNullable<ReportedUse['object']>,
    objects: Map<ObjectId, KnownObject>,
    placements: Map<PartKey, UsePlacement>,
    nowMs: number,
  ): ErrorCode | null {
    if (placements.has(keyOf(use))) return null;
    const known = objects.get(object.objectId) ?? null;
    const decision = decideUsePlacement({ use, object, nowMs }, known, {
      durability: durabilityClassOf(this.settings.policy)!,
      accountOf: (peerId) => this.accountOf(peerId),
    });
    if (!decision.ok) return decision.code;
    const { newObject, hasRow } = decision;
    const entry = known ?? { object: newObject!, shards: [] };
    objects.set(object.objectId, entry);
    if (!hasRow) entry.shards.push(shardOf(use, object.objectId, object.index));
    // Whether it is in the table is looked at when it is written: the one before may not have been paid.
    const isNewObject = entry.object.storedShards === 0;
    placements.set(keyOf(use), { use, object: entry.object, isNewObject, index: object.index, hasRow });
    return null;
  }

  private async insert(
    db: EntityManager,
    fresh: readonly NewTransaction[],
    tokens: ReadonlyMap<PartKey, Transaction>,
    spent: ReadonlyMap<PartKey, { bytes: number; uses: number }>,
  ): Promise<void> {
    const tokenOf = (use: NewTransaction): Transaction => tokens.get(keyOf({ ...use, item: 0 }))!;
    await insertTransactions(
      db,
      fresh.filter((use) => tokenOf(use).state === 'issued'),
    );
    // What was set aside for the token has gone back: such a use is paid from what is free, or not at all.
    await insertTransactions(
      db,
      fresh.filter((use) => tokenOf(use).state !== 'issued'),
      'void',
    );
    for (const token of new Set(fresh.map(tokenOf))) {
      await updateMoved(db, token, spent.get(keyOf(token))!);
    }
  }

  private async objectsOf(db: EntityManager, uses: readonly UseReport[]): Promise<Map<ObjectId, KnownObject>> {
    const ids = [
      ...new Set(uses.flatMap(({ reported }) => (reported.object === null ? [] : [reported.object.objectId]))),
    ];
    if (ids.length === 0) return new Map();
    const objects = await findObjects(db, ids);
    const shards = shardsByObject(await findShards(db, [...objects.keys()]));
    return new Map([...objects].map(([id, object]) => [id, { object, shards: shards.get(id) ?? [] }]));
  }

  private accountOf(peerId: PeerId): AccountId {
    const peer = this.directory.find(peerId);
    if (peer === undefined) throw new ProtocolError('peer_unknown');
    return peer.accountId;
  }
}

function byKey<T extends Parameters<typeof keyOf>[0]>(parts: readonly T[]): Map<PartKey, T> {
  return new Map(parts.map((part) => [keyOf(part), part]));
}

/** A use that an earlier report of the same request told. */
function asKnown(use: NewTransaction | undefined): Transaction | undefined {
  if (use === undefined) return undefined;
  return { ...use, state: 'issued', movedBytes: 0, uses: 0, hasReceipt: false, clientOutcome: null, hostOutcome: null };
}

function shardOf(use: NewTransaction, objectId: ObjectId, index: number): StoredShard {
  const { cid, sizeBytes, hostId, id: transactionId, item: transactionItem } = use;
  if (cid === null) throw new TypeError('a use names its shard');
  return {
    objectId,
    index,
    cid,
    sizeBytes,
    state: 'placing',
    hostId,
    transactionId,
    transactionItem,
    retainUntilMs: null,
    charge: 0,
  };
}
