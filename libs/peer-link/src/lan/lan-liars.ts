// Neighbours whose answer did not hold: not listened to again in that task, and kept to be told to the broker (T8).
import {
  type ErrorCode,
  formatTime,
  LAN_REPORTS_MAX,
  type LanReportRequest,
  type PeerId,
  type UnixMs,
} from '#protocol';
import { LAN_BLACKLIST_MAX, LAN_BLACKLIST_MS } from './lan-rules.js';

export class LanLiars {
  /** By task and peer, until when; in the order in which they were put here. */
  private readonly blacklist = new Map<string, UnixMs>();
  private reports: LanReportRequest['items'] = [];

  constructor(private readonly nowMs: () => UnixMs) {}

  /** Not to be listened to in this task for a while. Past the bound the broker is not told of more. */
  note(peerId: PeerId, taskId: string, code: ErrorCode): void {
    const nowMs = this.nowMs();
    this.forget(nowMs);
    if (this.isListed(peerId, taskId)) return;
    if (this.blacklist.size < LAN_BLACKLIST_MAX) this.blacklist.set(nameOf(peerId, taskId), nowMs + LAN_BLACKLIST_MS);
    if (this.reports.length < LAN_REPORTS_MAX) this.reports.push({ peerId, taskId, code, at: formatTime(nowMs) });
  }

  isListed(peerId: PeerId, taskId: string): boolean {
    const untilMs = this.blacklist.get(nameOf(peerId, taskId));
    if (untilMs !== undefined) return this.nowMs() < untilMs;
    // At the bound nobody is forgiven early, so whoever is not remembered is not listened to either.
    return this.blacklist.size >= LAN_BLACKLIST_MAX;
  }

  /** What the broker has not been told. */
  takeReports(): LanReportRequest['items'] {
    const taken = this.reports;
    this.reports = [];
    return taken;
  }

  /** The broker could not be told of these. */
  giveBack(reports: LanReportRequest['items']): void {
    this.reports = [...reports, ...this.reports].slice(0, LAN_REPORTS_MAX);
  }

  private forget(nowMs: UnixMs): void {
    for (const [name, untilMs] of this.blacklist) {
      if (untilMs > nowMs) return;
      this.blacklist.delete(name);
    }
  }
}

function nameOf(peerId: PeerId, taskId: string): string {
  return `${taskId} ${peerId}`;
}
