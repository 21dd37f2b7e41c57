// The tables of the ledger's entries: the rows themselves, and the one row that says where their chain ends.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeOne, type SqlValue } from '#database';
import type { LedgerEntry, LedgerHead } from './entry-chain.js';
import type { MovementKind } from './movement.js';

export const ENTRY_COLUMNS = [
  'seq',
  'kind',
  'transaction_id',
  'debit',
  'credit',
  'amount',
  'at_ms',
  'reason',
  'hash',
] as const;

export function entryValues(entry: LedgerEntry): SqlValue[] {
  const { seq, kind, transactionId, debit, credit, amount, atMs, reason, hash } = entry;
  return [seq, kind, transactionId, debit, credit, amount.toString(), atMs, reason, hash];
}

/** Entries with a greater seq than `afterSeq`, in order. */
export async function readEntries(
  db: EntityManager,
  { afterSeq, limit }: { readonly afterSeq: number; readonly limit: number },
): Promise<LedgerEntry[]> {
  const rows = await db.query<EntryRow[]>(
    `SELECT seq, kind, transaction_id, debit, credit, CAST(amount AS text) AS amount, at_ms, reason, hash
     FROM ledger_entries WHERE seq > $1 ORDER BY seq LIMIT ${limit}`,
    [afterSeq],
  );
  return rows.map((row) => ({
    seq: Number(row.seq),
    kind: row.kind,
    transactionId: row.transaction_id,
    debit: row.debit,
    credit: row.credit,
    amount: BigInt(row.amount),
    atMs: Number(row.at_ms),
    reason: row.reason,
    hash: row.hash,
  }));
}

export async function readHead(db: EntityManager): Promise<LedgerHead> {
  const [row] = await db.query<{ seq: number | string; hash: string }[]>('SELECT seq, hash FROM ledger_head');
  assert(row !== undefined, 'the chain has one end');
  return { seq: Number(row.seq), hash: row.hash };
}

/** Where the chain ends, as nobody else changes it before this unit is over. */
export async function lockHead(db: EntityManager): Promise<LedgerHead> {
  assert(await changeOne(db, 'UPDATE ledger_head SET seq = seq WHERE id = $1', [HEAD_ID]));
  return readHead(db);
}

/** Says whether the chain ended there. */
export function moveHead(db: EntityManager, from: LedgerHead, to: LedgerHead): Promise<boolean> {
  return changeOne(db, 'UPDATE ledger_head SET seq = $1, hash = $2 WHERE id = $3 AND seq = $4 AND hash = $5', [
    to.seq,
    to.hash,
    HEAD_ID,
    from.seq,
    from.hash,
  ]);
}

const HEAD_ID = 1;

interface EntryRow {
  seq: number | string;
  kind: MovementKind;
  transaction_id: string;
  debit: string;
  credit: string;
  amount: string;
  at_ms: number | string;
  reason: string | null;
  hash: string;
}
