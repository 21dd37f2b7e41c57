// How fast each host has been, so that the fastest are asked first.
import type { PeerId } from '#protocol';

const WEIGHT_OF_NEWEST = 0.3;
const HOSTS_MAX = 4_096;
/** A host that was never measured is tried before one known to be slow. */
const UNMEASURED_BYTES_PER_SECOND = Number.MAX_VALUE;

/** Exponentially weighted rates, bytes a second; a failure counts as zero, from which a host recovers by serving. */
export class HostRates {
  private readonly rates = new Map<PeerId, number>();
  /** The same of those that have served, by what they have served alone. */
  private readonly served = new Map<PeerId, number>();

  of(peerId: PeerId): number {
    return this.rates.get(peerId) ?? UNMEASURED_BYTES_PER_SECOND;
  }

  /** What a host usually does: the middle one of those that have served and not failed since; null before any has. */
  typical(): number | null {
    const rates = [...this.served.values()].sort((left, right) => left - right);
    return rates[rates.length >> 1] ?? null;
  }

  /** Record a transfer that took `tookMs` on the monotonic clock. */
  measured(peerId: PeerId, sizeBytes: number, tookMs: number): void {
    this.keptWaiting(peerId, sizeBytes, tookMs);
    if (this.rates.has(peerId)) this.served.set(peerId, moved(this.served.get(peerId), sizeBytes, tookMs));
  }

  /**
   * Record that `sizeBytes` were not there after `tookMs`, or were so few that the way took the time: reason to ask
   * others first, and no measure of what a host usually does.
   */
  keptWaiting(peerId: PeerId, sizeBytes: number, tookMs: number): void {
    this.keep(peerId, moved(this.rates.get(peerId), sizeBytes, tookMs));
  }

  failed(peerId: PeerId): void {
    this.keep(peerId, 0);
    this.served.delete(peerId);
  }

  private keep(peerId: PeerId, rate: number): void {
    if (this.rates.size < HOSTS_MAX || this.rates.has(peerId)) this.rates.set(peerId, rate);
  }
}

/** `before` where there is none yet: the rate as it is. */
function moved(before: number | undefined, sizeBytes: number, tookMs: number): number {
  const rate = (sizeBytes * 1000) / Math.max(tookMs, 1);
  return before === undefined ? rate : before + WEIGHT_OF_NEWEST * (rate - before);
}
