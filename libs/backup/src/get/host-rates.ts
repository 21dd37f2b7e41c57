// How fast each host has been, so that the fastest are asked first.
import type { PeerId } from '#protocol';

const WEIGHT_OF_NEWEST = 0.3;
const HOSTS_MAX = 4_096;
/** A host that was never measured is tried before one known to be slow. */
const UNMEASURED_BYTES_PER_SECOND = Number.MAX_VALUE;

/** Exponentially weighted rates, bytes a second; a failure counts as zero, from which a host recovers by serving. */
export class HostRates {
  private readonly rates = new Map<PeerId, number>();

  of(peerId: PeerId): number {
    return this.rates.get(peerId) ?? UNMEASURED_BYTES_PER_SECOND;
  }

  /** What a host usually does: the middle one of those that have served; null before any has. */
  typical(): number | null {
    const served = [...this.rates.values()].filter((rate) => rate > 0).sort((left, right) => left - right);
    return served[served.length >> 1] ?? null;
  }

  /** Record a transfer that took `tookMs` on the monotonic clock. */
  measured(peerId: PeerId, sizeBytes: number, tookMs: number): void {
    const rate = (sizeBytes * 1000) / Math.max(tookMs, 1);
    const before = this.rates.get(peerId);
    this.keep(peerId, before === undefined ? rate : before + WEIGHT_OF_NEWEST * (rate - before));
  }

  failed(peerId: PeerId): void {
    this.keep(peerId, 0);
  }

  private keep(peerId: PeerId, rate: number): void {
    if (this.rates.size >= HOSTS_MAX && !this.rates.has(peerId)) return;
    this.rates.set(peerId, rate);
  }
}
