// The broker's policy as the simulator runs it: the default policy, and what the options change of it.
import { ProtocolError } from '#protocol';
import { type AuditPolicy, auditPolicy } from '../../apps/server/src/audits/audit-policy.js';
import { decideChurn } from '../../apps/server/src/churn/decide-churn.js';
import { type Policy, parsePolicy } from '../../apps/server/src/config/policy.js';
import { decideRedundancy } from '../../apps/server/src/placement/decide-redundancy.js';
import { decideRepair } from '../../apps/server/src/repairs/decide-repair-order.js';
import type { Code, SimulationOptions } from '../options.js';

const HOUR_MS = 3_600_000;

/** What the broker counts on of an object: shards on hosts that are there, and on hosts that are shortly away. */
export interface ShardsSeen {
  readonly sound: number;
  readonly away: number;
}

export interface RepairRule {
  readonly isDue: boolean;
  /** Who is repaired first: the least. */
  readonly rank: number;
}

/** What the broker has seen of its network so far. */
export interface Measured {
  readonly hostYears: number;
  readonly losses: number;
  /** Mean time from when a repair is due until it has ended; null for too few of them. */
  readonly repairHours: number | null;
}

export interface Rules {
  readonly policy: Policy;
  readonly audits: AuditPolicy;
  readonly code: Code;
  /** Credit for a byte of backup, of the durability class. */
  readonly ratio: number;
  /** A peer that has been away for so long is done without; one that is lost is missed after so long. */
  readonly awayForHours: number;
  readonly lostForHours: number;
  repairOf(seen: ShardsSeen): RepairRule;
  /** From now on repair goes by this. */
  measure(measured: Measured): void;
}

export function rulesFor(options: SimulationOptions): Rules {
  const policy = parsePolicy({});
  const durabilityClass = classOf(options, policy);
  const code = options.code ?? codeFor(options.peers, durabilityClass.redundancy ?? policy.redundancy);
  const missedAfterHours = options.missedAfterHours ?? policy.repair.missedAfterMs / HOUR_MS;
  return {
    policy,
    code,
    ratio: durabilityClass.ratio,
    audits: options.auditRate === null ? policy.audits : auditPolicy.parse(auditsAtRate(options.auditRate)),
    awayForHours: options.repairHours === null ? missedAfterHours : Number.POSITIVE_INFINITY,
    lostForHours: options.repairHours === null ? missedAfterHours : 0,
    ...repairRules(options, policy, code, missedAfterHours),
  };
}

type RepairRules = Pick<Rules, 'repairOf' | 'measure'>;

/** The broker's own decision, unless an option names a threshold, or the Markov chain's assumptions are asked for. */
function repairRules(options: SimulationOptions, policy: Policy, code: Code, missedAfterHours: number): RepairRules {
  const { totalShards } = code;
  if (options.repairAt !== null || options.repairHours !== null) {
    const repairAt = options.repairAt ?? totalShards - 1;
    const repairOf = ({ sound, away }: ShardsSeen): RepairRule => ({
      isDue: sound + away <= repairAt,
      rank: sound + away,
    });
    return { repairOf, measure: () => undefined };
  }
  const repair = { ...policy.repair, missedAfterMs: missedAfterHours * HOUR_MS };
  let measured: Measured = { hostYears: 0, losses: 0, repairHours: null };
  // The same question comes for thousands of objects a day.
  const known = new Map<number, RepairRule>();
  return {
    repairOf: ({ sound, away }) => {
      const key = sound * (totalShards + 1) + away;
      const found = known.get(key);
      if (found !== undefined) return found;
      const { lossesPerHostYear } = decideChurn({ ...measured, uptime: null }, policy.churn);
      const repairMs = measured.repairHours === null ? repair.expectedMs : measured.repairHours * HOUR_MS;
      const decision = decideRepair({ ...code, sound, away, lossesPerHostYear, repairMs }, repair);
      const rule = { isDue: decision.isDue, rank: Math.min(decision.expectedTimeToLossMs, Number.MAX_VALUE) };
      known.set(key, rule);
      return rule;
    },
    measure: (next) => {
      measured = next;
      known.clear();
    },
  };
}

function classOf(options: SimulationOptions, { exchange }: Policy): Policy['exchange']['classes'][string] {
  const name = options.class ?? exchange.defaultClass;
  const found = exchange.classes[name];
  if (found !== undefined) return found;
  const known = Object.keys(exchange.classes).join(', ');
  throw new ProtocolError('usage', {}, { detail: `--class is none of ${known}` });
}

function codeFor(peers: number, table: Policy['redundancy']): Code {
  const decision = decideRedundancy(table, peers - 1);
  if (decision.ok) return decision.redundancy;
  throw new ProtocolError('usage', {}, { detail: `--peers ${peers} are too few for this class` });
}

function auditsAtRate(perDay: number): object {
  if (perDay === 0) return { on: false };
  return { perHostPerDay: perDay, perTiBPerDay: 0, perHostPerDayMax: perDay };
}
