// The limit on what all transfers of a process move in one direction: one bucket of bytes, and how many may move at once.
import { type Clock, SystemClock } from '#process';
import { type PeerId, ProtocolError } from '#protocol';
import { BURST_SECONDS, PIECES_PER_SECOND, RATE_LOOK_MS, TRANSFER_BYTES_PER_SECOND_MIN } from './limits.js';

/** Bytes a second that may move at this time, at least BYTES_PER_SECOND_LIMIT_MIN; null is no limit. */
export type RateLimit = (nowMs: number) => number | null;

interface Waiting {
  readonly wantedBytes: number;
  readonly grant: (bytes: number) => void;
}

interface WaitingTransfer {
  readonly host: PeerId;
  readonly begin: () => void;
}

/**
 * A token bucket (RFC 2697 has the words) that fills with the monotonic clock. It is empty at first and holds a quarter of
 * a second, so no second moves more than the limit and that. Each transfer waits for one piece at a time, in order, so
 * all get the same; a place among the transfers goes to the host that has the fewest, so hosts get the same, too.
 *
 * The limit is asked for anew at every piece, and every second while somebody waits: it changes with the hour.
 */
export class Bandwidth {
  private levelBytes = 0;
  private filledAtMs: number;
  private readonly waiting: Waiting[] = [];
  private readonly queue: WaitingTransfer[] = [];
  private readonly running = new Map<PeerId, number>();
  private runningCount = 0;
  private cancelLook: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly limit: RateLimit,
  ) {
    this.filledAtMs = clock.monotonicMs();
  }

  /** Bytes a second at this time; null is no limit. */
  get bytesPerSecond(): number | null {
    return this.limit(this.clock.nowMs());
  }

  /**
   * A place for a transfer with this host: no more begin than the limit gives the least rate that hosts ask for, else all
   * would be cut off.
   *
   * returns  a function that gives the place back, to be called once
   * throws   what the signal is aborted with
   */
  async enter(host: PeerId, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw reasonOf(signal);
    if (this.queue.length > 0 || !this.hasPlace()) await this.waitForPlace(host, signal);
    else this.begin(host);
    return () => this.leave(host);
  }

  /**
   * Bytes that may move now, 1 to `wantedBytes`: at once where there are some, else when it is this one's turn.
   *
   * throws   what the signal is aborted with
   */
  take(wantedBytes: number, signal: AbortSignal): number | Promise<number> {
    const rate = this.bytesPerSecond;
    if (rate === null && this.waiting.length === 0) return wantedBytes;
    this.fill(rate);
    if (this.waiting.length === 0 && rate !== null && this.levelBytes >= leastOf(wantedBytes, rate)) {
      return this.spend(wantedBytes, rate);
    }
    return this.waitForBytes(wantedBytes, signal);
  }

  private hasPlace(): boolean {
    const rate = this.bytesPerSecond;
    return rate === null || this.runningCount < Math.max(1, Math.floor(rate / TRANSFER_BYTES_PER_SECOND_MIN));
  }

  private begin(host: PeerId): void {
    this.runningCount++;
    this.running.set(host, (this.running.get(host) ?? 0) + 1);
  }

  private leave(host: PeerId): void {
    const left = this.running.get(host)! - 1;
    if (left === 0) this.running.delete(host);
    else this.running.set(host, left);
    this.runningCount--;
    this.serve();
  }

  private waitForPlace(host: PeerId, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const place = { host, begin };
      const stop = (): void => {
        remove(this.queue, place);
        reject(reasonOf(signal));
      };
      signal.addEventListener('abort', stop, { once: true });
      this.queue.push(place);
      this.serve();
    });
  }

  private waitForBytes(wantedBytes: number, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      const grant = (bytes: number): void => {
        signal.removeEventListener('abort', stop);
        resolve(bytes);
      };
      const turn = { wantedBytes, grant };
      const stop = (): void => {
        remove(this.waiting, turn);
        reject(reasonOf(signal));
      };
      if (signal.aborted) return stop();
      signal.addEventListener('abort', stop, { once: true });
      this.waiting.push(turn);
      this.serve();
    });
  }

  /** Give what there is to those who wait, and look again when there is more. */
  private serve(): void {
    while (this.queue.length > 0 && this.hasPlace()) {
      const next = this.queue.reduce((best, each) => (this.countOf(each) < this.countOf(best) ? each : best));
      remove(this.queue, next);
      this.begin(next.host);
      next.begin();
    }
    const rate = this.bytesPerSecond;
    this.fill(rate);
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      if (rate !== null && this.levelBytes < leastOf(next.wantedBytes, rate)) break;
      this.waiting.shift();
      next.grant(rate === null ? next.wantedBytes : this.spend(next.wantedBytes, rate));
    }
    this.lookAgain(rate);
  }

  private lookAgain(rate: number | null): void {
    this.cancelLook?.();
    this.cancelLook = null;
    const [next] = this.waiting;
    if (next === undefined && this.queue.length === 0) return;
    const fullMs =
      next === undefined || rate === null
        ? RATE_LOOK_MS
        : Math.ceil(((leastOf(next.wantedBytes, rate) - this.levelBytes) * 1000) / rate);
    this.cancelLook = this.clock.schedule(Math.min(Math.max(fullMs, 1), RATE_LOOK_MS), () => this.serve());
  }

  private countOf({ host }: WaitingTransfer): number {
    return this.running.get(host) ?? 0;
  }

  private fill(rate: number | null): void {
    const nowMs = this.clock.monotonicMs();
    const came = ((nowMs - this.filledAtMs) * (rate ?? 0)) / 1000;
    this.levelBytes = Math.min(this.levelBytes + came, (rate ?? 0) * BURST_SECONDS);
    this.filledAtMs = nowMs;
  }

  private spend(wantedBytes: number, rate: number): number {
    const bytes = Math.min(
      wantedBytes,
      Math.max(pieceOf(rate), Math.floor(this.levelBytes / (this.waiting.length + 1))),
    );
    this.levelBytes -= bytes;
    return bytes;
  }
}

export interface Bandwidths {
  readonly upload: Bandwidth;
  readonly download: Bandwidth;
}

/** For a process without limits. */
export function unlimited(clock: Clock = new SystemClock()): Bandwidths {
  return { upload: new Bandwidth(clock, () => null), download: new Bandwidth(clock, () => null) };
}

function pieceOf(rate: number): number {
  return Math.floor(rate / PIECES_PER_SECOND);
}

/** What must have come together before anybody gets some of it: pieces that are too small cost more than they carry. */
function leastOf(wantedBytes: number, rate: number): number {
  return Math.min(wantedBytes, pieceOf(rate));
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at !== -1) list.splice(at, 1);
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof ProtocolError ? reason : new ProtocolError('interrupted', {}, { cause: reason });
}
