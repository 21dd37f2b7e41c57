// Opens the embedded database. The only file that knows the driver: another one is a change here and in package.json.
import { strict as assert } from 'node:assert';
import { open } from 'node:fs/promises';
import sqlite3 from 'sqlite3';
import type { DataSource, EntityManager, EntitySchema, MigrationInterface, QueryRunner } from 'typeorm';
import { BUSY_TIMEOUT_MS } from './limits.js';
import { WriteConnection, WriteQueue } from './write-queue.js';

export interface DatabaseOptions {
  readonly file: string;
  readonly entities: readonly (EntitySchema | (abstract new () => object))[];
  readonly migrations: readonly (new () => MigrationInterface)[];
}

export interface Database {
  /** Every write goes here: the driver has one connection, and a statement beside the queue would join a stranger's transaction. */
  readonly writes: WriteQueue;
  /** Sees committed rows only, and cannot write. */
  readonly reads: EntityManager;
  /** Ends the units that wait, then closes both connections. */
  close(): Promise<void>;
}

/**
 * Open the database file (mode 0600, made when missing), bring it to the newest migration, and check that a commit
 * is durable: write-ahead log with synchronous=FULL, because NORMAL loses acknowledged commits in a power cut.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  await (await open(options.file, 'a', 0o600)).close();
  const writer = await connect(options);
  await writer.runMigrations({ transaction: 'each' });
  await writer.query('PRAGMA synchronous = FULL');
  await checkPragmas(writer);
  const reader = await connect(options);
  await reader.query('PRAGMA query_only = ON');

  const writes = new WriteQueue(new SqliteWriteConnection(writer.createQueryRunner()));
  return {
    writes,
    reads: reader.manager,
    async close(): Promise<void> {
      await writes.close();
      await reader.destroy();
      await writer.destroy();
    },
  };
}

/**
 * Open a database file only to read it, beside the process that writes it: it is not made, not migrated, not changed.
 * Throws when it is missing.
 */
export async function openReadOnly(
  options: Pick<DatabaseOptions, 'file' | 'entities'>,
): Promise<Pick<Database, 'reads' | 'close'>> {
  // Not SQLITE_OPEN_READONLY: a reader of a write-ahead log keeps its place in a file beside it. query_only refuses the rest.
  const reader = await connect({ ...options, migrations: [] }, { enableWAL: false, flags: sqlite3.OPEN_READWRITE });
  await reader.query('PRAGMA query_only = ON');
  return { reads: reader.manager, close: () => reader.destroy() };
}

/** As openReadOnly; all that is read is of the moment of the first question, until it is closed. */
export async function openSnapshot(
  options: Pick<DatabaseOptions, 'file' | 'entities'>,
): Promise<Pick<Database, 'reads' | 'close'>> {
  const database = await openReadOnly(options);
  await database.reads.query('BEGIN');
  return database;
}

async function connect(
  options: DatabaseOptions,
  opening: { readonly enableWAL: boolean; readonly flags?: number } = { enableWAL: true },
): Promise<DataSource> {
  // Loaded by whoever opens a database: a command that takes a lock only would start half a second later, and carry an
  // object mapper's heap through every collection of garbage.
  const { DataSource } = await import('typeorm');
  return new DataSource({
    type: 'sqlite',
    // TypeORM asks for the verbose driver, which keeps a stack trace for every statement.
    driver: { verbose: () => sqlite3 },
    database: options.file,
    ...opening,
    busyTimeout: BUSY_TIMEOUT_MS,
    entities: [...options.entities],
    migrations: [...options.migrations],
    // `findOneBy({ id: undefined })` would find the first row of the table.
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
  }).initialize();
}

async function checkPragmas(writer: DataSource): Promise<void> {
  const [journal] = await writer.query<{ journal_mode: string }[]>('PRAGMA journal_mode');
  assert.equal(journal?.journal_mode, 'wal');
  const [durability] = await writer.query<{ synchronous: number }[]>('PRAGMA synchronous');
  assert.equal(durability?.synchronous, 2, 'synchronous is not FULL');
  const [foreignKeys] = await writer.query<{ foreign_keys: number }[]>('PRAGMA foreign_keys');
  assert.equal(foreignKeys?.foreign_keys, 1);
}

/** Transactions by plain statements: TypeORM counts depth too late and knows no BEGIN IMMEDIATE. */
class SqliteWriteConnection extends WriteConnection {
  readonly db: EntityManager;

  constructor(private readonly runner: QueryRunner) {
    super();
    this.db = runner.manager;
  }

  async begin(): Promise<void> {
    await this.runner.query('BEGIN IMMEDIATE');
    this.tellTypeOrm(true);
  }

  async commit(): Promise<void> {
    await this.runner.query('COMMIT');
    this.tellTypeOrm(false);
  }

  async rollBack(): Promise<void> {
    this.tellTypeOrm(false);
    await this.runner.query('ROLLBACK');
  }

  async markUnit(): Promise<void> {
    await this.runner.query('SAVEPOINT unit');
  }

  async keepUnit(): Promise<void> {
    await this.runner.query('RELEASE unit');
  }

  async undoUnit(): Promise<void> {
    await this.runner.query('ROLLBACK TO unit');
    await this.runner.query('RELEASE unit');
  }

  /** With the flag up, `save` and `remove` join this transaction and do not begin one of their own. */
  private tellTypeOrm(active: boolean): void {
    (this.runner as { isTransactionActive: boolean }).isTransactionActive = active;
  }
}
