// Peers of a broker from before probation are what they were, and the way back is open (B23).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { expect, it } from 'vitest';
import { brokerMigrations } from '#migrations/broker/index';

const at = brokerMigrations.findIndex(({ name }) => name === 'PeerStates1795000001200');

it('keeps states, authors and reasons, and ends the probation of those who are there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-migration-'));
  const sources: DataSource[] = [];
  const openWith = async (count: number): Promise<DataSource> => {
    const migrations = [...brokerMigrations.slice(0, count)];
    const source = new DataSource({ type: 'sqlite', database: join(folder, 'broker.db'), migrations });
    sources.push(await source.initialize());
    await source.runMigrations();
    return source;
  };
  try {
    const old = await openWith(at);
    await old.query("INSERT INTO accounts (id, name, created_at_ms) VALUES ('a', 'a', 0)");
    await old.query(
      `INSERT INTO peers (id, account_id, name, state, public_key, certificate_expires_at_ms, created_at_ms,
         state_changed_at_ms, state_changed_by, state_reason, state_revision) VALUES
         ('p1', 'a', 'p1', 'active', 'k1', 0, 5, NULL, NULL, NULL, 0),
         ('p2', 'a', 'p2', 'revoked', 'k2', 0, 6, 7, 'owner', 'lost', 1)`,
    );
    const now = await openWith(at + 1);
    const peers =
      'SELECT id, state, state_changed_by AS "by", state_code AS code, state_reason AS reason, vetted_at_ms FROM peers';
    expect(await now.query(`${peers} ORDER BY id`)).toEqual([
      { id: 'p1', state: 'active', by: null, code: null, reason: null, vetted_at_ms: 5 },
      { id: 'p2', state: 'revoked', by: 'owner', code: 'owner_asked', reason: 'lost', vetted_at_ms: 6 },
    ]);
    await now.query("UPDATE peers SET state = 'leaving', state_changed_by = 'broker' WHERE id = 'p1'");
    await now.undoLastMigration();
    expect(await now.query('SELECT state, state_changed_by AS "by" FROM peers ORDER BY id')).toEqual([
      { state: 'active', by: 'operator' },
      { state: 'revoked', by: 'owner' },
    ]);
    await now.runMigrations();
    expect(await now.query('SELECT COUNT(*) AS changes FROM peer_state_changes')).toEqual([{ changes: 0 }]);
  } finally {
    for (const source of sources) await source.destroy();
    await rm(folder, { recursive: true, force: true });
  }
});
