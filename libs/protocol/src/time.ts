// Times on the wire: RFC 3339, UTC, exactly milliseconds ("2026-11-20T08:00:00.000Z"). One value has one text.

import { strict as assert } from 'node:assert';

export type UnixMs = number;

const RFC3339_MS = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

export function formatTime(ms: UnixMs): string {
  return new Date(ms).toISOString();
}

/** Unix ms, or null when the text is not the canonical one of a time (also 30 February and leap seconds). */
export function parseTime(text: string): UnixMs | null {
  if (!RFC3339_MS.test(text)) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return null;
  return new Date(ms).toISOString() === text ? ms : null;
}

/** Unix ms of a text that a schema has checked already. */
export function timeOf(checkedText: string): UnixMs {
  const ms = parseTime(checkedText);
  assert(ms !== null);
  return ms;
}
