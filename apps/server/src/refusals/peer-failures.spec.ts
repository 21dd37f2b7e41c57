// Failures are counted by the codes that the broker knows; names that peers make up fill no table.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerId } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { countFailures } from './peer-failures.js';

let folder: string;
let database: BrokerDatabase;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-failures-'));
  database = await BrokerDatabase.open(join(folder, 'broker.db'));
});

afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

describe('countFailures', () => {
  it('has one row for all codes that it does not know', async () => {
    const failure = { hostId: 'h' as PeerId, clientId: 'c' as PeerId, reporter: 'client' as const, op: 'put' as const };
    await database.write((db) =>
      countFailures(
        db,
        [
          { ...failure, code: 'host_full' },
          { ...failure, code: 'made_up' },
          { ...failure, code: 'made_up_too', count: 5 },
        ],
        0,
      ),
    );
    await database.write((db) => countFailures(db, [{ ...failure, code: 'and_another' }], 0));
    const rows = await database.reads.query('SELECT code, failures FROM peer_failures ORDER BY code');
    expect(rows).toEqual([
      { code: 'host_full', failures: 1 },
      { code: 'other', failures: 7 },
    ]);
  });
});
