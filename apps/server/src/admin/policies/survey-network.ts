// Reads of the live state what a policy bears on, for decidePolicyEffect.
import type { EntityManager } from 'typeorm';
import type { PeerState } from '#protocol';
import { takesNewShards } from '../../peers/peer-standing.js';
import type { NetworkSurvey } from './decide-policy-effect.js';

type Numeric = number | string;

export async function surveyNetwork(db: EntityManager, nowMs: number): Promise<NetworkSurvey> {
  const hosts = await db.query<{ state: PeerState; seen_at_ms: Numeric; free_bytes: Numeric }[]>(
    `SELECT state, seen_at_ms, free_bytes FROM peers
     WHERE address IS NOT NULL AND seen_at_ms IS NOT NULL AND free_bytes IS NOT NULL`,
  );
  const objects = await db.query<ObjectsRow[]>(
    `SELECT durability, data_shards, total_shards, safe_shards, stored_shards, COUNT(*) AS objects FROM objects
     WHERE deleted_at_ms IS NULL GROUP BY durability, data_shards, total_shards, safe_shards, stored_shards`,
  );
  const keys = await db.query<{ created_at_ms: Numeric }[]>(
    "SELECT created_at_ms FROM transaction_keys WHERE state = 'current'",
  );
  const [accounts] = await db.query<{ total: Numeric; earning: Numeric }[]>(
    `SELECT (SELECT COUNT(*) FROM accounts) AS total,
       (SELECT COUNT(DISTINCT account_id) FROM proved_days) AS earning`,
  );
  return {
    nowMs,
    hosts: hosts
      .filter(({ state }) => takesNewShards(state))
      .map((row) => ({ seenAtMs: Number(row.seen_at_ms), freeBytes: Number(row.free_bytes) })),
    objects: objects.map((row) => ({
      durability: row.durability,
      dataShards: Number(row.data_shards),
      totalShards: Number(row.total_shards),
      safeShards: Number(row.safe_shards),
      storedShards: Number(row.stored_shards),
      objects: Number(row.objects),
    })),
    keysCreatedAtMs: keys.map((row) => Number(row.created_at_ms)),
    accounts: Number(accounts?.total),
    earningAccounts: Number(accounts?.earning),
  };
}

interface ObjectsRow {
  durability: string;
  data_shards: Numeric;
  total_shards: Numeric;
  safe_shards: Numeric;
  stored_shards: Numeric;
  objects: Numeric;
}
