// All streams that this relay carries: their number, what they hold, and the ends of those that idle.
import { ProtocolError } from '#protocol';
import type { LeaseBook } from '../leases/lease-book.js';
import { IDLE_TUNNEL_MS_MAX, STALL_MS_MAX, TUNNELS_MAX } from '../limits.js';
import { type Direction, Tunnel, type TunnelParts } from './tunnel.js';

export class Tunnels {
  /** Bytes that were handed on, by direction. */
  readonly movedBytes: Record<Direction, number> = { to_peer: 0, from_peer: 0 };
  private readonly running = new Set<Tunnel>();
  private places = 0;
  private readonly idleWaiters: (() => void)[] = [];

  constructor(
    private readonly leases: LeaseBook,
    private readonly tunnelsMax = TUNNELS_MAX,
  ) {}

  get count(): number {
    return this.running.size;
  }

  get all(): readonly Tunnel[] {
    return [...this.running];
  }

  get heldBytes(): number {
    let sum = 0;
    for (const tunnel of this.running) sum += tunnel.heldBytes;
    return sum;
  }

  /** A place for a stream that is on its way; it is given back by the returned function. throws relay_full */
  take(): () => void {
    if (this.places >= this.tunnelsMax) throw new ProtocolError('relay_full');
    this.places++;
    let isTaken = true;
    return () => {
      if (isTaken) this.places--;
      isTaken = false;
      if (this.places === 0) for (const wake of this.idleWaiters.splice(0)) wake();
    };
  }

  /** Carry a stream until it ends; `giveBack` is of its place. */
  run(parts: Omit<TunnelParts, 'onMoved'>, giveBack: () => void): void {
    const onMoved = (direction: Direction, sizeBytes: number): void => {
      this.movedBytes[direction] += sizeBytes;
    };
    const tunnel: Tunnel = new Tunnel({ ...parts, onMoved }, () => {
      this.running.delete(tunnel);
      giveBack();
    });
    this.running.add(tunnel);
    tunnel.start();
  }

  /** End what stalls, idles, or goes on under a lease that has ended. */
  watch(nowMs: number): void {
    for (const tunnel of this.running) {
      const { stalledSinceMs, movedMs, parts } = tunnel;
      const isStalled = stalledSinceMs !== null && nowMs - stalledSinceMs >= STALL_MS_MAX;
      if (isStalled || nowMs - movedMs >= IDLE_TUNNEL_MS_MAX || this.leases.isEnded(parts.reach)) tunnel.end('bound');
    }
  }

  /** Resolves when no stream is carried, or on its way. */
  async idle(): Promise<void> {
    if (this.places > 0) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  endAll(): void {
    for (const tunnel of this.running) tunnel.end('stopping');
  }
}
