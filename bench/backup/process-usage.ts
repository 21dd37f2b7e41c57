// What a process has used, as Linux counts it: processor time, peak memory, bytes written to storage.
import { readFileSync, writeFileSync } from 'node:fs';

export interface ProcessUsage {
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  /** VmHWM: the most memory that was resident. */
  readonly peakMegabytes: number;
  /** Megabytes that went to the storage layer on behalf of the process, page cache included. */
  readonly writtenMegabytes: number;
}

/** USER_HZ, which Linux fixes for everything it shows to programs. */
const TICKS_PER_SECOND = 100;
/** A process that ends takes its figures along: what it used after the last look, at most this long, is not counted. */
const LOOK_EVERY_MS = 10;
const ESRCH_OR_GONE = ['ENOENT', 'ESRCH'];

/** Usage since the start of the process; null when it has ended. */
export function usageOf(pid: number): ProcessUsage | null {
  try {
    // The name in parentheses may hold spaces: fields are counted from behind it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const peak = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    const written = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'));
    // A process that is ending has no memory any more.
    if (peak === null || written === null) return null;
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      peakMegabytes: (Number(peak[1]) * 1024) / 1e6,
      writtenMegabytes: Number(written[1]) / 1e6,
    };
  } catch (error) {
    if (ESRCH_OR_GONE.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Watch a process that runs on: call the result for what it used since. Its peak memory starts anew. */
export function measureRunning(pid: number): () => ProcessUsage {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  const before = usageOf(pid);
  return () => {
    const after = usageOf(pid);
    if (before === null || after === null) throw new Error(`process ${pid} ended while it was measured`);
    return {
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      peakMegabytes: after.peakMegabytes,
      writtenMegabytes: after.writtenMegabytes - before.writtenMegabytes,
    };
  };
}

/** Watch a process from its start to its end: call the result afterwards. */
export function measureUntilEnd(pid: number): () => ProcessUsage {
  let last = usageOf(pid);
  const timer = setInterval(() => {
    last = usageOf(pid) ?? last;
  }, LOOK_EVERY_MS);
  // A command that fails is not waited for by its watch.
  timer.unref();
  return () => {
    clearInterval(timer);
    if (last === null) throw new Error(`process ${pid} was never seen`);
    return last;
  };
}
