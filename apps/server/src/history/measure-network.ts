// Counts how the network is now. Each question is answered from an index or from tables of a row for each peer or account:
// none reads the shards.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '#process';
import type { PeerState } from '#protocol';
import { MeasuredChurn } from '../churn/measured-churn.js';
import { HOSTING_STATES } from '../peers/peer-standing.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { type NetworkSample, SAMPLED_STATES } from './network-sample.js';

type Numeric = number | string;

export type MeasuredNetwork = Omit<
  NetworkSample,
  'auditsPassed' | 'auditsFailed' | 'auditsPassedEver' | 'auditsFailedEver'
> & {
  /** Since the first audit. */
  readonly audits: { readonly passed: number; readonly failed: number };
};

const HOSTING = HOSTING_STATES.map((state) => `'${state}'`).join(', ');

@Injectable()
export class MeasureNetwork {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly hosts: OnlineHosts,
    private readonly churn: MeasuredChurn,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  async run(): Promise<MeasuredNetwork> {
    const { reads } = this.database;
    // One after another: between them others get their turn at the connection.
    const peers = await countPeers(reads);
    const bytes = await one<{ donated: string; used: string }>(
      reads,
      `SELECT CAST(COALESCE(SUM(share_bytes), 0) AS text) AS donated, CAST(COALESCE(SUM(used_bytes), 0) AS text) AS used
       FROM peers WHERE state IN (${HOSTING})`,
    );
    const objects = await one<{ all: Numeric }>(
      reads,
      'SELECT COUNT(*) AS "all" FROM objects WHERE deleted_at_ms IS NULL',
    );
    const objectsAtRisk = await this.countAtRisk(reads);
    const repairs = await one<{ waiting: Numeric }>(
      reads,
      "SELECT COUNT(*) AS waiting FROM repairs WHERE state = 'waiting'",
    );
    const audits = await one<{ passed: Numeric; failed: Numeric }>(
      reads,
      'SELECT COALESCE(SUM(passed), 0) AS passed, COALESCE(SUM(failed), 0) AS failed FROM audit_scores',
    );
    const earned = await one<{ credit: string }>(
      reads,
      'SELECT CAST(COALESCE(SUM(granted), 0) AS text) AS credit FROM exchange_accounts',
    );
    const used = await one<{ credit: string }>(
      reads,
      // The names of these purses are a range of the primary key: `;` comes after `:`.
      "SELECT CAST(COALESCE(SUM(balance), 0) AS text) AS credit FROM ledger_accounts WHERE id >= 'used:' AND id < 'used;'",
    );
    return {
      peers,
      onlineHosts: this.hosts.all().length,
      donatedBytes: BigInt(bytes.donated),
      usedBytes: BigInt(bytes.used),
      objects: Number(objects.all),
      objectsAtRisk,
      repairsWaiting: Number(repairs.waiting),
      audits: { passed: Number(audits.passed), failed: Number(audits.failed) },
      creditEarned: BigInt(earned.credit),
      creditUsed: BigInt(used.credit),
      lossesPerHostYear: this.churn.current().lossesPerHostYear,
    };
  }

  /** An object of which shards may still be on their way is not one that lost any, nor one that never came to be. */
  private async countAtRisk(reads: EntityManager): Promise<number> {
    const { tokenLifeMs, reportGraceMs } = this.settings.policy;
    const counted = await one<{ objects: Numeric }>(
      reads,
      `SELECT COUNT(*) AS objects FROM objects
       WHERE deleted_at_ms IS NULL AND stored_shards < total_shards AND stored_shards > 0 AND created_at_ms <= $1`,
      [this.clock.nowMs() - tokenLifeMs - reportGraceMs],
    );
    return Number(counted.objects);
  }
}

async function countPeers(reads: EntityManager): Promise<Record<PeerState, number>> {
  const rows = await reads.query<{ state: PeerState; peers: Numeric }[]>(
    'SELECT state, COUNT(*) AS peers FROM peers GROUP BY state',
  );
  const found = new Map(rows.map(({ state, peers }) => [state, Number(peers)]));
  const counts = SAMPLED_STATES.map((state) => [state, found.get(state) ?? 0] as const);
  return Object.fromEntries(counts) as Record<PeerState, number>;
}

async function one<T extends object>(reads: EntityManager, sql: string, values: readonly number[] = []): Promise<T> {
  const [row] = await reads.query<T[]>(sql, [...values]);
  if (row === undefined) throw new Error('a count without a row');
  return row;
}
