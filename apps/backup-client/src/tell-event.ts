// What the engine tells while it works, in words.
import type { EngineEvent } from '#backup';
import { ERRORS } from '#protocol';
import { formatBytes, formatCounted } from './format.js';
import type { Terminal } from './terminal.js';

const WARNINGS_REMEMBERED_MAX = 1_000;

/** A host that is down fails again and again: what has been said once is counted, and the count said at the end. */
export class EventTeller {
  private readonly repeats = new Map<string, number>();

  constructor(private readonly terminal: Terminal) {}

  tell(event: EngineEvent): void {
    switch (event.kind) {
      case 'progress':
        this.terminal.progress(() => progressLine(event));
        return;
      case 'skipped':
        this.terminal.warn(`skipped ${event.path}: ${event.reason} (${event.code})`);
        return;
      case 'warning':
        this.warnOnce(`${event.detail} (${event.code})`);
        return;
      case 'host-failed':
        this.warnOnce(`host ${event.peerId}: ${ERRORS[event.code].title} (${event.code})`);
        return;
      default:
        assertNever(event);
    }
  }

  /** Say how often warnings came again. */
  conclude(): void {
    for (const [message, times] of this.repeats) {
      if (times > 0) this.terminal.warn(`${message}, ${formatCounted(times, 'time')} more`);
    }
    this.repeats.clear();
  }

  private warnOnce(message: string): void {
    const times = this.repeats.get(message);
    if (times === undefined) this.terminal.warn(message);
    if (times !== undefined) this.repeats.set(message, times + 1);
    else if (this.repeats.size < WARNINGS_REMEMBERED_MAX) this.repeats.set(message, 0);
  }
}

export function progressLine(event: Extract<EngineEvent, { kind: 'progress' }>): string {
  const { filesDone, bytesDone, bytesTotal, bytesStored, hosts } = event;
  const share = bytesTotal === null || bytesTotal === 0 ? null : Math.floor((100 * bytesDone) / bytesTotal);
  return [
    ...(share === null ? [] : [`${Math.min(share, 100)}%`]),
    formatCounted(filesDone, 'file'),
    bytesTotal === null ? formatBytes(bytesDone) : `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`,
    ...(bytesStored === 0 ? [] : [`${formatBytes(bytesStored)} stored`]),
    ...(hosts === 0 ? [] : [formatCounted(hosts, 'host')]),
  ].join(', ');
}

function assertNever(event: never): never {
  throw new Error(`unknown event ${JSON.stringify(event)}`);
}
