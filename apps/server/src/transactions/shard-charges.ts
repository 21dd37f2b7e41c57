// What shards cost stands in the used purse of their account: it comes there when their put is settled, stays when they
// are lost, for whoever holds them next, and goes back when they are deleted. Each function is part of the unit that
// changes the shards.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import type { AccountId, ContentId, GroupId, ObjectId, PeerId, TransactionId } from '#protocol';
import { uuidV7 } from '#protocol';
import { Ledger } from '../ledger/ledger.js';
import { type Movement, releaseMovement } from '../ledger/movement.js';
import { givenBack, settlementOf } from './movements.js';
import {
  findParts,
  holdsReservation,
  inStatements,
  isOneOf,
  keyOf,
  type NewTransaction,
  type Part,
  type PartKey,
  partValues,
  tuples,
  updateParts,
} from './transaction-rows.js';

/** A shard of an object, by its place in it. */
export interface ShardName {
  readonly objectId: ObjectId;
  readonly index: number;
}

/** Content of a group at one member. */
export interface ContentName {
  readonly groupId: GroupId;
  readonly hostId: PeerId;
  readonly cid: ContentId;
}

@Injectable()
export class ShardCharges {
  constructor(private readonly ledger: Ledger) {}

  /**
   * These shards are about to be forgotten: what they cost goes back to their accounts.
   * A put of one that is not settled yet is over, and gives back what is set aside for it; the caller takes its name from
   * the shard, or deletes the row. Shards that cost nothing are passed over, so that asking twice gives back once.
   */
  async releaseShards(db: EntityManager, shards: readonly ShardName[], atMs: number): Promise<void> {
    for (const some of inStatements(shards)) {
      const rows = await db.query<ChargedRow[]>(
        `SELECT o.account_id AS account_id, s.charge AS charge, t.id AS id, t.host_id AS host_id, t.item AS item,
           t.group_id AS group_id, t.charge AS set_aside
         FROM shards s JOIN objects o ON o.id = s.object_id
         LEFT JOIN transactions t ON t.id = s.transaction_id AND t.host_id = s.host_id AND t.item = s.transaction_item
           AND s.state = 'stored' AND t.is_use = 0 AND t.charge > 0 AND t.state IN ('issued', 'unconfirmed')
         WHERE (s.charge > 0 OR t.id IS NOT NULL) AND (s.object_id, s.shard_index) IN ${shardTuples(db, some)}`,
        shardValues(some),
      );
      if (rows.length === 0) continue;
      await changeMany(
        db,
        `UPDATE shards SET charge = 0 WHERE (object_id, shard_index) IN ${shardTuples(db, some)}`,
        shardValues(some),
      );
      const unsettled = rows.filter((row): row is UnsettledRow => row.id !== null);
      const puts = unsettled.map(({ id, host_id: hostId, item }) => ({ id, hostId, item }));
      await updateParts(db, 'state', 'void', puts);
      await this.ledger.post(
        db,
        [
          ...releases(
            rows.map((row) => ({ owner: row.account_id, charge: Number(row.charge) })),
            atMs,
          ),
          ...unsettled.map((row) =>
            givenBack(
              {
                id: row.id,
                hostId: row.host_id,
                item: row.item,
                groupId: row.group_id,
                clientAccountId: row.account_id,
              },
              Number(row.set_aside),
            ),
          ),
        ],
        atMs,
      );
    }
  }

  /**
   * These stored shards are about to lose their host, and what they cost stays for the next one. A put that waits for its
   * client's word is charged at once: what it has set aside would else come back to an account whose shard is repaired.
   */
  async keepCharges(db: EntityManager, shards: readonly ShardName[], atMs: number): Promise<void> {
    for (const some of inStatements(shards)) {
      const rows = await db.query<{ id: TransactionId; host_id: PeerId; item: number }[]>(
        `SELECT transaction_id AS id, host_id, transaction_item AS item FROM shards
         WHERE state = 'stored' AND transaction_id IS NOT NULL
           AND (object_id, shard_index) IN ${shardTuples(db, some)}`,
        shardValues(some),
      );
      const parts = rows.map(({ id, host_id: hostId, item }) => ({ id, hostId, item }));
      const puts = (await findParts(db, parts)).filter(
        ({ isUse, charge, state }) => !isUse && charge > 0 && holdsReservation(state),
      );
      if (puts.length === 0) continue;
      await updateParts(db, 'state', 'settled', puts);
      await this.ledger.post(
        db,
        puts.map((put) => settlementOf(put, 'reserved')),
        atMs,
      );
      await this.chargeShards(db, puts, atMs);
    }
  }

  /** As releaseShards, of contents that groups have no more. */
  async releaseContents(db: EntityManager, contents: readonly ContentName[], atMs: number): Promise<void> {
    for (const some of inStatements(contents)) {
      const among = `charge > 0 AND (group_id, host_id, cid) IN ${tuples(db, { count: some.length, first: 1, columns: ['text', 'text', 'text'] })}`;
      const values = some.flatMap(({ groupId, hostId, cid }) => [groupId, hostId, cid]);
      const rows = await db.query<{ account_id: AccountId; charge: number | string }[]>(
        `SELECT account_id, charge FROM group_contents WHERE ${among}`,
        values,
      );
      if (rows.length === 0) continue;
      await changeMany(db, `UPDATE group_contents SET charge = 0 WHERE ${among}`, values);
      const given = rows.map((row) => ({ owner: row.account_id, charge: Number(row.charge) }));
      await this.ledger.post(db, releases(given, atMs), atMs);
    }
  }

  /**
   * These puts are settled, and placed as far as they are: what each cost stands at its shard from now on. What is paid
   * for a shard that is there no more, or that another put has stored, goes back.
   */
  async chargeShards(db: EntityManager, settled: readonly NewTransaction[], atMs: number): Promise<void> {
    const puts = settled.filter(({ op, charge }) => op === 'put' && charge > 0);
    const inGroups = puts.filter(({ groupId }) => groupId !== null);
    const ofObjects = puts.filter(({ groupId }) => groupId === null);
    const unplaced: NewTransaction[] = [];
    for (const some of inStatements(ofObjects)) {
      const charged = await changeMany(
        db,
        `UPDATE shards SET charge = t.charge FROM transactions t WHERE ${isOneOf(db, some, 1, 't.')} AND ${IS_BY}`,
        partValues(some),
      );
      if (charged === some.length) continue;
      const placed = await this.placedOf(db, some);
      unplaced.push(...some.filter((put) => !placed.has(keyOf(put))));
    }
    for (const put of inGroups) {
      const charged = await changeMany(
        db,
        `UPDATE group_contents SET charge = $1, account_id = $2
         WHERE group_id = $3 AND host_id = $4 AND cid = $5 AND charge = 0`,
        [put.charge, put.clientAccountId, put.groupId, put.hostId, put.cid],
      );
      if (charged === 0) unplaced.push(put);
    }
    const given = unplaced.map(({ clientAccountId, charge }) => ({ owner: clientAccountId!, charge }));
    await this.ledger.post(db, releases(given, atMs), atMs);
  }

  private async placedOf(db: EntityManager, puts: readonly Part[]): Promise<ReadonlySet<PartKey>> {
    const rows = await db.query<{ id: TransactionId; host_id: PeerId; item: number }[]>(
      `SELECT t.id AS id, t.host_id AS host_id, t.item AS item FROM transactions t
       JOIN shards ON shards.object_id = t.object_id AND shards.shard_index = t.shard_index
       WHERE ${isOneOf(db, puts, 1, 't.')} AND ${IS_BY}`,
      partValues(puts),
    );
    return new Set(rows.map(({ id, host_id: hostId, item }) => keyOf({ id, hostId, item })));
  }
}

/** A shard is where this put has stored it. */
const IS_BY = `shards.object_id = t.object_id AND shards.shard_index = t.shard_index AND shards.state = 'stored'
  AND shards.transaction_id = t.id AND shards.host_id = t.host_id AND shards.transaction_item = t.item`;

interface ChargedRow {
  account_id: AccountId;
  charge: number | string;
  id: TransactionId | null;
  host_id: PeerId | null;
  item: number | null;
  group_id: GroupId | null;
  set_aside: number | string | null;
}
interface UnsettledRow extends ChargedRow {
  id: TransactionId;
  host_id: PeerId;
  item: number;
}

/** One movement for each account: the ledger grows by what people do, not by shards. */
function releases(given: readonly { readonly owner: AccountId; readonly charge: number }[], atMs: number): Movement[] {
  const sums = new Map<AccountId, bigint>();
  for (const { owner, charge } of given) {
    if (charge > 0) sums.set(owner, (sums.get(owner) ?? 0n) + BigInt(charge));
  }
  return [...sums].map(([owner, charge]) => releaseMovement({ id: newId(atMs), owner, charge }));
}

/** The shards themselves say whether they have been released; the name of the movement only has to be new. */
function newId(atMs: number): string {
  return uuidV7(atMs, randomBytes(10));
}

function shardTuples(db: EntityManager, shards: readonly ShardName[]): string {
  return tuples(db, { count: shards.length, first: 1, columns: ['text', 'integer'] });
}

function shardValues(shards: readonly ShardName[]): (string | number)[] {
  return shards.flatMap(({ objectId, index }) => [objectId, index]);
}
