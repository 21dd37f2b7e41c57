// Alive and ready: what anybody is told, what the operator is, and what a stopping broker says before it is gone.
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WRITE_UNITS_PENDING_MAX } from '#database';
import { parsePolicy } from '../config/policy.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { type AdminAnswer, AdminClient, askAt } from '../testing/admin-client.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { Readiness, type ReadinessParts } from './readiness.js';

let fixture: BrokerFixture;
afterEach(() => fixture.remove());

async function begin(policy: object = {}): Promise<AdminClient> {
  fixture = await BrokerFixture.start(policy);
  return AdminClient.as(fixture, 'viewer');
}

async function ask(path: string): Promise<AdminAnswer> {
  return askAt(fixture.url, { method: 'GET', path, headers: {} }, await fixture.caPem());
}

/** As somebody who has the file of the database open beside the broker. */
async function beside(change: (database: BrokerDatabase) => Promise<unknown>): Promise<void> {
  const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
  await change(database);
  await database.close();
}

const causeOf = ({ body }: AdminAnswer): unknown => (body.facts as Record<string, unknown> | undefined)?.cause;

describe('a broker', () => {
  it('that can work is alive and ready, on both listeners', async () => {
    const viewer = await begin();
    for (const path of ['/healthz', '/readyz']) {
      expect((await ask(path)).body).toEqual({ status: 'ok' });
      expect((await viewer.get(path)).body).toEqual({ status: 'ok' });
    }
  });

  it('without room on its disk is alive and not ready: anybody hears the cause, the operator what it is about', async () => {
    const viewer = await begin({ health: { diskFreeBytesMin: Number.MAX_SAFE_INTEGER } });
    expect((await ask('/healthz')).status).toBe(200);
    const answer = await ask('/readyz');
    expect([answer.status, answer.code, causeOf(answer)]).toEqual([503, 'not_ready', 'disk_nearly_full']);
    expect(answer.text).not.toMatch(/bytes/);
    const told = await viewer.get('/readyz');
    expect([told.status, told.code, causeOf(told)]).toEqual([503, 'not_ready', 'disk_nearly_full']);
    expect(told.text).toMatch(/\d+ bytes are free/);
  });

  it('whose key-encryption key is gone is not ready: it would not start again', async () => {
    const viewer = await begin();
    const key = join(fixture.dataDir, 'key-encryption.key');
    await rename(key, `${key}.away`);
    expect(causeOf(await ask('/readyz'))).toBe('key_encryption_key_missing');
    expect((await ask('/readyz')).text).not.toContain(fixture.dataDir);
    expect((await viewer.get('/readyz')).text).toContain('key-encryption.key');
    await rename(`${key}.away`, key);
    expect(causeOf(await ask('/readyz'))).toBe('key_encryption_key_missing');
    fixture.clock.advance(2_000);
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('whose database takes no writes, or is of another version, is not ready, and says no more than that', async () => {
    const viewer = await begin();
    const refuse = "SELECT RAISE(FAIL, 'disk I/O error on a path of this machine')";
    await beside((database) =>
      database.write((db) =>
        db.query(`CREATE TRIGGER stuck BEFORE UPDATE ON peer_state_revision BEGIN ${refuse}; END`),
      ),
    );
    const stuck = await ask('/readyz');
    expect([stuck.status, causeOf(stuck)]).toEqual([503, 'database_unwritable']);
    expect(stuck.text).not.toMatch(/disk I\/O/);
    expect((await viewer.get('/readyz')).text).toMatch(/disk I\/O/);
    await beside((database) => database.write((db) => db.query('DROP TRIGGER stuck')));
    await beside((database) =>
      database.write((db) => db.query('DELETE FROM migrations WHERE id = (SELECT MAX(id) FROM migrations)')),
    );
    fixture.clock.advance(2_000);
    const old = await ask('/readyz');
    expect([old.status, causeOf(old)]).toEqual([503, 'migrations_pending']);
    expect(old.text).not.toMatch(/migrations were/);
  });

  it('is asked by the world, and looks once in a while', async () => {
    await begin();
    await ask('/readyz');
    const { commits } = fixture.broker;
    for (let i = 0; i < 20; i++) await ask('/readyz');
    expect(fixture.broker.commits).toBe(commits);
    fixture.clock.advance(2_000);
    await ask('/readyz');
    expect(fixture.broker.commits).toBe(commits + 1);
  });

  it('whose writer hangs, or has too much to do, is not ready, and its queue does not grow from being asked', async () => {
    await begin();
    const { clock, dataDir } = fixture;
    const keyFile = join(dataDir, 'key-encryption.key');
    const database = await BrokerDatabase.open(join(dataDir, 'broker.db'));
    const { reads } = database;
    let writes = 0;
    const partsOf = (waitingWrites: number): ReadinessParts => ({
      database: {
        reads,
        waitingWrites,
        write: () => {
          writes++;
          return new Promise(() => undefined);
        },
      },
      settings: { policy: parsePolicy({}) },
      clock,
      dataDir,
      keyFile,
    });
    const causes = async (readiness: Readiness): Promise<string[]> => {
      const found = readiness.unready();
      clock.advance(5_000);
      return (await found).map(({ cause }) => cause);
    };
    const hanging = new Readiness(partsOf(0.8 * WRITE_UNITS_PENDING_MAX - 1));
    expect(await causes(hanging)).toEqual(['database_unwritable']);
    expect(await causes(hanging)).toEqual(['database_unwritable']);
    expect(writes).toBe(1);
    const full = new Readiness(partsOf(0.8 * WRITE_UNITS_PENDING_MAX));
    expect(await causes(full)).toEqual(['database_unwritable', 'write_queue_full']);
    await database.close();
  });

  it('whose clock was set is not ready until it is right again', async () => {
    await begin();
    const { clock } = fixture;
    clock.setWallMs(clock.nowMs() - 6 * 60_000);
    expect(causeOf(await ask('/readyz'))).toBe('clock_moved');
    clock.setWallMs(clock.nowMs() + 6 * 60_000);
    clock.advance(2_000);
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('that is told to stop says first that it is not ready, while it still answers, and then refuses', async () => {
    const viewer = await begin({ health: { stopDelayMs: 10_000 } });
    await ask('/healthz');
    const stopping = fixture.stop();
    expect(causeOf(await ask('/readyz'))).toBe('stopping');
    expect((await ask('/healthz')).status).toBe(200);
    expect((await viewer.get('/v1/admin')).status).toBe(200);
    fixture.clock.advance(10_000);
    await stopping;
    await expect(ask('/healthz')).rejects.toThrow();
    await rm(join(fixture.dataDir, 'broker.lock'), { force: true });
  });
});
