// Times on the wire: RFC 3339, UTC, exactly milliseconds ("2026-11-20T08:00:00.000Z"). One value has one text.

import { strict as assert } from 'node:assert';

export type UnixMs = number;

const RFC3339_MS = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** The last time with a year of four digits: RFC 3339 §1 has no later one. */
const TIME_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Has this number a text that parseTime takes? */
export function isTime(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= 0 && ms <= TIME_MS_MAX;
}

/** ms: isTime holds. */
export function formatTime(ms: UnixMs): string {
  return new Date(ms).toISOString();
}

/** Unix ms, or null when the text is not the canonical one of a time (also 30 February and leap seconds). */
export function parseTime(text: string): UnixMs | null {
  if (!RFC3339_MS.test(text)) return null;
  const ms = Date.parse(text);
  // The pattern leaves one thing to check: Date.parse takes 30 February for 2 March. Every month has 28 days.
  const day = Number(text.slice(8, 10));
  return day <= 28 || new Date(ms).getUTCDate() === day ? ms : null;
}

/** Unix ms of a text that a schema has checked already. */
export function timeOf(checkedText: string): UnixMs {
  const ms = parseTime(checkedText);
  assert(ms !== null);
  return ms;
}
