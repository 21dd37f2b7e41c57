// Walks the chain of entries: that each follows the one before it, moves credit the way of its kind, and that nothing
// comes after the end.
import type { EntityManager } from 'typeorm';
import { CHAIN_BEGIN, hashAfter, type LedgerEntry, type LedgerHead } from './entry-chain.js';
import { readEntries, readHead } from './entry-rows.js';
import { isItsWay, type LedgerAccount } from './movement.js';

const WALKED_AT_ONCE = 1_000;
/** Past so many, the further ones of a broken chain tell nothing new. */
const FAULTS_MAX = 20;

/** Takes entries one after another and remembers what is wrong with them. */
export class ChainWalk {
  private readonly found: string[] = [];
  private more = 0;

  constructor(private end: LedgerHead = CHAIN_BEGIN) {}

  get faults(): string[] {
    return this.more === 0 ? this.found : [...this.found, `and ${this.more} more faults of the chain`];
  }

  take(entry: LedgerEntry): void {
    const { seq, hash, kind, debit, credit } = entry;
    if (seq !== this.end.seq + 1) this.tell(`entry ${seq} follows entry ${this.end.seq}`);
    else if (hashAfter(this.end.hash, entry) !== hash) this.tell(`entry ${seq} is not what was written`);
    // Each is judged by what stands before it: one altered entry is one fault.
    this.end = { seq, hash };
    if (!isItsWay({ kind, debit: debit as LedgerAccount, credit: credit as LedgerAccount })) {
      this.tell(`entry ${seq}: ${kind} does not go from ${debit} to ${credit}`);
    }
  }

  /** The end of an archive, or of the whole chain. */
  expectEnd({ seq, hash }: LedgerHead, what: string): void {
    if (seq !== this.end.seq || hash !== this.end.hash)
      this.tell(`${what} ends at ${seq}, its entries at ${this.end.seq}`);
  }

  tell(fault: string): void {
    if (this.found.length < FAULTS_MAX) this.found.push(fault);
    else this.more++;
  }
}

/** The entries that are in the database follow the last archive, and end where the chain does. */
export async function checkChain(db: EntityManager): Promise<string[]> {
  const [last] = await db.query<{ last_seq: number | string; last_hash: string }[]>(
    'SELECT last_seq, last_hash FROM ledger_archives ORDER BY first_seq DESC LIMIT 1',
  );
  const begin = last === undefined ? CHAIN_BEGIN : { seq: Number(last.last_seq), hash: last.last_hash };
  const walk = new ChainWalk(begin);
  await walkTable(db, (entry) => walk.take(entry));
  walk.expectEnd(await readHead(db), 'the chain');
  return walk.faults;
}

/** All entries of the table, in order. */
export async function walkTable(db: EntityManager, take: (entry: LedgerEntry) => void): Promise<void> {
  let afterSeq = Number.MIN_SAFE_INTEGER;
  let some: LedgerEntry[];
  do {
    some = await readEntries(db, { afterSeq, limit: WALKED_AT_ONCE });
    for (const entry of some) take(entry);
    afterSeq = some.at(-1)?.seq ?? afterSeq;
  } while (some.length === WALKED_AT_ONCE);
}
