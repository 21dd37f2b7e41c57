// Which control messages have been received: each is taken once (B9). In memory, bounded, refuses when full.
import { CLOCK_SKEW_MS_MAX, NONCE_LIST_ENTRIES_MAX, type PeerId, ProtocolError } from '#protocol';

const BUCKET_MS = 30_000;

export interface ReceivedMessage {
  readonly peerId: PeerId;
  readonly nonce: string;
  /** When it says it was made, Unix ms; checked to be within CLOCK_SKEW_MS_MAX of now. */
  readonly createdMs: number;
}

export class NonceList {
  // By the message's own time, so that forgetting follows from what the skew check refuses, not from arrival.
  private readonly buckets = new Map<number, Set<string>>();
  private entries = 0;
  private forgottenBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly entriesMax = NONCE_LIST_ENTRIES_MAX) {}

  /**
   * Take a message as received.
   *
   * throws   message_replayed; message_stale when its time has been forgotten (the clock went back); nonce_list_full
   */
  claim(message: ReceivedMessage, nowMs: number): void {
    this.forget(nowMs);
    const bucketMs = Math.floor(message.createdMs / BUCKET_MS) * BUCKET_MS;
    if (bucketMs < this.forgottenBeforeMs) throw new ProtocolError('message_stale');
    const entry = `${message.peerId}.${message.nonce}`;
    const bucket = this.buckets.get(bucketMs) ?? new Set<string>();
    if (bucket.has(entry)) throw new ProtocolError('message_replayed');
    if (this.entries >= this.entriesMax) throw new ProtocolError('nonce_list_full');
    bucket.add(entry);
    this.entries++;
    this.buckets.set(bucketMs, bucket);
  }

  /** A bucket goes when its last possible message is older than the skew allows. */
  private forget(nowMs: number): void {
    const beforeMs = Math.floor((nowMs - CLOCK_SKEW_MS_MAX) / BUCKET_MS) * BUCKET_MS;
    if (beforeMs <= this.forgottenBeforeMs) return;
    this.forgottenBeforeMs = beforeMs;
    for (const [bucketMs, bucket] of this.buckets) {
      if (bucketMs >= beforeMs) continue;
      this.entries -= bucket.size;
      this.buckets.delete(bucketMs);
    }
  }
}
