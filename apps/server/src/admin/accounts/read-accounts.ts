// Accounts for the operator: a page of them, or all that one has and is.
import { Injectable } from '@nestjs/common';
import { placeholders } from '#database';
import { type AccountId, formatTime, ProtocolError } from '#protocol';
import { PURSES, type Purse, purseOf } from '../../ledger/movement.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import type { Page } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';
import type { AccountFacts, AccountsQuery, ListedAccount } from './account-answers.js';

interface AccountRow {
  id: AccountId;
  name: string;
  email: string | null;
  recovery_key: string | null;
  created_at_ms: number | string;
}

/** Of an account: `withEmail` for who may be told how to reach a person. */
interface Told {
  readonly withEmail: boolean;
}

const COLUMNS = 'SELECT id, name, email, recovery_key, created_at_ms FROM accounts';

@Injectable()
export class ReadAccounts {
  constructor(private readonly database: BrokerDatabase) {}

  /** In the order in which they were opened. */
  page(query: AccountsQuery, told: Told): Promise<Page<ListedAccount>> {
    const list = {
      select: COLUMNS,
      filters: [
        ['name = ?', query.name],
        ['email = ?', query.email],
      ],
      order: [{ column: 'id', kind: 'text' }],
    } as const;
    return readPage<AccountRow, ListedAccount>(this.database.reads, list, query, (row) => listedFrom(row, told));
  }

  /** throws account_unknown */
  async one(accountId: AccountId, told: Told): Promise<AccountFacts> {
    const db = this.database.reads;
    const [row] = await db.query<AccountRow[]>(`${COLUMNS} WHERE id = $1`, [accountId]);
    if (row === undefined) throw new ProtocolError('account_unknown');
    const purses = await db.query<{ id: string; balance: string }[]>(
      `SELECT id, CAST(balance AS text) AS balance FROM ledger_accounts WHERE id IN ${placeholders(db, PURSES.length)}`,
      PURSES.map((purse) => purseOf(purse, accountId)),
    );
    const peers = await db.query<{ state: string; peers: number | string }[]>(
      'SELECT state, COUNT(*) AS peers FROM peers WHERE account_id = $1 GROUP BY state ORDER BY state',
      [accountId],
    );
    const [stored] = await db.query<Sum[]>(
      `SELECT COUNT(*) AS number, CAST(COALESCE(SUM(size_bytes), 0) AS text) AS bytes FROM objects
       WHERE account_id = $1 AND deleted_at_ms IS NULL`,
      [accountId],
    );
    const [hosted] = await db.query<Sum[]>(
      `SELECT COUNT(*) AS number, CAST(COALESCE(SUM(s.size_bytes), 0) AS text) AS bytes FROM shards s
       JOIN peers p ON p.id = s.host_id WHERE p.account_id = $1 AND s.state = 'stored'`,
      [accountId],
    );
    return {
      ...listedFrom(row, told),
      credit: Object.fromEntries(purses.map(({ id, balance }) => [id.slice(0, id.indexOf(':')) as Purse, balance])),
      peersByState: Object.fromEntries(peers.map(({ state, peers }) => [state, Number(peers)])),
      objects: Number(stored?.number),
      objectBytes: stored?.bytes ?? '0',
      hostedShards: Number(hosted?.number),
      hostedBytes: hosted?.bytes ?? '0',
    };
  }
}

interface Sum {
  number: number | string;
  bytes: string;
}

function listedFrom(row: AccountRow, { withEmail }: Told): ListedAccount {
  return {
    accountId: row.id,
    name: row.name,
    email: withEmail ? row.email : null,
    hasRecoveryPhrase: row.recovery_key !== null,
    createdAt: formatTime(Number(row.created_at_ms)),
  };
}
