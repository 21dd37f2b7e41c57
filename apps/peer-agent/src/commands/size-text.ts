// Sizes as people write them: 10GB is decimal, 10GiB is binary. Pure.
import { ProtocolError } from '#protocol';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Bytes, rounded down. throws usage */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  const unit = match === null ? undefined : UNITS[canonicalUnit(match[2]!)];
  const bytes = unit === undefined ? Number.NaN : Math.floor(Number(match![1]) * unit);
  if (!Number.isSafeInteger(bytes)) {
    throw new ProtocolError('usage', {}, { detail: `${text} is no size; write for example 10GB or 10GiB` });
  }
  return bytes;
}

/** With one decimal in decimal units, as disks are sold. */
export function formatSize(bytes: number): string {
  for (const unit of ['TB', 'GB', 'MB', 'KB'] as const) {
    if (bytes >= UNITS[unit]!) return `${(bytes / UNITS[unit]!).toFixed(1)} ${unit}`;
  }
  return `${bytes} B`;
}

/** `gb`, `GB` and `G` are one; the binary ones keep their `i`. */
function canonicalUnit(unit: string): string {
  const upper = unit.toUpperCase();
  if (/^[KMGT]$/.test(upper)) return `${upper}B`;
  return upper.endsWith('IB') ? `${upper[0]}iB` : upper;
}
