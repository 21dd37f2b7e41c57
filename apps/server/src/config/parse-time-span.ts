// Reads a span of time as people write it on a command line: 30m, 24h, 7d. Pure.
import { InvalidArgumentError } from 'commander';

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** In ms. throws InvalidArgumentError, which commander tells the person */
export function parseTimeSpan(text: string): number {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(text);
  if (match === null) throw new InvalidArgumentError('not a time like 30m, 24h or 7d');
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}
