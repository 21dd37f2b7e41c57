// Fills a broker's database with transactions that ended long ago, as the broker writes them, and measures its tables.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { EntityManager } from 'typeorm';
import { insertRows } from '#database';
import { type Clock, openLog } from '#process';
import {
  type AccountId,
  type ContentId,
  encodeBase64url,
  type ObjectId,
  type PeerId,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { Policy } from '../config/policy.js';
import { ArchiveEntries } from '../ledger/archive-entries.js';
import type { Ledger } from '../ledger/ledger.js';
import { LedgerArchive } from '../ledger/ledger-archive.js';
import { insertObjects, insertShards } from '../objects/object-rows.js';
import type { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { givenBack, reservations, settlementOf } from '../transactions/movements.js';
import { RollUp } from '../transactions/roll-up.js';
import { ShardCharges } from '../transactions/shard-charges.js';
import { insertTransactions, type NewTransaction, PLAIN, updateParts } from '../transactions/transaction-rows.js';

const PER_UNIT = 1_000;
const SHARD_BYTES = 1_000;
const ACCOUNTS = 10;
const MINUTE_MS = 60_000;

interface Party {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
}

/**
 * `count` puts of ten accounts' clients at each other's hosts over `days` days from `fromMs` on: of ten, eight settled, one
 * void, one that the client never confirmed. Each stored one is a shard of an object.
 */
export async function addPastPuts(
  database: BrokerDatabase,
  ledger: Ledger,
  past: { readonly count: number; readonly fromMs: number; readonly days: number },
): Promise<void> {
  const parties = await addParties(database, ledger, past.fromMs);
  for (let first = 0; first < past.count; first += PER_UNIT) {
    const number = Math.min(PER_UNIT, past.count - first);
    const atMs = past.fromMs + Math.floor((past.days * 86_400_000 * first) / past.count);
    await database.write((db) => addPuts(db, ledger, parties, { first, number, atMs }));
  }
}

async function addPuts(
  db: EntityManager,
  ledger: Ledger,
  parties: readonly Party[],
  { first, number, atMs }: { first: number; number: number; atMs: number },
): Promise<void> {
  const objects = new Map<AccountId, ObjectId>(
    parties.map(({ accountId }) => [accountId, uuidV7<ObjectId>(atMs, randomBytes(10))]),
  );
  const puts = Array.from({ length: number }, (_, i): NewTransaction => {
    const client = parties[(first + i) % ACCOUNTS]!;
    const host = parties[(first + i + 1 + (i % (ACCOUNTS - 1))) % ACCOUNTS]!;
    return {
      ...PLAIN,
      id: uuidV7<TransactionId>(atMs, randomBytes(10)),
      op: 'put',
      clientId: client.peerId,
      clientAccountId: client.accountId,
      hostId: host.peerId,
      hostAccountId: host.accountId,
      objectId: objects.get(client.accountId)!,
      shardIndex: i,
      cid: encodeBase64url(randomBytes(32)) as ContentId,
      sizeBytes: SHARD_BYTES,
      charge: SHARD_BYTES,
      issuedAtMs: atMs,
      expiresAtMs: atMs + 15 * MINUTE_MS,
    };
  });
  const among = (from: number, to: number): NewTransaction[] => puts.filter((_, i) => i % 10 >= from && i % 10 < to);
  const [settled, voided, unconfirmed] = [among(0, 8), among(8, 9), among(9, 10)];
  await insertObjects(
    db,
    parties.map(({ accountId }) => ({
      objectId: objects.get(accountId)!,
      accountId,
      clientId: null,
      kind: 'data',
      sizeBytes: SHARD_BYTES,
      dataShards: 1,
      totalShards: PER_UNIT,
      safeShards: 1,
      storedShards: PER_UNIT,
      createdAtMs: atMs,
      deletedAtMs: null,
      retainUntilMs: null,
      durability: 'second-copy',
      wishes: {},
    })),
  );
  await insertTransactions(db, puts);
  await insertShards(
    db,
    [...settled, ...unconfirmed].map(({ objectId, shardIndex, cid, sizeBytes, hostId, id }) => ({
      objectId: objectId!,
      index: shardIndex!,
      cid: cid!,
      sizeBytes,
      state: 'stored',
      hostId,
      transactionId: id,
      transactionItem: 0,
      retainUntilMs: null,
      charge: 0,
    })),
  );
  await ledger.post(db, reservations(puts), atMs);
  const endings = [
    ...settled.map((put) => settlementOf(put, 'reserved')),
    ...voided.map((put) => givenBack(put, put.charge)),
  ];
  await ledger.post(db, endings, atMs);
  await updateParts(db, 'state', 'settled', settled);
  await updateParts(db, 'state', 'void', voided);
  await updateParts(db, 'state', 'unconfirmed', unconfirmed);
  await updateParts(db, 'receipt_at_ms', atMs, [...settled, ...unconfirmed]);
  await new ShardCharges(ledger).chargeShards(db, settled, atMs);
}

async function addParties(database: BrokerDatabase, ledger: Ledger, atMs: number): Promise<Party[]> {
  const parties = Array.from({ length: ACCOUNTS }, () => ({
    peerId: uuidV7<PeerId>(atMs, randomBytes(10)),
    accountId: uuidV7<AccountId>(atMs, randomBytes(10)),
  }));
  await database.write(async (db) => {
    await insertRows(
      db,
      { table: 'accounts', columns: ['id', 'name', 'created_at_ms'] },
      parties.map(({ accountId }) => [accountId, 'past', atMs]),
    );
    await insertRows(
      db,
      {
        table: 'peers',
        columns: ['id', 'account_id', 'name', 'state', 'public_key', 'certificate_expires_at_ms', 'created_at_ms'],
      },
      parties.map(({ peerId, accountId }) => [peerId, accountId, 'past', 'active', peerId, atMs, atMs]),
    );
    for (const { accountId } of parties) await ledger.openAccount(db, accountId, { amount: 10n ** 12n, atMs });
  });
  return parties;
}

/** The job that sums up, as the broker wires it; its archive is in `folder`. */
export function rollUpOf(parts: {
  readonly database: BrokerDatabase;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly folder: string;
}): RollUp {
  const { database, ledger, clock, policy, folder } = parts;
  const log = openLog('test', 'silent');
  const archive = new ArchiveEntries(database, new LedgerArchive(join(folder, 'ledger')), clock, log);
  const settings = new Settings(policy, 'x', 0, []);
  return new RollUp(database, clock, log, settings, ledger, new ShardCharges(ledger), archive);
}

export interface TableSize {
  readonly rows: number;
  readonly bytes: number;
}

const MEASURED = ['transactions', 'ledger_entries', 'transaction_days', 'ledger_days'] as const;

/** Rows of the tables that grow with tokens, and the bytes of their pages, indexes included; of the file what is in use. */
export async function measureTables(
  db: EntityManager,
): Promise<Record<(typeof MEASURED)[number], TableSize> & { readonly fileBytesInUse: number }> {
  const sizes: Record<string, TableSize> = {};
  const [page] = await db.query<{ size: number }[]>('SELECT page_size AS size FROM pragma_page_size');
  for (const table of MEASURED) {
    const [count] = await db.query<{ n: number }[]>(`SELECT COUNT(*) AS n FROM ${table}`);
    const [space] = await db.query<{ bytes: number | null }[]>(
      'SELECT SUM(pgsize) AS bytes FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = $1)',
      [table],
    );
    sizes[table] = { rows: count!.n, bytes: space!.bytes ?? 0 };
  }
  const [pages] = await db.query<{ n: number }[]>(
    'SELECT c.page_count - f.freelist_count AS n FROM pragma_page_count c, pragma_freelist_count f',
  );
  return { ...(sizes as Record<(typeof MEASURED)[number], TableSize>), fileBytesInUse: pages!.n * page!.size };
}
