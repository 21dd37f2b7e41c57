// The network at this moment, in the few numbers that an operator looks at first.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import { formatTime, type PeerState } from '#protocol';
import type { MeasuredNetwork } from '../../history/measure-network.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { LiveBroker } from '../live-broker.js';

type Numeric = number | string;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const REFUSALS_TOLD_MAX = 8;

export interface Overview {
  readonly at: string;
  readonly peers: Record<PeerState, number>;
  readonly onlineHosts: number;
  readonly donatedBytes: string;
  readonly usedBytes: string;
  readonly freeBytes: string;
  readonly accounts: number;
  readonly objects: number;
  readonly objectsAtRisk: number;
  readonly auditsToday: Record<string, number>;
  readonly refusals: { code: string; count: number; lastAt: string }[];
}

@Injectable()
export class TellOverview {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly live: LiveBroker,
    private readonly clock: Clock,
  ) {}

  async run(): Promise<Overview> {
    const db = this.database.reads;
    const nowMs = this.clock.nowMs();
    // What is still counted in memory belongs to the answer.
    await this.live.refusals.write();
    const measured: MeasuredNetwork = await this.live.measureNetwork.run();
    const [accounts] = await db.query<{ accounts: Numeric }[]>('SELECT COUNT(*) AS accounts FROM accounts');
    const audits = await db.query<{ outcome: string; audits: Numeric }[]>(
      'SELECT outcome, SUM(audits) AS audits FROM audit_days WHERE day = $1 GROUP BY outcome',
      [Math.floor(nowMs / DAY_MS)],
    );
    const refusals = await db.query<{ code: string; count: Numeric; last_at_ms: Numeric }[]>(
      `SELECT code, SUM(failures) AS count, MAX(last_at_ms) AS last_at_ms FROM peer_failures WHERE hour_ms >= $1
       GROUP BY code ORDER BY count DESC, code LIMIT ${REFUSALS_TOLD_MAX}`,
      [(Math.floor(nowMs / HOUR_MS) - 1) * HOUR_MS],
    );
    return {
      at: formatTime(nowMs),
      peers: { ...measured.peers },
      onlineHosts: measured.onlineHosts,
      donatedBytes: `${measured.donatedBytes}`,
      usedBytes: `${measured.usedBytes}`,
      freeBytes: `${this.live.hosts.all().reduce((all, { freeBytes }) => all + freeBytes, 0)}`,
      accounts: Number(accounts?.accounts),
      objects: measured.objects,
      objectsAtRisk: measured.objectsAtRisk,
      auditsToday: Object.fromEntries(audits.map((row) => [row.outcome, Number(row.audits)])),
      refusals: refusals.map((row) => ({
        code: row.code,
        count: Number(row.count),
        lastAt: formatTime(Number(row.last_at_ms)),
      })),
    };
  }
}
