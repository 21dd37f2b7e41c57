// Balances and entries for the operator: pages, and all entries as CSV.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AccountId, formatTime } from '#protocol';
import { type MovementKind, PURSES, purseOf } from '../../ledger/movement.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { EXPORTED_AT_ONCE } from '../limits.js';
import type { Page, PageQuery } from '../paging/page-query.js';
import { type ListQuery, oneOf, readPage } from '../paging/read-page.js';
import type {
  BalancesQuery,
  DaysQuery,
  EntriesQuery,
  ExportQuery,
  ListedBalance,
  ListedDay,
  ListedEntry,
} from './ledger-answers.js';

const CSV_COLUMNS = ['seq', 'at', 'kind', 'transactionId', 'debit', 'credit', 'amount', 'reason', 'hash'] as const;

const DAY_MS = 86_400_000;

/** Sums of what is gone, and the entries that are there. */
const MOVED_BY_DAY = `SELECT day, kind, SUM(amount) AS amount, SUM(entries) AS entries FROM (
    SELECT day, kind, amount, entries FROM ledger_days
    UNION ALL SELECT at_ms / ${DAY_MS}, kind, amount, 1 FROM ledger_entries) AS movements
  GROUP BY day, kind`;

interface DayRow {
  day: number | string;
  kind: MovementKind;
  amount: string;
  entries: number | string;
}

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

@Injectable()
export class ReadLedger {
  constructor(private readonly database: BrokerDatabase) {}

  balances({ account, purse, ...page }: BalancesQuery): Promise<Page<ListedBalance>> {
    const list: ListQuery = {
      // As text: an amount may pass 2^53, and the driver would round it.
      select: 'SELECT id, CAST(balance AS text) AS balance FROM ledger_accounts',
      filters: [
        ...(account === undefined ? [] : [oneOf(['id'], pursesOf(account))]),
        ['id LIKE ?', purse === undefined ? undefined : `${purse}:%`],
      ],
      order: [{ column: 'id', kind: 'text' }],
    };
    return readPage<{ id: string; balance: string }, ListedBalance>(
      this.database.reads,
      list,
      page,
      ({ id, balance }) => ({ ledgerAccount: id, balance }),
    );
  }

  /** Newest first. */
  entries(query: EntriesQuery): Promise<Page<ListedEntry>> {
    return readEntries(this.database.reads, query, query, { newestFirst: true });
  }

  days({ kind, ...page }: DaysQuery): Promise<Page<ListedDay>> {
    const list: ListQuery = {
      select: `SELECT day, kind, CAST(amount AS text) AS amount, entries FROM (${MOVED_BY_DAY}) AS days`,
      filters: [['kind = ?', kind]],
      order: [
        { column: 'day', kind: 'number' },
        { column: 'kind', kind: 'text' },
      ],
      newestFirst: true,
    };
    return readPage<DayRow, ListedDay>(this.database.reads, list, page, (row) => ({
      day: formatTime(Number(row.day) * DAY_MS).slice(0, 'YYYY-MM-DD'.length),
      kind: row.kind,
      amount: row.amount,
      entries: Number(row.entries),
    }));
  }

  /** RFC 4180, oldest first, with a heading: a part at a time, as fast as it is taken. */
  async *exportCsv(query: ExportQuery): AsyncGenerator<string> {
    yield `${CSV_COLUMNS.join(',')}\r\n`;
    let after: string | undefined;
    do {
      const page: Page<ListedEntry> = await readEntries(
        this.database.reads,
        query,
        { limit: EXPORTED_AT_ONCE, after },
        { newestFirst: false },
      );
      yield page.items.map(csvLine).join('');
      after = page.next ?? undefined;
    } while (after !== undefined);
  }
}

function readEntries(
  db: EntityManager,
  { account, kind, transaction, since, until }: ExportQuery,
  page: PageQuery,
  { newestFirst }: { readonly newestFirst: boolean },
): Promise<Page<ListedEntry>> {
  const list: ListQuery = {
    select: `SELECT seq, kind, transaction_id, debit, credit, CAST(amount AS text) AS amount, at_ms, reason, hash
       FROM ledger_entries`,
    filters: [
      ...(account === undefined ? [] : [oneOf(['debit', 'credit'], [...pursesOf(account), `earned:${account}`])]),
      ['kind = ?', kind],
      ['transaction_id = ?', transaction],
      ['at_ms >= ?', since],
      ['at_ms < ?', until],
    ],
    order: [{ column: 'seq', kind: 'number' }],
    newestFirst,
  };
  return readPage<EntryRow, ListedEntry>(db, list, page, (row) => ({
    seq: Number(row.seq),
    at: formatTime(Number(row.at_ms)),
    kind: row.kind,
    transactionId: row.transaction_id,
    debit: row.debit,
    credit: row.credit,
    amount: row.amount,
    reason: row.reason,
    hash: row.hash,
  }));
}

function pursesOf(account: AccountId): string[] {
  return PURSES.map((purse) => purseOf(purse, account));
}

function csvLine(entry: ListedEntry): string {
  return `${CSV_COLUMNS.map((column) => csvField(entry[column])).join(',')}\r\n`;
}

/** A spreadsheet takes a text that begins like a formula for one: the quote before it says that it is a text. */
function csvField(value: string | number | null): string {
  if (typeof value === 'number') return String(value);
  const text = value ?? '';
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
