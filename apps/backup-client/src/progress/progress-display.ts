// Shows how far a call has come: lines at the foot of a terminal, a line now and then in a log, or JSON for programs.
import type { ProgressEvent } from '#backup';
import type { Terminal } from '../terminal.js';
import { statusMessage } from './progress-json.js';
import { type ProgressView, progressLines, progressText } from './progress-lines.js';
import { RateMeter } from './rate-meter.js';

const DRAW_MS = 100;
/** Without news the clock still runs, and a rate falls. */
const TICK_MS = 1_000;

export class ProgressDisplay {
  private latest: ProgressEvent | null = null;
  private path: string | null = null;
  private meter: RateMeter | null = null;
  private errors = 0;
  private drawnAtMs = Number.NEGATIVE_INFINITY;
  private cancelTick: (() => void) | null = null;

  constructor(private readonly terminal: Terminal) {}

  /** The last thing told. */
  get last(): ProgressEvent | null {
    return this.latest;
  }

  update(event: ProgressEvent): void {
    this.latest = event;
    this.path = event.path ?? this.path;
    const nowMs = this.terminal.clock.monotonicMs();
    if (this.meter === null) this.begin(nowMs);
    if (nowMs - this.drawnAtMs >= this.intervalMs) this.draw(nowMs);
  }

  countError(): void {
    this.errors++;
  }

  /** Take away what is shown, for good. */
  end(): void {
    this.cancelTick?.();
    this.cancelTick = null;
    this.meter = null;
    this.terminal.onStatusAsked = null;
    this.terminal.erase();
  }

  private get intervalMs(): number {
    const { mode, lineIntervalMs } = this.terminal;
    return mode === 'lines' ? lineIntervalMs : DRAW_MS;
  }

  private begin(nowMs: number): void {
    this.meter = new RateMeter(nowMs);
    this.terminal.onStatusAsked = () => this.answer();
    // A log gets its first line when there is something to tell.
    if (this.terminal.mode === 'lines') this.drawnAtMs = nowMs;
    this.tick();
  }

  private tick(): void {
    this.cancelTick = this.terminal.clock.schedule(TICK_MS, () => {
      const nowMs = this.terminal.clock.monotonicMs();
      this.meter?.note(nowMs, this.latest?.bytesDone ?? 0);
      if (nowMs - this.drawnAtMs >= Math.max(this.intervalMs, TICK_MS)) this.draw(nowMs);
      this.tick();
    });
  }

  private draw(nowMs: number): void {
    const view = this.view(nowMs);
    if (view === null) return;
    this.drawnAtMs = nowMs;
    switch (this.terminal.mode) {
      case 'block':
        this.terminal.paint((size) => progressLines(view, size));
        return;
      case 'lines':
        this.terminal.say(progressText(view));
        return;
      case 'json':
        this.terminal.message(statusMessage(view));
        return;
      case 'none':
        return;
    }
  }

  /** Somebody asked by a signal: one line at once, whatever else is shown. */
  private answer(): void {
    const view = this.view(this.terminal.clock.monotonicMs());
    if (view === null) return;
    if (this.terminal.isJson) this.terminal.message(statusMessage(view));
    else this.terminal.talk(progressText(view));
  }

  private view(nowMs: number): ProgressView | null {
    const { latest, meter } = this;
    if (latest === null || meter === null) return null;
    meter.note(nowMs, latest.bytesDone);
    const remaining = latest.bytesTotal === null ? null : latest.bytesTotal - latest.bytesDone;
    return {
      activity: latest.activity ?? 'backup',
      filesDone: latest.filesDone,
      filesTotal: latest.filesTotal ?? null,
      bytesDone: latest.bytesDone,
      bytesTotal: latest.bytesTotal,
      bytesNew: latest.bytesNew ?? null,
      bytesPacked: latest.bytesPacked ?? null,
      bytesStored: latest.bytesStored,
      hosts: latest.hosts,
      errors: this.errors,
      path: this.path,
      elapsedSeconds: meter.elapsedSeconds(nowMs),
      bytesPerSecond: meter.perSecond,
      remainingSeconds: remaining === null ? null : meter.remainingSeconds(nowMs, remaining),
    };
  }
}
