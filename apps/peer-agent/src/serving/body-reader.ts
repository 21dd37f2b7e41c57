// Reads a request's body in parts of known lengths, one after another, at the pace of whoever takes them.
import { strict as assert } from 'node:assert';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { CutOff } from './cut-off.js';

/** One piece, as large as the socket gives, is in memory at a time. */
export class BodyReader {
  private piece: Buffer | null = null;
  private partLeft = 0;
  private failure: Error | null = null;
  private wake: () => void = () => undefined;
  private taking: Promise<unknown> = Promise.resolve();
  private detached = false;

  constructor(private readonly request: IncomingMessage) {
    request.pause();
    request.on('data', this.onData).on('end', this.onChange).on('error', this.onCut).on('close', this.onCut);
    // Outlives the reading: a connection that breaks later is no news, and must not end the process.
    request.on('error', () => undefined);
  }

  /** The sender ended the body, in good order, and all of it was taken. */
  get isAtEnd(): boolean {
    return this.piece === null && this.request.readableEnded;
  }

  /** Exactly `sizeBytes`; null when the body ends before. Throws CutOff. */
  async bytes(sizeBytes: number): Promise<Buffer | null> {
    this.begin(sizeBytes);
    const pieces: Buffer[] = [];
    for (let piece = await this.take(); piece !== null; piece = await this.take()) pieces.push(piece);
    return this.partLeft === 0 ? Buffer.concat(pieces) : null;
  }

  /** The next `sizeBytes` as a stream, which ends early where the body does. What is not read of it, `skip` passes over. */
  part(sizeBytes: number): Readable {
    this.begin(sizeBytes);
    const take = (): Promise<Buffer | null> => this.take();
    return new Readable({
      read(): void {
        take().then(
          (piece) => this.push(piece),
          (error: Error) => this.destroy(error),
        );
      },
    });
  }

  /** Read away what is left of the part. `moved` hears how much. Throws CutOff, and what `fail` was given. */
  async skip(moved: (bytes: number) => void): Promise<void> {
    for (let piece = await this.take(); piece !== null; piece = await this.take()) moved(piece.length);
    this.partLeft = 0;
  }

  /** Whoever waits for bytes, or asks for more, hears this. */
  fail(reason: Error): void {
    this.failure ??= reason;
    this.wake();
  }

  /** The body is somebody else's from here on. */
  detach(): void {
    if (this.detached) return;
    this.detached = true;
    const { request } = this;
    request.off('data', this.onData).off('end', this.onChange).off('error', this.onCut).off('close', this.onCut);
  }

  private begin(sizeBytes: number): void {
    assert.equal(this.partLeft, 0, 'the part before was not taken to its end');
    this.partLeft = sizeBytes;
  }

  /** The next piece of the part; null at its end, or that of the body. One at a time, in the order of asking. */
  private take(): Promise<Buffer | null> {
    const taken = this.taking.then(() => this.takeNow());
    this.taking = taken.catch(() => undefined);
    return taken;
  }

  private async takeNow(): Promise<Buffer | null> {
    if (this.partLeft === 0) return null;
    const whole = await this.next();
    if (whole === null) return null;
    const piece = whole.subarray(0, this.partLeft);
    this.piece = piece.length < whole.length ? whole.subarray(piece.length) : null;
    this.partLeft -= piece.length;
    return piece;
  }

  private async next(): Promise<Buffer | null> {
    for (;;) {
      if (this.failure !== null) throw this.failure;
      if (this.piece !== null) return this.piece;
      if (this.request.readableEnded) return null;
      if (this.request.destroyed) throw new CutOff(this.request.errored ?? undefined);
      const changed = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.request.resume();
      await changed;
    }
  }

  private readonly onData = (piece: Buffer): void => {
    this.request.pause();
    assert(this.piece === null);
    this.piece = piece;
    this.wake();
  };

  private readonly onChange = (): void => this.wake();

  private readonly onCut = (error?: Error): void => {
    if (!this.request.readableEnded) this.failure ??= new CutOff(error);
    this.wake();
  };
}
