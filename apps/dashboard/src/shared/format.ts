// Numbers, sizes and times as people read them. Pure: the zone and the moment are arguments.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;
const STEP = 1_024;

/** `1.5 GiB`, as the commands say it; an amount that passes 2^53 comes as a text, and is rounded here only. */
export function formatBytes(bytes: number | string): string {
  const value = Number(bytes);
  const size = Math.abs(value);
  let unit = 0;
  let shown = size;
  while (shown >= STEP && unit < UNITS.length - 1) {
    shown /= STEP;
    unit += 1;
  }
  // 1023.96 would be written as 1024.0 of a unit that ends at 1024.
  if (unit > 0 && unit < UNITS.length - 1 && Number(shown.toFixed(1)) >= STEP) {
    shown /= STEP;
    unit += 1;
  }
  const digits = unit === 0 ? shown.toFixed(0) : shown.toFixed(shown < 100 ? 1 : 0);
  return `${value < 0 ? '−' : ''}${digits} ${UNITS[unit]}`;
}

/** `1,234,567` */
export function formatCount(count: number | string): string {
  const [sign, digits] = `${count}`.startsWith('-') ? ['−', `${count}`.slice(1)] : ['', `${count}`];
  return sign + digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** `1 machine`, `1,200 machines` */
export function formatCounted(count: number, thing: string): string {
  return `${formatCount(count)} ${thing}${count === 1 ? '' : 's'}`;
}

/** Exactly so many bytes, for whoever points at the short form. */
export function formatExactBytes(bytes: number | string): string {
  return `${formatCount(bytes)} bytes`;
}

/** `99.1 %`; never 100 % for what is less, nor 0 % for what is more. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (share > 0 && percent < 0.1) return '< 0.1 %';
  if (share < 1 && percent > 99.9) return '> 99.9 %';
  return `${percent.toFixed(percent === Math.round(percent) ? 0 : 1)} %`;
}

const SECOND_MS = 1_000;
const STEPS = [
  ['year', 365.25 * 86_400 * SECOND_MS],
  ['day', 86_400 * SECOND_MS],
  ['hour', 3_600 * SECOND_MS],
  ['minute', 60 * SECOND_MS],
  ['second', SECOND_MS],
] as const;

/** `3 days`, `1 hour`: the largest whole unit. */
export function formatSpan(ms: number): string {
  const size = Math.abs(ms);
  const [name, unitMs] = STEPS.find(([, unitMs]) => size >= unitMs) ?? STEPS[4];
  const count = Math.floor(size / unitMs);
  return formatCounted(count, name);
}

/** `3 days ago`, `in 2 hours`, `just now` */
export function formatAge(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs;
  if (Math.abs(ms) < 5 * SECOND_MS) return 'just now';
  return ms > 0 ? `${formatSpan(ms)} ago` : `in ${formatSpan(ms)}`;
}

/** `21 Nov 2026, 23:05` in the zone of the reader, or in the one that is named. */
export function formatTime(atMs: number, timeZone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    ...(timeZone !== undefined && { timeZone }),
  }).format(atMs);
}

/** `2026-11-21 23:05:09 UTC`: exact, and the same everywhere. */
export function formatUtc(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The end of an id, which is random; its beginning is a time that many share. */
export function shortId(id: string): string {
  return id.length > 12 ? `…${id.slice(-8)}` : id;
}

/** `99.999 %`: as many digits as the figure has nines, rounded down. */
export function formatSurvival(perYear: number, nines: number): string {
  const scale = 10 ** Math.max(0, Math.min(11, Math.floor(nines) - 1));
  // The smallest part of a step: 99.999 is not 99.998 because of how numbers are kept.
  return `${Math.floor(perYear * 100 * scale + 1e-6) / scale} %`;
}
