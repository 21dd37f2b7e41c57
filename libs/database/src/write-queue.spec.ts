// What the queue promises on the real driver: isolation between units, grouping, bounds, and an orderly end.
import { strict as assert } from 'node:assert';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EntityManager, EntitySchema, type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRefusal } from '#protocol';
import { takeExclusiveUse } from './exclusive-use.js';
import { WRITE_UNITS_PENDING_MAX } from './limits.js';
import { type Database, openDatabase, openReadOnly } from './open-database.js';
import { changeMany, changeOne, insertRows } from './statements.js';
import { UnitNotRun, WriteConnection, WriteQueue } from './write-queue.js';

interface Purse {
  id: string;
  balance: number;
}
const purseEntity = new EntitySchema<Purse>({
  name: 'purse',
  columns: { id: { type: 'text', primary: true }, balance: { type: 'bigint' } },
});

class CreatePurse1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'purse',
        columns: [
          { name: 'id', type: 'text', isPrimary: true },
          { name: 'balance', type: 'bigint' },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('purse');
  }
}

let folder: string;
let database: Database;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-database-'));
  database = await open();
});

afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

const open = (): Promise<Database> =>
  openDatabase({ file: join(folder, 'x.db'), entities: [purseEntity], migrations: [CreatePurse1700000000000] });

const insert = (id: string, balance = 0): ((db: EntityManager) => Promise<void>) => {
  return async (db) => {
    await db.query('INSERT INTO purse (id, balance) VALUES ($1, $2)', [id, balance]);
  };
};
const idsStored = async (): Promise<string[]> =>
  (await database.reads.query<{ id: string }[]>('SELECT id FROM purse ORDER BY id')).map((row) => row.id);

describe('WriteQueue', () => {
  it('loses no acknowledged write while other units fail', async () => {
    const acknowledged: string[] = [];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 400 }, async (_, i) => {
        const id = `p${String(i).padStart(3, '0')}`;
        await database.writes.run(async (db) => {
          await insert(id)(db);
          if (i % 2 === 1) throw new Error(`unit ${i} fails`);
        });
        acknowledged.push(id);
      }),
    );
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(200);
    expect(acknowledged).toHaveLength(200);
    expect(await idsStored()).toEqual(acknowledged.sort());
  });

  it('gives each unit its own error', async () => {
    const results = await Promise.allSettled([1, 2, 3].map((n) => database.writes.run(() => Promise.reject(n))));
    expect(results.map((result) => (result.status === 'rejected' ? result.reason : null))).toEqual([1, 2, 3]);
  });

  it('keeps a read-modify-write of 100 concurrent units exact', async () => {
    await database.writes.run(insert('a', 0));
    await Promise.all(
      Array.from({ length: 100 }, () =>
        database.writes.run(async (db) => {
          const purse = await db.findOneByOrFail(purseEntity, { id: 'a' });
          await db.save(purseEntity, { id: 'a', balance: purse.balance + 1 });
        }),
      ),
    );
    expect(await database.reads.findOneBy(purseEntity, { id: 'a' })).toEqual({ id: 'a', balance: 100 });
  });

  it('shares commits between callers: 200 units in a few', async () => {
    const before = database.writes.commits;
    await Promise.all(Array.from({ length: 200 }, (_, i) => database.writes.run(insert(`p${i}`))));
    expect(database.writes.commits - before).toBeLessThanOrEqual(2);
    expect(await idsStored()).toHaveLength(200);
  });

  it('shows readers committed rows only', async () => {
    const seen = await database.writes.run(async (db) => {
      await insert('a')(db);
      return idsStored();
    });
    expect(seen).toEqual([]);
    expect(await idsStored()).toEqual(['a']);
  });

  it('refuses units past the bound and after close', async () => {
    const units = Array.from({ length: WRITE_UNITS_PENDING_MAX }, () => database.writes.run(async () => undefined));
    await expect(database.writes.run(async () => undefined)).rejects.toSatisfy((error) =>
      isRefusal(error, 'overloaded'),
    );
    await Promise.all(units);
    await database.close();
    await expect(database.writes.run(async () => undefined)).rejects.toSatisfy((error) => isRefusal(error, 'stopping'));
    database = await open();
  });

  it('drains on close: what was accepted is there after opening again', async () => {
    const units = Array.from({ length: 50 }, (_, i) => database.writes.run(insert(`p${i}`)));
    await database.close();
    await Promise.all(units);
    database = await open();
    expect(await idsStored()).toHaveLength(50);
  });

  it('acknowledges nothing of a group whose commit fails, and goes on with the next', async () => {
    const connection = new FailingConnection();
    const queue = new WriteQueue(connection);
    const first = await Promise.allSettled([queue.run(async () => 1), queue.run(async () => 2)]);
    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(connection.calls).toEqual(['begin', 'mark', 'keep', 'mark', 'keep', 'commit', 'roll back']);
    expect(await queue.run(async () => 3)).toBe(3);
  });

  it('tells units that were never run from others: their transaction did not begin', async () => {
    const connection = new FailingConnection('begin');
    const queue = new WriteQueue(connection);
    let ran = 0;
    const units = await Promise.allSettled([queue.run(async () => ran++), queue.run(async () => ran++)]);
    expect(units.map((unit) => unit.status === 'rejected' && unit.reason instanceof UnitNotRun)).toEqual([true, true]);
    expect([ran, connection.calls]).toEqual([0, ['begin', 'roll back']]);
    expect(await queue.run(async () => 3)).toBe(3);
  });
});

/** Fails the first commit, as a full disk does, or the first begin, as a file that another process holds. */
class FailingConnection extends WriteConnection {
  readonly db = {} as EntityManager;
  readonly calls: string[] = [];
  private failed = false;

  constructor(private readonly failing: 'begin' | 'commit' = 'commit') {
    super();
  }

  async begin(): Promise<void> {
    this.calls.push('begin');
    this.failOnce('begin');
  }

  async commit(): Promise<void> {
    this.calls.push('commit');
    this.failOnce('commit');
  }

  async rollBack(): Promise<void> {
    this.calls.push('roll back');
  }

  async markUnit(): Promise<void> {
    this.calls.push('mark');
  }

  async keepUnit(): Promise<void> {
    this.calls.push('keep');
  }

  async undoUnit(): Promise<void> {
    this.calls.push('undo');
  }

  private failOnce(step: 'begin' | 'commit'): void {
    if (this.failed || step !== this.failing) return;
    this.failed = true;
    throw new Error('disk full');
  }
}

describe('openReadOnly', () => {
  const file = (): string => join(folder, 'x.db');

  it('sees what is committed, beside the process that writes, and changes nothing', async () => {
    await database.writes.run(insert('a'));
    const beside = await openReadOnly({ file: file(), entities: [purseEntity] });
    expect(await beside.reads.query('SELECT id FROM purse')).toEqual([{ id: 'a' }]);
    await expect(insert('b')(beside.reads)).rejects.toThrow();
    await database.writes.run(insert('c'));
    expect(await beside.reads.query('SELECT id FROM purse ORDER BY id')).toEqual([{ id: 'a' }, { id: 'c' }]);
    await beside.close();
  });

  it('makes no file, and reads one that nobody has open', async () => {
    await expect(openReadOnly({ file: join(folder, 'y.db'), entities: [] })).rejects.toThrow();
    expect(await readdir(folder)).not.toContain('y.db');
    await database.writes.run(insert('a'));
    await database.close();
    const alone = await openReadOnly({ file: file(), entities: [] });
    expect(await alone.reads.query('SELECT id FROM purse')).toEqual([{ id: 'a' }]);
    await alone.close();
    database = await open();
  });
});

describe('openDatabase', () => {
  it('commits durably: synchronous=FULL on the connection that writes', async () => {
    const pragma = await database.writes.run((db) => db.query<object[]>('PRAGMA synchronous'));
    expect(pragma).toEqual([{ synchronous: 2 }]);
  });

  it('refuses to write through reads', async () => {
    await expect(insert('a')(database.reads)).rejects.toThrow();
    expect(await idsStored()).toEqual([]);
  });

  it.each([undefined, null])('refuses to look a row up by the id %s', async (id) => {
    await database.writes.run(insert('a'));
    await expect(database.reads.findOneBy(purseEntity, { id: id as unknown as string })).rejects.toThrow();
  });

  it('makes the file readable for its owner only', async () => {
    expect((await stat(join(folder, 'x.db'))).mode & 0o777).toBe(0o600);
  });

  it('lets a second process write beside it, with no unit refused because the other wrote between', async () => {
    await database.writes.run(insert('a', 0));
    const second = await open();
    await Promise.all(
      [database.writes, second.writes].map(async (queue) => {
        for (let i = 0; i < 30; i++) {
          await queue.run(async (db) => {
            const purse = await db.findOneByOrFail(purseEntity, { id: 'a' });
            await db.update(purseEntity, { id: 'a' }, { balance: purse.balance + 1 });
          });
        }
      }),
    );
    await second.close();
    expect(await database.reads.findOneBy(purseEntity, { id: 'a' })).toEqual({ id: 'a', balance: 60 });
  });
});

describe('statements', () => {
  it('debits 10 units exactly 10 times when 50 ask at once', async () => {
    await database.writes.run(insert('a', 10));
    const results = await Promise.all(
      Array.from({ length: 50 }, () =>
        database.writes.run((db) =>
          changeOne(db, 'UPDATE purse SET balance = balance - $1 WHERE id = $2 AND balance >= 1', [1, 'a']),
        ),
      ),
    );
    expect(results.filter((changed) => changed)).toHaveLength(10);
    expect(await database.reads.findOneBy(purseEntity, { id: 'a' })).toEqual({ id: 'a', balance: 0 });
  });

  it('does not take a statement whose count the driver hides, nor one that changes several rows', async () => {
    await database.writes.run((db) =>
      insertRows(db, { table: 'purse', columns: ['id', 'balance'] }, [
        ['a', 1],
        ['b', 1],
      ]),
    );
    const change = (sql: string): Promise<boolean> => database.writes.run((db) => changeOne(db, sql, []));
    await expect(change("update purse SET balance = 0 WHERE id = 'a'")).rejects.toThrow();
    await expect(change('UPDATE purse SET balance = 0')).rejects.toThrow();
    expect(await database.reads.countBy(purseEntity, { balance: 1 })).toBe(2);
  });

  it('inserts more rows than one statement holds, and skips those that exist when told to', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => [`p${i}`, i] as const);
    const into = { table: 'purse', columns: ['id', 'balance'], onConflict: 'skip' } as const;
    expect(await database.writes.run((db) => insertRows(db, into, rows))).toBe(20_000);
    expect(await database.writes.run((db) => insertRows(db, into, [...rows.slice(0, 5), ['new', 1]]))).toBe(1);
    const removed = await database.writes.run((db) => changeMany(db, 'DELETE FROM purse WHERE balance < $1', [100]));
    expect(removed).toBe(101);
  });
});

describe('takeExclusiveUse', () => {
  it('lets one holder in, and the next after its release', async () => {
    const file = join(folder, 'lock');
    const first = await takeExclusiveUse(file);
    await expect(takeExclusiveUse(file)).rejects.toSatisfy((error) => isRefusal(error, 'data_dir_in_use'));
    await first.release();
    const second = await takeExclusiveUse(file);
    assert(second);
    await second.release();
  });
});
