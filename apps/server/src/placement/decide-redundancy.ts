// How many shards a new object gets: the best row of the policy that the hosts at hand allow. Pure.
import type { Redundancy } from '#protocol';
import type { RedundancyRow } from '../config/policy.js';

export type RedundancyDecision =
  | { readonly ok: true; readonly redundancy: Redundancy }
  | { readonly ok: false; readonly code: 'not_enough_hosts' };

/**
 * table           rows of the policy, in any order
 * eligibleHosts   hosts that could take a shard from this client now
 */
export function decideRedundancy(table: readonly RedundancyRow[], eligibleHosts: number): RedundancyDecision {
  let best: RedundancyRow | null = null;
  for (const row of table) {
    if (row.hosts <= eligibleHosts && (best === null || row.hosts > best.hosts)) best = row;
  }
  if (best === null) return { ok: false, code: 'not_enough_hosts' };
  const { dataShards, totalShards, safeShards } = best;
  return { ok: true, redundancy: { dataShards, totalShards, safeShards, eligibleHosts } };
}
