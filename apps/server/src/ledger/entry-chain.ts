// The chain of the ledger's entries: each carries the hash of itself and of all before it. Pure.
//
// The canonical bytes of an entry are the UTF-8 text of one JSON array without spaces (JSON.stringify):
//
//   [seq, kind, id, debit, credit, amount, atMs, reason]
//
// seq and atMs are numbers, amount is decimal text, reason is text or null. hash = SHA-256(hash before, 32 bytes ‖
// canonical bytes). The entry of seq 1 follows 32 bytes of zero.
import { createHash } from 'node:crypto';
import { encodeBase64url } from '#protocol';
import type { Movement, MovementKind } from './movement.js';

/** Where the chain ends: the newest entry's seq and hash. */
export interface LedgerHead {
  readonly seq: number;
  /** base64url of 32 bytes. */
  readonly hash: string;
}

export const CHAIN_BEGIN: LedgerHead = { seq: 0, hash: encodeBase64url(new Uint8Array(32)) };

/** An entry as it is kept, in the table or in an archive. */
export interface LedgerEntry extends LedgerHead {
  readonly kind: MovementKind;
  readonly transactionId: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly atMs: number;
  readonly reason: string | null;
}

/** The entries of these movements, in order, following `head`. */
export function linkEntries(head: LedgerHead, movements: readonly Movement[], atMs: number): LedgerEntry[] {
  let { seq, hash } = head;
  return movements.map(({ kind, transactionId, debit, credit, amount, reason = null }) => {
    seq++;
    const entry = { seq, kind, transactionId, debit, credit, amount, atMs, reason };
    hash = hashAfter(hash, entry);
    return { ...entry, hash };
  });
}

/** The hash of an entry that follows `before`. */
export function hashAfter(before: string, entry: Omit<LedgerEntry, 'hash'>): string {
  const hash = createHash('sha256').update(before, 'base64url').update(canonicalText(entry), 'utf8');
  return hash.digest('base64url');
}

export function canonicalText(entry: Omit<LedgerEntry, 'hash'>): string {
  const { seq, kind, transactionId, debit, credit, amount, atMs, reason } = entry;
  return JSON.stringify([seq, kind, transactionId, debit, credit, amount.toString(), atMs, reason]);
}
