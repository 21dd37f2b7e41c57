// Tells an account what it has, how hosting came to it by day and machine, and what it buys.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '#process';
import type { AccountId, CreditAnswer, PeerId } from '#protocol';
import { MeasuredChurn } from '../churn/measured-churn.js';
import { Ledger } from '../ledger/ledger.js';
import { purseOf } from '../ledger/movement.js';
import { decideRedundancy } from '../placement/decide-redundancy.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { RepairPace } from '../repairs/repair-pace.js';
import { decideAllowance } from './decide-exchange.js';
import { type Code, decideSurvival, type Survival } from './decide-survival.js';
import { everyDurabilityClass } from './durability-class.js';
import { findGranted, findProved } from './proved-rows.js';

const DAY_MS = 86_400_000;
const DAY_HOURS = 24n;
const RATIO_STEPS = 1_000;
/** Days times machines, and movements, that are told: the newest. */
const TOLD_MAX = 1_000;
const TOLD_KINDS = "('grant', 'earn', 'withhold', 'vest', 'lapse', 'forfeit', 'adjust')";

/** An account by one of its machines, which is no host of its own; or by its person, in a browser. */
export interface CreditAsker {
  readonly accountId: AccountId;
  readonly peerId: PeerId | null;
}

@Injectable()
export class TellCredit {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly ledger: Ledger,
    private readonly hosts: OnlineHosts,
    private readonly churn: MeasuredChurn,
    private readonly pace: RepairPace,
  ) {}

  async run({ accountId, peerId }: CreditAsker): Promise<CreditAnswer> {
    const db = this.database.reads;
    const { windowDays } = this.settings.policy.exchange;
    const today = Math.floor(this.clock.nowMs() / DAY_MS);
    const first = today - windowDays + 1;
    const { available, reserved, used, withheld } = await this.ledger.balancesOf(db, accountId);
    const proved = (await findProved(db, [accountId], { first, last: today })).get(accountId);
    const allowance = decideAllowance(proved ?? { earnedByteHours: 0n, withheldByteHours: 0n }, windowDays);
    const granted = (await findGranted(db, [accountId])).get(accountId) ?? 0n;
    return {
      credit: { available: `${available}`, reserved: `${reserved}`, used: `${used}`, withheld: `${withheld}` },
      allowance: {
        windowDays,
        earned: `${allowance.earned}`,
        withheld: `${allowance.withheld}`,
        granted: `${granted}`,
        owed: `${granted > allowance.earned ? granted - allowance.earned : 0n}`,
      },
      proved: await provedDaysOf(db, accountId, first),
      movements: await movementsOf(db, accountId, first),
      classes: this.classesFor(peerId, available),
    };
  }

  private classesFor(peerId: PeerId | null, available: bigint): CreditAnswer['classes'] {
    const { policy } = this.settings;
    const eligible = this.hosts.countEligible(peerId);
    return everyDurabilityClass(policy).map(({ name, ratio, redundancy }) => {
      const decision = decideRedundancy(redundancy, eligible);
      const code = decision.ok
        ? { dataShards: decision.redundancy.dataShards, totalShards: decision.redundancy.totalShards }
        : null;
      const backupBytes = (available * BigInt(RATIO_STEPS)) / BigInt(Math.round(ratio * RATIO_STEPS));
      const isDefault = name === policy.exchange.defaultClass;
      return {
        durability: name,
        ratio,
        isDefault,
        code,
        backupBytes: `${backupBytes}`,
        survival: code && this.survivalOf(code),
      };
    });
  }

  private survivalOf(code: Code): Survival {
    const { repair, churn } = this.settings.policy;
    return decideSurvival(
      code,
      this.churn.current(),
      { rules: repair, repairMs: repair.on ? this.pace.repairMs : null },
      churn,
    );
  }
}

async function provedDaysOf(db: EntityManager, accountId: AccountId, first: number): Promise<CreditAnswer['proved']> {
  const rows = await db.query<{ day: number; peer_id: PeerId; name: string; withheld: number; byte_hours: string }[]>(
    `SELECT d.day AS day, d.peer_id AS peer_id, p.name AS name, d.withheld AS withheld,
       CAST(d.byte_hours AS text) AS byte_hours
     FROM proved_days d JOIN peers p ON p.id = d.peer_id
     WHERE d.account_id = $1 AND d.day >= $2 ORDER BY d.day DESC, d.peer_id, d.withheld LIMIT ${TOLD_MAX}`,
    [accountId, first],
  );
  return rows.map((row) => ({
    day: dayText(row.day),
    peerId: row.peer_id,
    name: row.name,
    provedBytes: `${BigInt(row.byte_hours) / DAY_HOURS}`,
    withheld: Number(row.withheld) === 1,
  }));
}

/** What still has its entry, and before that the sums of days. */
async function movementsOf(db: EntityManager, accountId: AccountId, first: number): Promise<CreditAnswer['movements']> {
  const own = [purseOf('available', accountId), purseOf('withheld', accountId)];
  const touches = `kind IN ${TOLD_KINDS} AND (debit IN ($1, $2) OR credit IN ($3, $4))`;
  const rows = await db.query<{ day: number; kind: string; amount: string; reason: string | null }[]>(
    `SELECT day, kind, CAST(SUM(amount) AS text) AS amount, reason FROM (
       SELECT at_ms / ${DAY_MS} AS day, kind, amount, reason FROM ledger_entries WHERE ${touches}
       UNION ALL SELECT day, kind, amount, NULL FROM ledger_days
         WHERE kind IN ${TOLD_KINDS} AND (debit IN ($5, $6) OR credit IN ($7, $8))) moved
     WHERE day >= $9 GROUP BY day, kind, reason ORDER BY day DESC, kind LIMIT ${TOLD_MAX}`,
    [...own, ...own, ...own, ...own, first],
  );
  return rows.map((row) => ({
    day: dayText(row.day),
    kind: row.kind as CreditAnswer['movements'][number]['kind'],
    amount: row.amount,
    reason: row.reason,
  }));
}

function dayText(day: number): string {
  return new Date(Number(day) * DAY_MS).toISOString().slice(0, 10);
}
