// A relay that lies: what goes through it is, by a seed, changed, dropped, swapped, repeated, held back or cut off; and kept.
import { Duplex } from 'node:stream';

export type Harm = 'change' | 'drop' | 'swap' | 'repeat' | 'insert' | 'hold' | 'cut';
export const HARMS: readonly Harm[] = ['change', 'drop', 'swap', 'repeat', 'insert', 'hold', 'cut'];

/** A small generator of numbers (mulberry32), so that a run can be had again by its seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface HostilePlan {
  readonly harm: Harm;
  /** In which direction, and at which frame of it. */
  readonly towards: 'host' | 'client';
  readonly frame: number;
  readonly random: () => number;
}

/** Two ends of a line. Frames are 1 to 1,024 bytes long, and one of them is harmed as the plan says. */
export class HostileLine {
  readonly client: Duplex;
  readonly host: Duplex;
  /** Everything that the relay saw. */
  readonly seen: Buffer[] = [];
  /** The harm has been done. */
  isDone = false;
  private readonly counts = { host: 0, client: 0 };
  private heldBack: Buffer | null = null;

  constructor(private readonly plan: HostilePlan) {
    this.client = this.end('host', () => this.host);
    this.host = this.end('client', () => this.client);
  }

  private end(towards: 'host' | 'client', other: () => Duplex): Duplex {
    const end: Duplex = new Duplex({
      read: () => undefined,
      write: (piece: Buffer, _encoding, done) => {
        this.seen.push(Buffer.from(piece));
        for (const frame of this.framesOf(piece)) this.pass(frame, towards, other());
        done();
      },
      final: (done) => {
        if (!other().destroyed) other().push(null);
        done();
      },
      destroy: (error, done) => {
        // After this end is known to be destroyed, so that the two do not destroy each other for ever.
        setImmediate(() => other().destroy());
        done(error);
      },
    });
    return end;
  }

  private framesOf(piece: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    for (let at = 0; at < piece.length; ) {
      const size = 1 + Math.floor(this.plan.random() * 1_024);
      frames.push(Buffer.from(piece.subarray(at, at + size)));
      at += size;
    }
    return frames;
  }

  private pass(frame: Buffer, towards: 'host' | 'client', to: Duplex): void {
    const { plan } = this;
    const isHarmed = towards === plan.towards && this.counts[towards]++ === plan.frame;
    if (to.destroyed) return;
    if (!isHarmed) {
      to.push(frame);
      // The one that was swapped comes after the one that it was before.
      if (this.heldBack !== null && towards === plan.towards) to.push(this.heldBack);
      if (towards === plan.towards) this.heldBack = null;
      return;
    }
    this.isDone = true;
    switch (plan.harm) {
      case 'change':
        frame[Math.floor(plan.random() * frame.length)]! ^= 1 << Math.floor(plan.random() * 8);
        to.push(frame);
        return;
      case 'drop':
      case 'hold':
        return;
      case 'swap':
        this.heldBack = frame;
        return;
      case 'repeat':
        to.push(frame);
        to.push(Buffer.from(frame));
        return;
      case 'insert':
        to.push(Buffer.concat([frame, Buffer.from([Math.floor(plan.random() * 256)])]));
        return;
      case 'cut':
        to.push(null);
        to.destroy();
    }
  }
}
