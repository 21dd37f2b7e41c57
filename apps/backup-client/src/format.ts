// Numbers, sizes, times and names as people read them. Pure.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `1.5 MiB`; bytes below one KiB are exact. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.95 would be written as 1024.0 of a unit that has a bigger one.
  while (unit < UNITS.length - 1 && (unit === 0 ? value >= 1024 : value >= 1023.95)) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** `1,234,567` */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 file`, `2 files` */
export function formatCounted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `0:07`, `12:34`, `1:02:03`; fractions of a second are dropped. */
export function formatSeconds(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Unix ms as `2026-11-20 08:00:00` in the time zone of this machine. */
export function formatLocalTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `drwxr-xr-x` and its like, with set-user-id, set-group-id and sticky bits. */
export function formatMode(type: keyof typeof TYPE_LETTERS, mode: number): string {
  const special = [mode & 0o4000, mode & 0o2000, mode & 0o1000];
  const letters = ['s', 's', 't'];
  const classes = [6, 3, 0].map((shift, i) => {
    const bits = (mode >> shift) & 7;
    const run = special[i] ? (bits & 1 ? letters[i]! : letters[i]!.toUpperCase()) : bits & 1 ? 'x' : '-';
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${run}`;
  });
  return TYPE_LETTERS[type] + classes.join('');
}

const TYPE_LETTERS = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  fifo: 'p',
  socket: 's',
  chardev: 'c',
  blockdev: 'b',
} as const;

/** Nanoseconds since 1970 as RFC 3339 in UTC, without zeros at the end: `2026-11-20T08:00:00.5Z`. */
export function formatTimeNs(ns: bigint): string {
  const fraction = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const date = new Date(Number((ns - fraction) / 1_000_000n));
  const digits = String(fraction).padStart(9, '0').replace(/0+$/, '');
  return `${date.toISOString().slice(0, -5)}${digits === '' ? '' : `.${digits}`}Z`;
}

/**
 * A name on one line, harmless to a terminal: control characters (also the C1 ones and those that turn the writing
 * direction) and backslashes are written as escapes. Names come from snapshots and disks, and anybody may make them.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu, (character) => {
    if (character === '\\') return '\\\\';
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}

export interface Column {
  readonly title: string;
  readonly alignRight?: boolean;
}

/** Columns under their titles, two spaces between; the last is not padded. Cells are printable already. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_column, i) => Math.max(...lines.map((line) => [...(line[i] ?? '')].length)));
  return lines
    .map((line) =>
      columns
        .map((column, i) => {
          const cell = line[i] ?? '';
          const padding = ' '.repeat(widths[i]! - [...cell].length);
          if (column.alignRight) return padding + cell;
          return i === columns.length - 1 ? cell : cell + padding;
        })
        .join('  '),
    )
    .join('\n');
}

/** Names and their values, one pair a line. */
export function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
