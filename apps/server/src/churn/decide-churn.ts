// How often hosts are lost: what was measured, with what is assumed where little was (B25). Pure.
import { strict as assert } from 'node:assert';
import type { ChurnPolicy } from './churn-policy.js';

export interface ObservedChurn {
  /** Time that hosts with shards were there, all added up. */
  readonly hostYears: number;
  /** Hosts that were lost in it with shards on them. */
  readonly losses: number;
  /** Mean share of the time in which hosts answer, 0 to 1; null where nobody was asked. */
  readonly uptime: number | null;
}

export interface Churn {
  /** Expected losses for each host and year: a rate, so 1 means one loss per host and year. */
  readonly lossesPerHostYear: number;
  /** What of it is measured. */
  readonly hostYears: number;
  readonly losses: number;
  /** 0 to 1. */
  readonly uptime: number;
}

/**
 * The mean of a Gamma distribution: the assumed rate, worth its host-years, and what was measured since. So a young network
 * claims no more than what was assumed of it, and an old one what it saw.
 *
 * source   A. Gelman et al., "Bayesian Data Analysis", §2.6: the Poisson model with exposure and its conjugate prior
 */
export function decideChurn(
  { hostYears, losses, uptime }: ObservedChurn,
  { assumed }: Pick<ChurnPolicy, 'assumed'>,
): Churn {
  assert(hostYears >= 0);
  assert(losses >= 0);
  const lossesPerHostYear = (assumed.lossesPerHostYear * assumed.hostYears + losses) / (assumed.hostYears + hostYears);
  return { lossesPerHostYear, hostYears, losses, uptime: uptime ?? assumed.uptime };
}
