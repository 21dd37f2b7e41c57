// How much a backup will have to look at, for its progress: from the parent snapshot, or by a scan beside it.
import { type Clock, pause } from '#process';
import type { WalkEvent } from '../files/walk.js';

/** A scan works this long, and then leaves three times as long to the backup: a quarter of one core at most. */
const SCAN_WORK_MS = 10;
const SCAN_REST_FACTOR = 3;
/** Asking for the time costs more than an entry does. */
const SCAN_ENTRIES_PER_LOOK = 32;
/** Above this nobody waits for a percentage. */
const SCAN_ENTRIES_MAX = 20_000_000;

export interface Totals {
  readonly files: number;
  readonly bytes: number;
}

/**
 * What is known about the size of a run. A parent snapshot answers at once, and is right but for what has changed since;
 * without one a scan counts. Neither is ever waited for, and what a scan cannot read it leaves to the backup to tell.
 */
export class TotalsEstimate {
  private totals: Totals | null;
  private scanning: Promise<void> | null = null;
  private readonly ending = new AbortController();

  /** parent   what the parent snapshot held, or null */
  constructor(parent: Totals | null) {
    this.totals = parent;
  }

  /** Null while nobody knows. */
  get files(): number | null {
    return this.totals?.files ?? null;
  }

  get bytes(): number | null {
    return this.totals?.bytes ?? null;
  }

  /** Count beside the backup, unless the parent has told. `walk` begins a walk of the same roots with the same excludes. */
  scan(walk: () => AsyncIterable<WalkEvent>, clock: Clock): void {
    if (this.totals !== null || this.scanning !== null) return;
    this.scanning = countBeside(walk(), clock, this.ending.signal).then((totals) => {
      this.totals ??= totals;
    });
    // A walk that cannot go on is thrown by end(), not out of nowhere.
    this.scanning.catch(() => undefined);
  }

  /** The run is over: no scan goes on after this resolves. Throws what a walk threw that could not go on. */
  async end(): Promise<void> {
    this.ending.abort();
    await this.scanning;
  }
}

/** Resolves with what was counted; null when it was stopped, or is too much. */
async function countBeside(
  events: AsyncIterable<WalkEvent>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Totals | null> {
  let files = 0;
  let bytes = 0;
  let entries = 0;
  let beganMs = clock.monotonicMs();
  for await (const event of events) {
    if (signal.aborted || ++entries > SCAN_ENTRIES_MAX) return null;
    if (event.type === 'file') {
      files++;
      bytes += event.stat.sizeBytes;
    }
    if (entries % SCAN_ENTRIES_PER_LOOK !== 0) continue;
    const workedMs = clock.monotonicMs() - beganMs;
    if (workedMs < SCAN_WORK_MS) continue;
    await pause(clock, workedMs * SCAN_REST_FACTOR, signal);
    beganMs = clock.monotonicMs();
  }
  return { files, bytes };
}
