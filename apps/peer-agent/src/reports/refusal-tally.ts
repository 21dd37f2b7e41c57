// Refusals that wait to be told to the broker: in memory, summed up, bounded. They are news, not money.
import { type ErrorCode, type PeerId, REFUSALS_PER_REPORT_MAX, type Report, type TransactionId } from '#protocol';
import { REFUSALS_MAX } from '../limits.js';
import { decideReport } from './decide-report.js';

export interface Refusal {
  readonly code: ErrorCode;
  readonly clientId: PeerId;
  /** null when the token was not authentic */
  readonly transactionId: TransactionId | null;
  /** RFC 3339, broker time */
  readonly at: string;
}

export class RefusalTally {
  private readonly waiting = new Map<string, Exclude<Report, { outcome: 'done' }>>();
  private lost = 0;
  /** How often since the start, by code. */
  readonly counts = new Map<ErrorCode, number>();

  constructor(private readonly entriesMax = REFUSALS_MAX) {}

  get length(): number {
    return this.waiting.size;
  }

  record(refusal: Refusal): void {
    const { code, clientId, transactionId, at } = refusal;
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
    const kind = decideReport(code, transactionId);
    if (kind === null) return;
    if (kind === 'failed' && transactionId !== null) this.add({ outcome: 'failed', transactionId, code, at });
    else this.add({ outcome: 'refused', code, clientId, count: 1, at });
  }

  /** Take the oldest, at most `count`. */
  take(count: number): Report[] {
    const taken = [...this.waiting.entries()].slice(0, count);
    for (const [key] of taken) this.waiting.delete(key);
    return taken.map(([, report]) => report);
  }

  /** The broker did not take these: they wait again, summed up with what has come since. */
  putBack(reports: readonly Report[]): void {
    for (const report of reports) if (report.outcome !== 'done') this.add(report);
  }

  /** How many found no room since the last call. */
  takeLost(): number {
    const count = this.lost;
    this.lost = 0;
    return count;
  }

  private add(report: Exclude<Report, { outcome: 'done' }>): void {
    const key = `${report.code} ${report.outcome === 'failed' ? report.transactionId : report.clientId}`;
    const known = this.waiting.get(key);
    if (known === undefined && this.waiting.size >= this.entriesMax) {
      this.lost += report.outcome === 'refused' ? report.count : 1;
      return;
    }
    if (known?.outcome === 'refused' && report.outcome === 'refused') {
      const count = Math.min(known.count + report.count, REFUSALS_PER_REPORT_MAX);
      this.lost += known.count + report.count - count;
      this.waiting.set(key, { ...report, count });
    } else {
      this.waiting.set(key, report);
    }
  }
}
