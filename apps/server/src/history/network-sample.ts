// How the network was in an hour or on a day, and how two samples of the same time become one. Pure.
import type { PeerState } from '#protocol';

export const SAMPLE_STEPS = ['hour', 'day'] as const;
export type SampleStep = (typeof SAMPLE_STEPS)[number];

/** The order in which samples are written and told. */
export const SAMPLED_STATES = [
  'vetting',
  'active',
  'leaving',
  'suspended',
  'gone',
  'revoked',
] as const satisfies readonly PeerState[];

export interface NetworkSample {
  readonly peers: Readonly<Record<PeerState, number>>;
  readonly onlineHosts: number;
  /** What hosts share, and what of it is used, as they said last. */
  readonly donatedBytes: bigint;
  readonly usedBytes: bigint;
  readonly objects: number;
  /** With fewer sound shards than they were made of. */
  readonly objectsAtRisk: number;
  readonly repairsWaiting: number;
  /** Within this time. */
  readonly auditsPassed: number;
  readonly auditsFailed: number;
  /** Since the first audit, from which the next sample tells what came in between. */
  readonly auditsPassedEver: number;
  readonly auditsFailedEver: number;
  /** Credit that hosting has earned, as of now, and credit that pays for what is stored. */
  readonly creditEarned: bigint;
  readonly creditUsed: bigint;
  /** Null while nothing is measured. */
  readonly lossesPerHostYear: number | null;
}

/**
 * One sample for the time of both. What counts within a time is added up; of what stands at a time the later one holds, but
 * for what somebody should look at: there the worse one does, so that a bad hour does not vanish in its day.
 */
export function mergeSamples(earlier: NetworkSample, later: NetworkSample): NetworkSample {
  return {
    ...later,
    objectsAtRisk: Math.max(earlier.objectsAtRisk, later.objectsAtRisk),
    repairsWaiting: Math.max(earlier.repairsWaiting, later.repairsWaiting),
    auditsPassed: earlier.auditsPassed + later.auditsPassed,
    auditsFailed: earlier.auditsFailed + later.auditsFailed,
  };
}

/** `before` null: this is the first sample, and what was before it belongs to no hour. */
export function auditsSince(
  before: Pick<NetworkSample, 'auditsPassedEver' | 'auditsFailedEver'> | null,
  now: { readonly passed: number; readonly failed: number },
): Pick<NetworkSample, 'auditsPassed' | 'auditsFailed' | 'auditsPassedEver' | 'auditsFailedEver'> {
  return {
    // A restored database may know less than it did.
    auditsPassed: before === null ? 0 : Math.max(0, now.passed - before.auditsPassedEver),
    auditsFailed: before === null ? 0 : Math.max(0, now.failed - before.auditsFailedEver),
    auditsPassedEver: now.passed,
    auditsFailedEver: now.failed,
  };
}
