// The table of transactions: what the broker allowed, and what both ends said about it since.

import type { EntityManager } from 'typeorm';
import { insertRows, placeholders } from '#database';
import type { AccountId, ContentId, ObjectId, PeerId, TokenOp, TransactionId } from '#protocol';

/**
 * `issued`: under way. `unconfirmed`: the host signed a receipt, the client never confirmed; its credit stays set aside.
 * `settled` and `void` are ends; a late pair of reports may still settle a void one.
 */
export type TransactionState = 'issued' | 'unconfirmed' | 'settled' | 'void';

/** Is the client's credit for a put in this state still set aside? */
export function holdsReservation(state: TransactionState): boolean {
  return state === 'issued' || state === 'unconfirmed';
}

export interface NewTransaction {
  readonly id: TransactionId;
  readonly op: TokenOp;
  readonly clientId: PeerId;
  readonly clientAccountId: AccountId;
  readonly hostId: PeerId;
  readonly hostAccountId: AccountId;
  readonly objectId: ObjectId;
  readonly shardIndex: number;
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export interface Transaction extends NewTransaction {
  readonly state: TransactionState;
  /** A valid receipt came, from either end. */
  readonly hasReceipt: boolean;
  /** `done`, an error code, or null for silence. */
  readonly clientOutcome: string | null;
  readonly hostOutcome: string | null;
}

const COLUMNS = [
  'id',
  'op',
  'state',
  'client_id',
  'client_account_id',
  'host_id',
  'host_account_id',
  'object_id',
  'shard_index',
  'cid',
  'size_bytes',
  'issued_at_ms',
  'expires_at_ms',
] as const;

export async function insertTransactions(db: EntityManager, transactions: readonly NewTransaction[]): Promise<void> {
  await insertRows(
    db,
    { table: 'transactions', columns: COLUMNS },
    transactions.map((t) => [
      t.id,
      t.op,
      'issued',
      t.clientId,
      t.clientAccountId,
      t.hostId,
      t.hostAccountId,
      t.objectId,
      t.shardIndex,
      t.cid,
      t.sizeBytes,
      t.issuedAtMs,
      t.expiresAtMs,
    ]),
  );
}

/** Those of `ids` that exist, in no order. */
export async function findTransactions(
  db: EntityManager,
  ids: readonly TransactionId[],
): Promise<Map<TransactionId, Transaction>> {
  if (ids.length === 0) return new Map();
  const rows = await db.query<TransactionRow[]>(`${SELECT} WHERE id IN ${placeholders(db, ids.length)}`, [...ids]);
  return new Map(rows.map((row) => [row.id, transactionFrom(row)]));
}

/** Transactions under way whose token ended before `expiredBeforeMs`, oldest first. */
export async function findExpired(
  db: EntityManager,
  expired: { beforeMs: number; limit: number },
): Promise<Transaction[]> {
  const rows = await db.query<TransactionRow[]>(
    `${SELECT} WHERE state = 'issued' AND expires_at_ms < $1 ORDER BY expires_at_ms LIMIT ${expired.limit}`,
    [expired.beforeMs],
  );
  return rows.map(transactionFrom);
}

interface TransactionRow {
  id: TransactionId;
  op: TokenOp;
  state: TransactionState;
  client_id: PeerId;
  client_account_id: AccountId;
  host_id: PeerId;
  host_account_id: AccountId;
  object_id: ObjectId;
  shard_index: number;
  cid: ContentId;
  size_bytes: number | string;
  issued_at_ms: number | string;
  expires_at_ms: number | string;
  receipt_at_ms: number | string | null;
  client_outcome: string | null;
  host_outcome: string | null;
}

const SELECT = `SELECT ${COLUMNS.join(', ')}, receipt_at_ms, client_outcome, host_outcome FROM transactions`;

function transactionFrom(row: TransactionRow): Transaction {
  return {
    id: row.id,
    op: row.op,
    state: row.state,
    clientId: row.client_id,
    clientAccountId: row.client_account_id,
    hostId: row.host_id,
    hostAccountId: row.host_account_id,
    objectId: row.object_id,
    shardIndex: row.shard_index,
    cid: row.cid,
    sizeBytes: Number(row.size_bytes),
    issuedAtMs: Number(row.issued_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    hasReceipt: row.receipt_at_ms !== null,
    clientOutcome: row.client_outcome,
    hostOutcome: row.host_outcome,
  };
}
