// What the engine tells while it works, in words for people and in JSON for programs.
import type { Activity, EngineEvent, EntryEvent } from '#backup';
import { ERRORS } from '#protocol';
import { formatBytes, formatCounted } from './format.js';
import { ProgressDisplay } from './progress/progress-display.js';
import { verboseMessage } from './progress/progress-json.js';
import type { Terminal } from './terminal.js';

const WARNINGS_REMEMBERED_MAX = 1_000;
/** What restic's error messages call the work under way. */
const DURING: Readonly<Record<Activity, string>> = {
  backup: 'archival',
  restore: 'restore',
  check: 'check',
  prune: 'prune',
  repair: 'repair',
  dump: 'dump',
};

/** A host that is down fails again and again: what has been said once is counted, and the count said at the end. */
export class EventTeller {
  private readonly repeats = new Map<string, number>();
  private readonly display: ProgressDisplay;

  constructor(private readonly terminal: Terminal) {
    this.display = new ProgressDisplay(terminal);
  }

  tell(event: EngineEvent): void {
    switch (event.kind) {
      case 'progress':
        this.display.update(event);
        return;
      case 'entry':
        this.tellEntry(event);
        return;
      case 'skipped':
        this.display.countError();
        this.terminal.problem({
          text: `skipped ${event.path}: ${event.reason} (${event.code})`,
          item: event.path,
          code: event.code,
          reason: event.reason,
          during: DURING[this.display.last?.activity ?? 'backup'],
        });
        return;
      case 'note':
        if (this.terminal.verbosity > 0) this.terminal.say(event.detail);
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

  /** The call has ended: take the progress away, and say how often warnings came again. */
  conclude(): void {
    this.display.end();
    for (const [message, times] of this.repeats) {
      if (times > 0) this.terminal.warn(`${message}, ${formatCounted(times, 'time')} more`);
    }
    this.repeats.clear();
  }

  /** The call was stopped by a person: say what is left of it. */
  tellStopped(): void {
    const last = this.display.last;
    if (last === null) return;
    if (last.activity === 'restore') {
      this.terminal.say(`kept: ${formatCounted(last.filesDone, 'whole file')}, ${formatBytes(last.bytesDone)}`);
    } else if ((last.activity ?? 'backup') === 'backup') {
      const kept = last.bytesStored === 0 ? 'nothing new yet' : `${formatBytes(last.bytesStored)} on hosts`;
      this.terminal.say(`kept: ${kept}; the next run finds it and goes on from there. no snapshot was made`);
    }
  }

  private tellEntry(event: EntryEvent): void {
    const { terminal } = this;
    const least = event.action === 'unchanged' || event.action === 'restored' ? 2 : 1;
    if (terminal.verbosity < least) return;
    if (terminal.isJson) terminal.message(verboseMessage(event));
    else terminal.listing(entryLine(event));
  }

  private warnOnce(message: string): void {
    const times = this.repeats.get(message);
    if (times === undefined) this.terminal.warn(message);
    if (times !== undefined) this.repeats.set(message, times + 1);
    else if (this.repeats.size < WARNINGS_REMEMBERED_MAX) this.repeats.set(message, 0);
  }
}

/** `changed    /home/me/file, 1.5 MiB, new 0.2 MiB` */
function entryLine({ action, path, type, bytes, bytesNew }: EntryEvent): string {
  const size = bytes === undefined ? '' : `, ${formatBytes(bytes)}`;
  const added = bytesNew === undefined || action === 'unchanged' ? '' : `, new ${formatBytes(bytesNew)}`;
  return `${action.padEnd(9)}  ${path}${type === 'dir' ? '/' : ''}${size}${added}`;
}

function assertNever(event: never): never {
  throw new Error(`unknown event ${JSON.stringify(event)}`);
}
