// Things remembered by token, in memory: kept by the minute of expiry, so that forgetting drops whole maps.
import type { UnixMs } from '#protocol';

/** Never the text of a token, nor when it came: one token has one key. */
export interface TokenKey {
  readonly expiresAtMs: UnixMs;
  readonly transactionId: string;
}

const MINUTE_MS = 60_000;

interface Minute<T> {
  readonly entries: Map<string, T>;
  offlineCount: number;
}

export class TokenMemory<T> {
  private readonly minutes = new Map<number, Minute<T>>();
  private entryCount = 0;
  private offlineCount = 0;

  get size(): number {
    return this.entryCount;
  }

  /** Those that were first set as tokens of recovery kits. */
  get offlineSize(): number {
    return this.offlineCount;
  }

  get(token: TokenKey): T | undefined {
    return this.minutes.get(minuteOf(token))?.entries.get(keyOf(token));
  }

  set(token: TokenKey, entry: T, isOffline = false): void {
    const number = minuteOf(token);
    const minute = this.minutes.get(number) ?? { entries: new Map<string, T>(), offlineCount: 0 };
    if (minute.entries.size === 0) this.minutes.set(number, minute);
    const before = minute.entries.size;
    minute.entries.set(keyOf(token), entry);
    const added = minute.entries.size - before;
    this.entryCount += added;
    if (!isOffline) return;
    minute.offlineCount += added;
    this.offlineCount += added;
  }

  /** Forget the minutes of which every moment is at or before `horizonMs`. */
  forget(horizonMs: UnixMs): void {
    for (const [number, { entries, offlineCount }] of this.minutes) {
      const lastMs = (number + 1) * MINUTE_MS - 1;
      if (lastMs > horizonMs) continue;
      this.minutes.delete(number);
      this.entryCount -= entries.size;
      this.offlineCount -= offlineCount;
    }
  }
}

function keyOf(token: TokenKey): string {
  return `${token.expiresAtMs}.${token.transactionId}`;
}

function minuteOf(token: TokenKey): number {
  return Math.floor(token.expiresAtMs / MINUTE_MS);
}
