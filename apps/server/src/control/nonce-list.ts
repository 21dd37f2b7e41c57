// Which control messages have been received: each is taken once (B9). In memory, bounded in all and per peer, refuses
// when full.
import { CLOCK_SKEW_MS_MAX, NONCE_LIST_ENTRIES_MAX, type PeerId, ProtocolError } from '#protocol';
import { NONCE_LIST_ENTRIES_PER_PEER_MAX } from '../limits.js';

const BUCKET_MS = 30_000;

export interface ReceivedMessage {
  readonly peerId: PeerId;
  readonly nonce: string;
  /** When it says it was made, Unix ms; checked to be within CLOCK_SKEW_MS_MAX of now. */
  readonly createdMs: number;
}

export class NonceList {
  // By the message's own time, so that forgetting follows from what the skew check refuses, not from arrival.
  private readonly buckets = new Map<number, Map<PeerId, Set<string>>>();
  private readonly entriesOf = new Map<PeerId, number>();
  private entries = 0;
  private forgottenBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly entriesMax = NONCE_LIST_ENTRIES_MAX,
    private readonly entriesPerPeerMax = NONCE_LIST_ENTRIES_PER_PEER_MAX,
  ) {}

  /**
   * Take a message as received.
   *
   * throws   message_replayed; message_stale when its time has been forgotten (the clock went back); nonce_list_full,
   *          for all or for this peer alone
   */
  claim({ peerId, nonce, createdMs }: ReceivedMessage, nowMs: number): void {
    this.forget(nowMs);
    const bucketMs = Math.floor(createdMs / BUCKET_MS) * BUCKET_MS;
    if (bucketMs < this.forgottenBeforeMs) throw new ProtocolError('message_stale');
    const bucket = this.buckets.get(bucketMs) ?? new Map<PeerId, Set<string>>();
    const nonces = bucket.get(peerId) ?? new Set<string>();
    if (nonces.has(nonce)) throw new ProtocolError('message_replayed');
    const ofPeer = this.entriesOf.get(peerId) ?? 0;
    if (this.entries >= this.entriesMax || ofPeer >= this.entriesPerPeerMax) throw new ProtocolError('nonce_list_full');
    nonces.add(nonce);
    bucket.set(peerId, nonces);
    this.buckets.set(bucketMs, bucket);
    this.entriesOf.set(peerId, ofPeer + 1);
    this.entries++;
  }

  /** A bucket goes when its last possible message is older than the skew allows. */
  private forget(nowMs: number): void {
    const beforeMs = Math.floor((nowMs - CLOCK_SKEW_MS_MAX) / BUCKET_MS) * BUCKET_MS;
    if (beforeMs <= this.forgottenBeforeMs) return;
    this.forgottenBeforeMs = beforeMs;
    for (const [bucketMs, bucket] of this.buckets) {
      if (bucketMs >= beforeMs) continue;
      for (const [peerId, nonces] of bucket) this.forgetOf(peerId, nonces.size);
      this.buckets.delete(bucketMs);
    }
  }

  private forgetOf(peerId: PeerId, count: number): void {
    this.entries -= count;
    const left = (this.entriesOf.get(peerId) ?? 0) - count;
    if (left > 0) this.entriesOf.set(peerId, left);
    else this.entriesOf.delete(peerId);
  }
}
