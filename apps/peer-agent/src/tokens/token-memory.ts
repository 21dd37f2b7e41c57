// Things remembered by token, in memory: kept by the minute of expiry, so that forgetting drops whole maps.
import type { UnixMs } from '#protocol';

/** Never the text of a token, nor when it came: one token has one key. */
export interface TokenKey {
  readonly expiresAtMs: UnixMs;
  readonly transactionId: string;
}

const MINUTE_MS = 60_000;

export class TokenMemory<T> {
  private readonly minutes = new Map<number, Map<string, T>>();
  private entryCount = 0;

  get size(): number {
    return this.entryCount;
  }

  get(token: TokenKey): T | undefined {
    return this.minutes.get(minuteOf(token))?.get(keyOf(token));
  }

  set(token: TokenKey, entry: T): void {
    const minute = minuteOf(token);
    const entries = this.minutes.get(minute) ?? new Map<string, T>();
    if (entries.size === 0) this.minutes.set(minute, entries);
    const before = entries.size;
    entries.set(keyOf(token), entry);
    this.entryCount += entries.size - before;
  }

  /** Forget the minutes of which every moment is at or before `horizonMs`. */
  forget(horizonMs: UnixMs): void {
    for (const [minute, entries] of this.minutes) {
      const lastMs = (minute + 1) * MINUTE_MS - 1;
      if (lastMs > horizonMs) continue;
      this.minutes.delete(minute);
      this.entryCount -= entries.size;
    }
  }
}

function keyOf(token: TokenKey): string {
  return `${token.expiresAtMs}.${token.transactionId}`;
}

function minuteOf(token: TokenKey): number {
  return Math.floor(token.expiresAtMs / MINUTE_MS);
}
