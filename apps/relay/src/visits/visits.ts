// All visits under way: their number, and the ends of those that idle.
import { type PeerId, ProtocolError } from '#protocol';
import type { LeaseBook } from '../leases/lease-book.js';
import { VISITS_MAX, VISITS_PER_PEER_MAX } from './limits.js';
import { Visit, type VisitParts } from './visit.js';

export class Visits {
  private readonly running = new Set<Visit>();
  private readonly ofPeers = new Map<PeerId, number>();
  private places = 0;

  constructor(
    private readonly leases: LeaseBook,
    private readonly visitsMax = VISITS_MAX,
  ) {}

  get count(): number {
    return this.running.size;
  }

  get all(): readonly Visit[] {
    return [...this.running];
  }

  get heldBytes(): number {
    let sum = 0;
    for (const visit of this.running) sum += visit.heldBytes;
    return sum;
  }

  /** A place for a visit to this peer; it is given back by the returned function, once. throws relay_full */
  take(peerId: PeerId): () => void {
    const ofPeer = this.ofPeers.get(peerId) ?? 0;
    if (this.places >= this.visitsMax || ofPeer >= VISITS_PER_PEER_MAX) throw new ProtocolError('relay_full');
    this.places++;
    this.ofPeers.set(peerId, ofPeer + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.places--;
      const left = this.ofPeers.get(peerId)! - 1;
      if (left === 0) this.ofPeers.delete(peerId);
      else this.ofPeers.set(peerId, left);
    };
  }

  /** Carry a visit until it ends; `giveBack` is of its place. */
  run(parts: VisitParts, giveBack: () => void): Visit {
    const visit: Visit = new Visit(parts, () => {
      this.running.delete(visit);
      giveBack();
    });
    this.running.add(visit);
    visit.start();
    return visit;
  }

  /** End what idles, stalls, or goes on under a lease that has ended. */
  watch(nowMs: number): void {
    for (const visit of this.running) {
      if (visit.isOverdue(nowMs) || this.leases.isEnded(visit.parts.serve)) visit.end();
    }
  }

  endAll(): void {
    for (const visit of this.running) visit.end();
  }
}
