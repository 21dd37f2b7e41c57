// Remembers which messages were heard, so that one that is sent again is not answered again (SPEC §14.2). Pure.
import type { UnixMs } from '#protocol';
import { LAN_MESSAGE_AGE_MS_MAX, LAN_SEEN_MAX } from './lan-rules.js';

export class SeenList {
  /** By name, until when; in the order in which they were heard. */
  private readonly seen = new Map<string, UnixMs>();

  constructor(private readonly max = LAN_SEEN_MAX) {}

  has(nonce: Uint8Array): boolean {
    return this.seen.has(nameOf(nonce));
  }

  /**
   * Whether a message is to be listened to: it is fresh, was not heard before, and there is room to remember it.
   *
   * nonce    of its datagram
   * timeMs   that it bears
   */
  admit(nonce: Uint8Array, timeMs: UnixMs, nowMs: UnixMs): boolean {
    if (Math.abs(nowMs - timeMs) > LAN_MESSAGE_AGE_MS_MAX) return false;
    const name = nameOf(nonce);
    if (this.seen.has(name)) return false;
    this.forget(nowMs);
    // At the bound nothing is forgotten that could come again.
    if (this.seen.size >= this.max) return false;
    this.seen.set(name, nowMs + 2 * LAN_MESSAGE_AGE_MS_MAX);
    return true;
  }

  get size(): number {
    return this.seen.size;
  }

  private forget(nowMs: UnixMs): void {
    for (const [name, untilMs] of this.seen) {
      if (untilMs >= nowMs) return;
      this.seen.delete(name);
    }
  }
}

function nameOf(nonce: Uint8Array): string {
  return Buffer.from(nonce).toString('latin1');
}
