// How fast each host has been, so that the fastest are asked first.
import type { PeerId } from '#protocol';

const WEIGHT_OF_NEWEST = 0.3;
const HOSTS_MAX = 4_096;
/** A host that was never measured is tried before one known to be slow. */
const UNMEASURED_BYTES_PER_SECOND = Number.MAX_VALUE;

/** Exponentially weighted rates, bytes a second; a failure counts as zero, from which a host recovers by serving. */
export class HostRates {
  private readonly rates = new Map<PeerId, number>();
  /** Those of the above whose rate is known, and not only that it is no higher. */
  private readonly served = new Set<PeerId>();

  of(peerId: PeerId): number {
    return this.rates.get(peerId) ?? UNMEASURED_BYTES_PER_SECOND;
  }

  /** What a host usually does: the middle one of those that have served and not failed since; null before any has. */
  typical(): number | null {
    const rates = [...this.served].map((peerId) => this.rates.get(peerId)!).sort((left, right) => left - right);
    return rates[rates.length >> 1] ?? null;
  }

  /** Record a transfer that took `tookMs` on the monotonic clock. */
  measured(peerId: PeerId, sizeBytes: number, tookMs: number): void {
    if (this.move(peerId, sizeBytes, tookMs)) this.served.add(peerId);
  }

  /**
   * Record that `sizeBytes` were not there after `tookMs`, or were so few that the way took the time: reason to ask
   * others first, and no measure of what a host usually does.
   */
  keptWaiting(peerId: PeerId, sizeBytes: number, tookMs: number): void {
    this.move(peerId, sizeBytes, tookMs);
  }

  failed(peerId: PeerId): void {
    this.keep(peerId, 0);
    this.served.delete(peerId);
  }

  private move(peerId: PeerId, sizeBytes: number, tookMs: number): boolean {
    const rate = (sizeBytes * 1000) / Math.max(tookMs, 1);
    const before = this.rates.get(peerId);
    return this.keep(peerId, before === undefined ? rate : before + WEIGHT_OF_NEWEST * (rate - before));
  }

  /** False when no more hosts are remembered. */
  private keep(peerId: PeerId, rate: number): boolean {
    if (this.rates.size >= HOSTS_MAX && !this.rates.has(peerId)) return false;
    this.rates.set(peerId, rate);
    return true;
  }
}
