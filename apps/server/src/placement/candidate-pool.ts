// Hosts to choose from, prepared once for many draws by weight. Pure.
import type { Candidate } from './candidate.js';

/** What a host weighs that was hardly ever there: it is not shut out for good. */
const UPTIME_WEIGHT_MIN = 0.05;

/** A host is drawn as often as it has free space, and the less often the more it is away. */
export function weightOf({ availableBytes, uptime }: Pick<Candidate, 'availableBytes' | 'uptime'>): number {
  return availableBytes <= 0 ? 0 : availableBytes * Math.min(1, Math.max(UPTIME_WEIGHT_MIN, uptime));
}

/**
 * The weights are those of the time when the pool was made: whoever draws looks whether the host has the room now. A pool
 * that is a moment old therefore errs in how often it draws a host, never in what fits.
 */
export class CandidatePool {
  private sums: Float64Array | null = null;

  constructor(readonly candidates: readonly Candidate[]) {}

  /** One host by weight, in the time of a binary search; undefined where none has any room. */
  draw(random: () => number): Candidate | undefined {
    const sums = this.summed();
    const total = sums.at(-1) ?? 0;
    if (total <= 0) return undefined;
    return this.candidates[firstAbove(sums, random() * total)];
  }

  private summed(): Float64Array {
    if (this.sums !== null) return this.sums;
    const sums = new Float64Array(this.candidates.length);
    let sum = 0;
    for (let i = 0; i < sums.length; i++) {
      sum += weightOf(this.candidates[i]!);
      sums[i] = sum;
    }
    this.sums = sums;
    return sums;
  }
}

/** The first position whose sum is above `target`; sums rise, and the last is above. */
function firstAbove(sums: Float64Array, target: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sums[middle]! > target) high = middle;
    else low = middle + 1;
  }
  return low;
}
