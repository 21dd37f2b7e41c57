// The lines that show how far a call has come. Pure: a view in, lines out that fit.
import type { Activity } from '#backup';
import { formatBytes, formatCount, formatCounted, formatSeconds, printable } from '../format.js';
import { cutEnd, cutMiddle, widthOf } from './text-width.js';

export interface ProgressView {
  readonly activity: Activity;
  readonly filesDone: number;
  readonly filesTotal: number | null;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  readonly bytesNew: number | null;
  readonly bytesPacked: number | null;
  readonly bytesStored: number;
  readonly hosts: number;
  readonly errors: number;
  readonly path: string | null;
  readonly elapsedSeconds: number;
  readonly bytesPerSecond: number;
  readonly remainingSeconds: number | null;
}

/** A field of a line: the lowest `worth` goes first when the line does not fit. */
interface Field {
  readonly text: string;
  readonly worth: number;
}

const COLUMNS_FOR_BLOCK = 60;
const ROWS_FOR_BLOCK = 6;
/** Widths that numbers keep while they change, so that nothing jumps: `1023.9 MiB`, `1023.9 MiB/s`, `99:59:59`. */
const BYTES_WIDTH = 10;
const RATE_WIDTH = 12;
const TIME_WIDTH = 8;

/**
 * One to three lines, each at most `columns - 1` wide: a full line would make some terminals scroll.
 *
 * columns, rows   of the terminal; 0 where it does not know
 */
export function progressLines(view: ProgressView, { columns, rows }: { columns: number; rows: number }): string[] {
  const width = (columns || 80) - 1;
  const first = fieldsThatFit(amounts(view, true), width);
  if (width + 1 < COLUMNS_FOR_BLOCK || (rows || 24) < ROWS_FOR_BLOCK) return [first];
  const second = fieldsThatFit(stored(view), width);
  const third = view.path === null ? '' : cutMiddle(printable(view.path), width);
  return [first, ...(second === '' ? [] : [second]), third];
}

/** The same on one line of any width, for a log. */
export function progressText(view: ProgressView): string {
  return [...amounts(view, false), ...stored(view)].map(({ text }) => text).join(', ');
}

/** 0 to 1, or null while the total is not known. Done is said by the end of the call, never by an estimate. */
export function shareDone({ bytesDone, bytesTotal, filesDone, filesTotal }: ProgressView): number | null {
  if (bytesTotal !== null && bytesTotal > 0) return Math.min(bytesDone / bytesTotal, 1);
  if (filesTotal !== null && filesTotal > 0) return Math.min(filesDone / filesTotal, 1);
  return null;
}

function amounts(view: ProgressView, isPadded: boolean): Field[] {
  const { filesDone, filesTotal, bytesDone, bytesTotal, bytesPerSecond, remainingSeconds, elapsedSeconds } = view;
  const pad = (text: string, width: number): string => (isPadded ? text.padStart(width) : text);
  const share = shareDone(view);
  const total = filesTotal === null ? null : formatCount(Math.max(filesTotal, filesDone));
  const files =
    total === null
      ? formatCounted(filesDone, 'file')
      : `${pad(formatCount(filesDone), total.length)} of ${total} ${total === '1' ? 'file' : 'files'}`;
  const bytes = pad(formatBytes(bytesDone), BYTES_WIDTH);
  const ofTotal = bytesTotal === null ? '' : ` of ${formatBytes(Math.max(bytesTotal, bytesDone))}`;
  return [
    ...(share === null ? [] : [{ text: pad(`${Math.floor(100 * share)}%`, 4), worth: 9 }]),
    ...(filesDone === 0 && total === null ? [] : [{ text: files, worth: 5 }]),
    { text: `${bytes}${ofTotal}`, worth: 8 },
    { text: pad(`${formatBytes(Math.round(bytesPerSecond))}/s`, RATE_WIDTH), worth: 6 },
    // All is read; what is under way to the hosts, and the snapshot, are still to come.
    ...(share === 1 ? [{ text: 'finishing', worth: 7 }] : []),
    remainingSeconds === null || share === 1
      ? { text: `${pad(formatSeconds(elapsedSeconds), TIME_WIDTH)} so far`, worth: 3 }
      : { text: `${pad(formatSeconds(remainingSeconds), TIME_WIDTH)} left`, worth: 7 },
  ];
}

function stored({ bytesDone, bytesNew, bytesPacked, bytesStored, hosts, errors }: ProgressView): Field[] {
  const known = bytesNew === null || bytesDone === 0 ? null : Math.max(0, 1 - bytesNew / bytesDone);
  return [
    ...(bytesNew === null ? [] : [{ text: `new ${formatBytes(bytesNew)}`, worth: 6 }]),
    ...(known === null ? [] : [{ text: `${Math.floor(known * 100)}% known already`, worth: 3 }]),
    ...(!bytesPacked || !bytesNew
      ? []
      : [{ text: `packed to ${Math.round((100 * bytesPacked) / bytesNew)}%`, worth: 4 }]),
    ...(bytesStored === 0
      ? []
      : [{ text: `${formatBytes(bytesStored)} on ${formatCounted(hosts, 'host')}`, worth: 7 }]),
    ...(bytesStored > 0 || hosts === 0 ? [] : [{ text: formatCounted(hosts, 'host'), worth: 7 }]),
    ...(errors === 0 ? [] : [{ text: formatCounted(errors, 'problem'), worth: 8 }]),
  ];
}

/** Fields side by side; those of least worth are left out until the rest fits. */
function fieldsThatFit(fields: readonly Field[], width: number): string {
  let kept = [...fields];
  for (;;) {
    const line = kept.map(({ text }) => text).join('  ');
    if (widthOf(line) <= width) return line;
    if (kept.length <= 1) return cutEnd(line, width);
    const least = Math.min(...kept.map(({ worth }) => worth));
    kept = kept.filter(({ worth }) => worth !== least);
  }
}
