// The table of transactions: what the broker allowed, and what both ends said about it since.

import type { EntityManager } from 'typeorm';
import { changeMany, insertRows, placeholders, type SqlValue } from '#database';
import type { AccountId, ContentId, GroupId, ObjectId, PeerId, Requester, TokenOp, TransactionId } from '#protocol';

/**
 * `issued`: under way. `unconfirmed`: the host signed a receipt, the client never confirmed; its credit stays set aside.
 * `settled` and `void` are ends; a late pair of reports may still settle a void one.
 */
export type TransactionState = 'issued' | 'unconfirmed' | 'settled' | 'void';

/** Is the client's credit for a put in this state still set aside? */
export function holdsReservation(state: TransactionState): boolean {
  return state === 'issued' || state === 'unconfirmed';
}

/**
 * One row. A transaction has several when it goes to several hosts (a group) or names several items (a batch), and one
 * more for each reported use of a universal token, which is a put, get or stream of its own.
 */
export interface Part {
  readonly id: TransactionId;
  readonly hostId: PeerId;
  /** Position in the token; of a use, its number, from 1. */
  readonly item: number;
}

export interface NewTransaction extends Part {
  readonly isUse: boolean;
  readonly op: TokenOp;
  readonly clientId: Requester;
  /** Null for the broker itself. */
  readonly clientAccountId: AccountId | null;
  readonly hostAccountId: AccountId;
  /** Null for what is not of an object: universal tokens, groups, probes. */
  readonly objectId: ObjectId | null;
  readonly shardIndex: number | null;
  readonly cid: ContentId | null;
  /** 0 for what has no shard. */
  readonly sizeBytes: number;
  /** What it costs: of a put its shard's charge, of a universal token all that its uses may cost; else 0. */
  readonly charge: number;
  readonly maxBytes: number | null;
  readonly maxUses: number | null;
  readonly groupId: GroupId | null;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export interface Transaction extends NewTransaction {
  readonly state: TransactionState;
  /** Of a token of several uses: bytes moved and uses so far, as receipts told. */
  readonly movedBytes: number;
  readonly uses: number;
  /** A valid receipt came, from either end. */
  readonly hasReceipt: boolean;
  /** `done`, an error code, or null for silence. */
  readonly clientOutcome: string | null;
  readonly hostOutcome: string | null;
}

/** The text by which a part is known in maps. */
export type PartKey = string;

export function keyOf({ id, hostId, item }: Part): PartKey {
  return `${id}/${hostId}/${item}`;
}

/** What a new transaction has unless it says otherwise: one item, one host, no budget. */
export const PLAIN = { item: 0, isUse: false, charge: 0, maxBytes: null, maxUses: null, groupId: null } as const;

const COLUMNS = [
  'id',
  'host_id',
  'item',
  'is_use',
  'op',
  'state',
  'client_id',
  'client_account_id',
  'host_account_id',
  'object_id',
  'shard_index',
  'cid',
  'size_bytes',
  'charge',
  'max_bytes',
  'max_uses',
  'group_id',
  'issued_at_ms',
  'expires_at_ms',
] as const;

/** state: of all of them; a use that is reported after its token has ended begins as `void`. */
export async function insertTransactions(
  db: EntityManager,
  transactions: readonly NewTransaction[],
  state: TransactionState = 'issued',
): Promise<void> {
  await insertRows(
    db,
    { table: 'transactions', columns: COLUMNS },
    transactions.map((t) => [
      t.id,
      t.hostId,
      t.item,
      t.isUse ? 1 : 0,
      t.op,
      state,
      t.clientId,
      t.clientAccountId,
      t.hostAccountId,
      t.objectId,
      t.shardIndex,
      t.cid,
      t.sizeBytes,
      t.charge,
      t.maxBytes,
      t.maxUses,
      t.groupId,
      t.issuedAtMs,
      t.expiresAtMs,
    ]),
  );
}

/** The parts of `ids` that exist, uses left out, in the order of their tokens; at most `limit`. */
export async function findTransactions(
  db: EntityManager,
  ids: readonly TransactionId[],
  limit: number,
): Promise<Transaction[]> {
  if (ids.length === 0) return [];
  const rows = await db.query<TransactionRow[]>(
    `${SELECT} WHERE id IN ${placeholders(db, ids.length)} AND is_use = 0 ORDER BY id, host_id, item LIMIT ${limit}`,
    [...ids],
  );
  return rows.map(transactionFrom);
}

/** Those of the parts that exist. */
export async function findParts(db: EntityManager, parts: readonly Part[]): Promise<Transaction[]> {
  const found: Transaction[] = [];
  for (const some of inStatements(parts)) {
    const rows = await db.query<TransactionRow[]>(`${SELECT} WHERE ${isOneOf(db, some)}`, partValues(some));
    found.push(...rows.map(transactionFrom));
  }
  return found;
}

/** Transactions in this state whose token ended before `beforeMs`, oldest first. */
export async function findEnded(
  db: EntityManager,
  ended: { state: TransactionState; beforeMs: number; limit: number },
): Promise<Transaction[]> {
  const rows = await db.query<TransactionRow[]>(
    `${SELECT} WHERE state = $1 AND expires_at_ms < $2 ORDER BY expires_at_ms LIMIT ${ended.limit}`,
    [ended.state, ended.beforeMs],
  );
  return rows.map(transactionFrom);
}

/** What the uses of a universal token have cost, or may still cost: the charges of its puts that are not void. */
export async function sumOfPutUses(db: EntityManager, { id, hostId }: Part): Promise<number> {
  const [row] = await db.query<{ charge: number | string | null }[]>(
    `SELECT SUM(charge) AS charge FROM transactions
     WHERE id = $1 AND host_id = $2 AND is_use = 1 AND op = 'put' AND state <> 'void'`,
    [id, hostId],
  );
  return Number(row?.charge ?? 0);
}

/** Set one column of many parts to one value. */
export async function updateParts(
  db: EntityManager,
  column: 'receipt_at_ms' | 'client_outcome' | 'host_outcome' | 'state',
  value: string | number,
  parts: readonly Part[],
): Promise<void> {
  for (const some of inStatements(parts)) {
    await changeMany(db, `UPDATE transactions SET ${column} = $1 WHERE ${isOneOf(db, some, 2)}`, [
      value,
      ...partValues(some),
    ]);
  }
}

/** What receipts told of a token of several uses. */
export async function updateMoved(
  db: EntityManager,
  part: Part,
  moved: { bytes: number; uses: number },
): Promise<void> {
  await changeMany(
    db,
    'UPDATE transactions SET moved_bytes = $1, uses = $2 WHERE id = $3 AND host_id = $4 AND item = $5',
    [moved.bytes, moved.uses, part.id, part.hostId, part.item],
  );
}

export async function deleteParts(db: EntityManager, parts: readonly Part[]): Promise<void> {
  for (const some of inStatements(parts)) {
    await changeMany(db, `DELETE FROM transactions WHERE ${isOneOf(db, some)}`, partValues(some));
  }
}

const PARTS_PER_STATEMENT = 2_000;
const PART_COLUMNS = ['text', 'text', 'integer'] as const;

/** So many parts that one statement can name them. */
export function inStatements<T>(parts: readonly T[]): T[][] {
  const some: T[][] = [];
  for (let first = 0; first < parts.length; first += PARTS_PER_STATEMENT) {
    some.push(parts.slice(first, first + PARTS_PER_STATEMENT));
  }
  return some;
}

/**
 * The condition that a row is one of the parts; its values are partValues, from parameter number `first` on. Both
 * databases look it up by the primary key.
 */
export function isOneOf(db: EntityManager, parts: readonly Part[], first = 1, table = ''): string {
  return `(${table}id, ${table}host_id, ${table}item) IN ${tuples(db, { count: parts.length, first, columns: PART_COLUMNS })}`;
}

/** `(VALUES ($1, $2, CAST($3 AS integer)), ...)`: `count` rows of these columns, from parameter `first` on. */
export function tuples(
  db: EntityManager,
  { count, first, columns }: { count: number; first: number; columns: readonly ('text' | 'integer')[] },
): string {
  let next = first;
  const value = (type: string): string => {
    const parameter = db.connection.driver.createParameter('', next++ - 1);
    // PostgreSQL takes a parameter in a list of values for a text.
    return type === 'text' ? parameter : `CAST(${parameter} AS ${type})`;
  };
  return `(VALUES ${Array.from({ length: count }, () => `(${columns.map(value).join(', ')})`).join(', ')})`;
}

export function partValues(parts: readonly Part[]): SqlValue[] {
  return parts.flatMap(({ id, hostId, item }) => [id, hostId, item]);
}

interface TransactionRow {
  id: TransactionId;
  host_id: PeerId;
  item: number;
  is_use: number;
  op: TokenOp;
  state: TransactionState;
  client_id: Requester;
  client_account_id: AccountId | null;
  host_account_id: AccountId;
  object_id: ObjectId | null;
  shard_index: number | null;
  cid: ContentId | null;
  size_bytes: number | string;
  charge: number | string;
  max_bytes: number | string | null;
  max_uses: number | null;
  moved_bytes: number | string;
  uses: number;
  group_id: GroupId | null;
  issued_at_ms: number | string;
  expires_at_ms: number | string;
  receipt_at_ms: number | string | null;
  client_outcome: string | null;
  host_outcome: string | null;
}

const SELECT = `SELECT ${COLUMNS.join(', ')}, moved_bytes, uses, receipt_at_ms, client_outcome, host_outcome FROM transactions`;

function transactionFrom(row: TransactionRow): Transaction {
  return {
    id: row.id,
    hostId: row.host_id,
    item: row.item,
    isUse: row.is_use === 1,
    op: row.op,
    state: row.state,
    clientId: row.client_id,
    clientAccountId: row.client_account_id,
    hostAccountId: row.host_account_id,
    objectId: row.object_id,
    shardIndex: row.shard_index,
    cid: row.cid,
    sizeBytes: Number(row.size_bytes),
    charge: Number(row.charge),
    maxBytes: row.max_bytes === null ? null : Number(row.max_bytes),
    maxUses: row.max_uses,
    movedBytes: Number(row.moved_bytes),
    uses: row.uses,
    groupId: row.group_id,
    issuedAtMs: Number(row.issued_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    hasReceipt: row.receipt_at_ms !== null,
    clientOutcome: row.client_outcome,
    hostOutcome: row.host_outcome,
  };
}
