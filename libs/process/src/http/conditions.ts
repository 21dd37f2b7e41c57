// The conditions of RFC 9110 §13 for GET and HEAD, in the order of §13.2.2. Pure.
import type { IncomingHttpHeaders } from 'node:http';

/** What the conditions are about: a strong entity tag with its quotes, and the time of the last change if it is known. */
export interface Validators {
  readonly etag: string;
  readonly modifiedMs: number | null;
}

export type Condition = 'go_on' | 'not_modified' | 'failed';

export function decideCondition(headers: IncomingHttpHeaders, validators: Validators): Condition {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!names(ifMatch, validators.etag, 'strong')) return 'failed';
  } else if (isLaterThan(validators, headers['if-unmodified-since'])) return 'failed';

  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) return names(ifNoneMatch, validators.etag, 'weak') ? 'not_modified' : 'go_on';
  const since = timeOf(headers['if-modified-since']);
  if (since === null || validators.modifiedMs === null) return 'go_on';
  return seconds(validators.modifiedMs) <= seconds(since) ? 'not_modified' : 'go_on';
}

/** Whether a Range header counts: without If-Range, or when that names just what there is (§13.1.5). */
export function rangeCounts(headers: IncomingHttpHeaders, { etag, modifiedMs }: Validators): boolean {
  const text = headers['if-range'];
  if (text === undefined) return true;
  const ifRange = String(text);
  if (ifRange.startsWith('"') || ifRange.startsWith('W/')) return ifRange === etag;
  const time = timeOf(ifRange);
  return time !== null && modifiedMs !== null && seconds(time) === seconds(modifiedMs);
}

function names(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true;
  for (const [, weak, tag] of list.matchAll(/(W\/)?("[^"]*")/g)) {
    if (tag === etag && (comparison === 'weak' || weak === undefined)) return true;
  }
  return false;
}

function isLaterThan({ modifiedMs }: Validators, header: string | undefined): boolean {
  const time = timeOf(header);
  return time !== null && modifiedMs !== null && seconds(modifiedMs) > seconds(time);
}

function timeOf(header: string | undefined): number | null {
  const time = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(time) ? null : time;
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
