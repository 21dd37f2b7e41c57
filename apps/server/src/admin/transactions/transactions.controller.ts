// GET /v1/admin/transactions: what moves, and what moved and has not been summed up; newest first
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import {
  accountIdField,
  formatTime,
  objectIdField,
  peerIdField,
  requesterField,
  TOKEN_OPS,
  timeField,
} from '#protocol';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { AdminRoute } from '../access/admin-route.js';
import { type Page, pageFields, pageOf, timeInQuery } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';

const OPS = Object.keys(TOKEN_OPS) as [keyof typeof TOKEN_OPS, ...(keyof typeof TOKEN_OPS)[]];
const STATES = ['issued', 'unconfirmed', 'settled', 'void'] as const;

const transactionsQuery = z.strictObject({
  op: z.enum(OPS).optional(),
  state: z.enum(STATES).optional(),
  client: requesterField.optional(),
  host: peerIdField.optional(),
  /** Whose client it was. */
  account: accountIdField.optional(),
  object: objectIdField.optional(),
  since: timeInQuery.optional(),
  until: timeInQuery.optional(),
  ...pageFields,
});
type TransactionsQuery = z.infer<typeof transactionsQuery>;

const listedTransaction = z.strictObject({
  transactionId: z.string(),
  hostId: z.string(),
  item: z.int().min(0),
  op: z.enum(OPS),
  state: z.enum(STATES),
  clientId: z.string(),
  clientAccountId: z.string().nullable(),
  hostAccountId: z.string(),
  objectId: z.string().nullable(),
  shardIndex: z.int().nullable(),
  sizeBytes: z.int().min(0),
  movedBytes: z.int().min(0),
  issuedAt: timeField,
  expiresAt: timeField,
  receiptAt: timeField.nullable(),
  /** What each side said became of it; null as long as it has said nothing. */
  clientOutcome: z.string().nullable(),
  hostOutcome: z.string().nullable(),
});
type ListedTransaction = z.infer<typeof listedTransaction>;

interface TransactionRow {
  id: string;
  host_id: string;
  item: number | string;
  op: ListedTransaction['op'];
  state: ListedTransaction['state'];
  client_id: string;
  client_account_id: string | null;
  host_account_id: string;
  object_id: string | null;
  shard_index: number | null;
  size_bytes: number | string;
  moved_bytes: number | string;
  issued_at_ms: number | string;
  expires_at_ms: number | string;
  receipt_at_ms: number | string | null;
  client_outcome: string | null;
  host_outcome: string | null;
}

@Controller('v1/admin/transactions')
export class AdminTransactionsController {
  constructor(private readonly database: BrokerDatabase) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: pageOf(listedTransaction) })
  list(@Query({ schema: transactionsQuery }) query: TransactionsQuery): Promise<Page<ListedTransaction>> {
    const list = {
      select: 'SELECT * FROM transactions',
      filters: [
        ['op = ?', query.op],
        ['state = ?', query.state],
        ['client_id = ?', query.client],
        ['host_id = ?', query.host],
        ['client_account_id = ?', query.account],
        ['object_id = ?', query.object],
        ['issued_at_ms >= ?', query.since],
        ['issued_at_ms < ?', query.until],
      ],
      // Ids begin with the time.
      order: [
        { column: 'id', kind: 'text' },
        { column: 'host_id', kind: 'text' },
        { column: 'item', kind: 'number' },
      ],
      newestFirst: true,
    } as const;
    return readPage<TransactionRow, ListedTransaction>(this.database.reads, list, query, listedFrom);
  }
}

function listedFrom(row: TransactionRow): ListedTransaction {
  return {
    transactionId: row.id,
    hostId: row.host_id,
    item: Number(row.item),
    op: row.op,
    state: row.state,
    clientId: row.client_id,
    clientAccountId: row.client_account_id,
    hostAccountId: row.host_account_id,
    objectId: row.object_id,
    shardIndex: row.shard_index,
    sizeBytes: Number(row.size_bytes),
    movedBytes: Number(row.moved_bytes),
    issuedAt: formatTime(Number(row.issued_at_ms)),
    expiresAt: formatTime(Number(row.expires_at_ms)),
    receiptAt: row.receipt_at_ms === null ? null : formatTime(Number(row.receipt_at_ms)),
    clientOutcome: row.client_outcome,
    hostOutcome: row.host_outcome,
  };
}
