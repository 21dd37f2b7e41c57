// The versions of the policy, as rows: each as it was written down, by whom and why. None is ever changed.
import type { EntityManager } from 'typeorm';
import { insertRows } from '#database';

export interface PolicyVersion {
  /** 1, 2, 3, ... */
  readonly version: number;
  /** `file`: from policy.json at a start; `admin`: through the admin interface. */
  readonly origin: 'file' | 'admin';
  /** What is missing in it has its default. */
  readonly written: unknown;
  /** Id of an admin key, or `broker`. */
  readonly madeBy: string;
  readonly reason: string;
  readonly atMs: number;
}

export interface PolicyVersionRow {
  version: number | string;
  origin: PolicyVersion['origin'];
  written: string;
  made_by: string;
  reason: string;
  at_ms: number | string;
}

export async function findLatestVersion(
  db: EntityManager,
  origin: PolicyVersion['origin'] | null = null,
): Promise<PolicyVersion | null> {
  const where = origin === null ? '' : 'WHERE origin = $1';
  const [row] = await db.query<PolicyVersionRow[]>(
    `SELECT * FROM policy_versions ${where} ORDER BY version DESC LIMIT 1`,
    origin === null ? [] : [origin],
  );
  return row === undefined ? null : policyVersionFrom(row);
}

export async function findVersion(db: EntityManager, version: number): Promise<PolicyVersion | null> {
  const [row] = await db.query<PolicyVersionRow[]>('SELECT * FROM policy_versions WHERE version = $1', [version]);
  return row === undefined ? null : policyVersionFrom(row);
}

export async function insertVersion(db: EntityManager, of: PolicyVersion): Promise<void> {
  const columns = ['version', 'origin', 'written', 'made_by', 'reason', 'at_ms'];
  const { version, origin, written, madeBy, reason, atMs } = of;
  await insertRows(db, { table: 'policy_versions', columns }, [
    [version, origin, JSON.stringify(written), madeBy, reason, atMs],
  ]);
}

export function policyVersionFrom(row: PolicyVersionRow): PolicyVersion {
  const { origin, made_by: madeBy, reason } = row;
  const written: unknown = JSON.parse(row.written);
  return { version: Number(row.version), origin, written, madeBy, reason, atMs: Number(row.at_ms) };
}
