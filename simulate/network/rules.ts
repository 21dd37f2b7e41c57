// The broker's policy as the simulator runs it: the default policy, and what the options change of it.
import { ProtocolError } from '#protocol';
import { type AuditPolicy, auditPolicy } from '../../apps/server/src/audits/audit-policy.js';
import { type Policy, parsePolicy } from '../../apps/server/src/config/policy.js';
import { decideRedundancy } from '../../apps/server/src/placement/decide-redundancy.js';
import type { Code, SimulationOptions } from '../options.js';

export interface Rules {
  readonly policy: Policy;
  readonly audits: AuditPolicy;
  readonly code: Code;
  /** Credit for a byte of backup, of the durability class. */
  readonly ratio: number;
  /** A peer that has been away for so long is done without; one that is lost is missed after so long. */
  readonly awayForHours: number;
  readonly lostForHours: number;
  isRepairDue(shardsLeft: number): boolean;
  /** Who is repaired first: the least. */
  repairRank(shardsLeft: number): number;
}

export function rulesFor(options: SimulationOptions): Rules {
  const policy = parsePolicy({});
  const durabilityClass = classOf(options, policy);
  const code = options.code ?? codeFor(options.peers, durabilityClass.redundancy ?? policy.redundancy);
  const repairAt = options.repairAt ?? code.totalShards - 1;
  return {
    policy,
    code,
    ratio: durabilityClass.ratio,
    audits: options.auditRate === null ? policy.audits : auditPolicy.parse(auditsAtRate(options.auditRate)),
    awayForHours: options.repairHours === null ? options.missedAfterHours : Number.POSITIVE_INFINITY,
    lostForHours: options.repairHours === null ? options.missedAfterHours : 0,
    isRepairDue: (left) => left <= repairAt,
    repairRank: (left) => left,
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
