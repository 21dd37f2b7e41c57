// Moves the bytes of one direction of a stream, as fast as the other side takes them and as the leases allow.
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '#process';
import { HANDED_ON_BYTES_LOW, HANDED_ON_BYTES_MAX } from '../limits.js';

export interface PumpParts {
  readonly source: Readable;
  readonly sink: Writable;
  readonly clock: Clock;
  /** Asked before a piece goes on: how long nothing may follow it, in ms; null: nothing goes on any more. */
  readonly admit: (sizeBytes: number) => number | null;
  /** Asked when the source ends: an end that is none is not passed on. Every end is where it is missing. */
  readonly isWhole?: () => boolean;
}

export class Pump {
  /** When bytes were last taken by the sink, by the monotonic clock. */
  movedMs: number;
  private handedOnBytes = 0;
  private isWaiting = false;
  private cancelWait = (): void => undefined;

  constructor(private readonly parts: PumpParts) {
    this.movedMs = parts.clock.monotonicMs();
  }

  /** What came and is not taken yet. */
  get heldBytes(): number {
    return this.handedOnBytes + this.parts.source.readableLength;
  }

  start(): void {
    const { source, sink } = this.parts;
    source.on('data', (piece: Buffer) => this.pass(piece));
    source.once('end', () => {
      if (this.parts.isWhole?.() !== false) sink.end();
    });
    source.once('close', () => this.cancelWait());
  }

  private pass(piece: Buffer): void {
    const { source, sink, clock, admit } = this.parts;
    const waitMs = admit(piece.length);
    if (waitMs === null || sink.destroyed || sink.writableEnded) return;
    this.handedOnBytes += piece.length;
    sink.write(piece, (error) => {
      if (!error) this.taken(piece.length);
    });
    if (this.handedOnBytes >= HANDED_ON_BYTES_MAX) source.pause();
    if (waitMs === 0) return;
    this.isWaiting = true;
    source.pause();
    this.cancelWait = clock.schedule(waitMs, () => {
      this.isWaiting = false;
      this.goOn();
    });
  }

  private taken(sizeBytes: number): void {
    this.handedOnBytes -= sizeBytes;
    this.movedMs = this.parts.clock.monotonicMs();
    this.goOn();
  }

  private goOn(): void {
    const { source } = this.parts;
    if (this.isWaiting || this.handedOnBytes > HANDED_ON_BYTES_LOW || source.destroyed) return;
    if (source.isPaused()) source.resume();
  }
}

/** Since when nothing of what they hold was taken, the longest of them; null when nothing is held. */
export function stalledSinceMs(...pumps: readonly Pump[]): number | null {
  const stalled = pumps.filter(({ heldBytes }) => heldBytes > 0).map(({ movedMs }) => movedMs);
  return stalled.length === 0 ? null : Math.min(...stalled);
}
