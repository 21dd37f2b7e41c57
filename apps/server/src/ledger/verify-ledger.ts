// Computes the whole ledger again from its first entry: every archived file, then the table.
import type { EntityManager } from 'typeorm';
import { ChainWalk, walkTable } from './check-chain.js';
import type { LedgerEntry } from './entry-chain.js';
import { readHead } from './entry-rows.js';
import type { LedgerArchive } from './ledger-archive.js';

const DAY_MS = 86_400_000;

export interface VerifiedLedger {
  readonly faults: readonly string[];
  readonly archivedEntries: number;
  readonly entries: number;
}

/**
 * That the files are those that were written, that all entries are one chain, that the sums of days are those of the
 * archived entries, and that balances are what all of them say. Sums from before the chain began stand for themselves.
 *
 * db   one snapshot
 */
export async function verifyLedger(db: EntityManager, archive: LedgerArchive): Promise<VerifiedLedger> {
  const walk = new ChainWalk();
  const balances = new Map<string, bigint>();
  const days = new Map<string, bigint>();
  const move = (debit: string, credit: string, amount: bigint): void => {
    balances.set(debit, (balances.get(debit) ?? 0n) - amount);
    balances.set(credit, (balances.get(credit) ?? 0n) + amount);
  };
  let archivedEntries = 0;
  const files = await db.query<ArchiveRow[]>(
    'SELECT file, sha256, last_seq, last_hash FROM ledger_archives ORDER BY first_seq',
  );
  for (const { file, sha256, last_seq: lastSeq, last_hash: hash } of files) {
    const entries = await archive.read({ file, sha256 });
    if (typeof entries === 'string') {
      walk.tell(entries);
      continue;
    }
    for (const entry of entries) {
      walk.take(entry);
      move(entry.debit, entry.credit, entry.amount);
      const key = dayKey({ day: Math.floor(entry.atMs / DAY_MS), ...entry });
      days.set(key, (days.get(key) ?? 0n) + entry.amount);
    }
    archivedEntries += entries.length;
    walk.expectEnd({ seq: Number(lastSeq), hash }, file);
  }
  let entries = 0;
  await walkTable(db, (entry) => {
    entries++;
    walk.take(entry);
    move(entry.debit, entry.credit, entry.amount);
  });
  walk.expectEnd(await readHead(db), 'the chain');
  const faults = [...walk.faults, ...(await wrongDays(db, days, move)), ...(await wrongBalances(db, balances))];
  return { faults, archivedEntries, entries };
}

/** Sums of days that are not those of their entries. Those of before the chain are added to what was moved. */
async function wrongDays(
  db: EntityManager,
  archived: Map<string, bigint>,
  move: (debit: string, credit: string, amount: bigint) => void,
): Promise<string[]> {
  const faults: string[] = [];
  const rows = await db.query<DayRow[]>(
    `SELECT day, kind, debit, credit, CAST(amount AS text) AS amount, CAST(past_amount AS text) AS past
     FROM ledger_days`,
  );
  for (const { amount, past, ...row } of rows) {
    if (BigInt(past) > 0n) move(row.debit, row.credit, BigInt(past));
    const key = dayKey(row);
    const computed = (archived.get(key) ?? 0n) + BigInt(past);
    if (computed !== BigInt(amount)) faults.push(`day ${key} has ${amount}, its entries say ${computed}`);
    archived.delete(key);
  }
  return [...faults, ...[...archived.keys()].map((key) => `day ${key} is missing`)];
}

async function wrongBalances(db: EntityManager, computed: ReadonlyMap<string, bigint>): Promise<string[]> {
  const rows = await db.query<{ id: string; balance: string }[]>(
    'SELECT id, CAST(balance AS text) AS balance FROM ledger_accounts ORDER BY id',
  );
  return rows
    .filter(({ id, balance }) => BigInt(balance) !== (computed.get(id) ?? 0n))
    .map(({ id, balance }) => `${id} has ${balance}, all its entries say ${computed.get(id) ?? 0n}`);
}

function dayKey({
  day,
  kind,
  debit,
  credit,
}: Pick<LedgerEntry, 'kind' | 'debit' | 'credit'> & { day: number }): string {
  return `${day} ${kind} ${debit} ${credit}`;
}

interface ArchiveRow {
  file: string;
  sha256: string;
  last_seq: number | string;
  last_hash: string;
}

interface DayRow {
  day: number;
  kind: LedgerEntry['kind'];
  debit: string;
  credit: string;
  amount: string;
  past: string;
}
