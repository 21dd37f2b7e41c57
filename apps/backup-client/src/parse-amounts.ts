// Durations and sizes as people type them. Pure.
import { ProtocolError } from '#protocol';

const DURATION_UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `24h`, `30m`, `7d`, `90s`, `0`: ms. throws usage */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const [, digits, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) throw wrong(`no duration: ${text}`);
  return Number(digits) * DURATION_UNITS_MS[unit]!;
}

/** `500M`, `1.5g`, `1000`, as restic reads them: units of 1,024. throws usage */
export function parseByteCount(text: string): number {
  const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,3})?)([kmgt]?)b?$/i.exec(text.trim()) ?? [];
  const bytes = digits === undefined ? Number.NaN : Math.floor(Number(digits) * SIZE_UNITS[unit!.toLowerCase()]!);
  if (!Number.isSafeInteger(bytes)) throw wrong(`${text} is no size: write a number with K, M, G or T`);
  return bytes;
}

/** `5%`, a size, or `unlimited`. throws usage */
export function parseMaxUnused(text: string): { percent: number } | { bytes: number } | 'unlimited' {
  if (text === 'unlimited') return 'unlimited';
  const [, percent] = /^(\d{1,2}(?:\.\d{1,3})?|100)%$/.exec(text) ?? [];
  return percent === undefined ? { bytes: parseByteCount(text) } : { percent: Number(percent) };
}

function wrong(detail: string): ProtocolError {
  return new ProtocolError('usage', {}, { detail });
}
