// The database as features inject it: one queue for all writes, one connection that only reads.

import type { EntityManager } from 'typeorm';
import { type CommittedGroup, type Database, openDatabase, type WriteUnit } from '#database';
import { brokerMigrations } from '#migrations/broker/index';
import { brokerEntities } from './entities.js';

export class BrokerDatabase {
  private constructor(private readonly database: Database) {}

  static async open(file: string): Promise<BrokerDatabase> {
    return new BrokerDatabase(await openDatabase({ file, entities: brokerEntities, migrations: brokerMigrations }));
  }

  /** Committed rows only. */
  get reads(): EntityManager {
    return this.database.reads;
  }

  /** One unit, all or nothing; resolves when it is durable. */
  write<T>(unit: WriteUnit<T>): Promise<T> {
    return this.database.writes.run(unit);
  }

  /** Units that wait for the writer: how far behind it is. */
  get waitingWrites(): number {
    return this.database.writes.waitingUnits;
  }

  /** Call after each commit; it must not throw. */
  whenCommitted(told: (group: CommittedGroup) => void): void {
    this.database.writes.whenCommitted(told);
  }

  /** Commits so far, for measurements. */
  get commits(): number {
    return this.database.writes.commits;
  }

  close(): Promise<void> {
    return this.database.close();
  }
}
