// Counts what each peer asks for on behalf of its local network: each costs the broker a signature or a row.
import { type PeerId, ProtocolError } from '#protocol';

const MINUTE_MS = 60_000;

/** One entry for each peer that asked in this minute; only enrolled ones get here. */
export class LanRates {
  private readonly asked = new Map<PeerId, number>();
  private minute = 0;

  /** throws rate_exceeded */
  count(peerId: PeerId, perMinute: number, nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.minute) this.asked.clear();
    this.minute = minute;
    const asked = this.asked.get(peerId) ?? 0;
    if (asked >= perMinute) {
      throw new ProtocolError('rate_exceeded', {
        retryAfterSeconds: Math.ceil(((minute + 1) * MINUTE_MS - nowMs) / 1000),
      });
    }
    this.asked.set(peerId, asked + 1);
  }
}
