// One entry of the admin log, and the hash that ties it to all entries before it. Pure.
import { createHash } from 'node:crypto';

/** What was done, before it has its place in the log. */
export interface LoggedChange {
  /** Id of an admin key; `command` for a command on the broker's machine; `broker` for the broker itself. */
  readonly actor: string;
  /** `<kind>.<verb>`: `peer.suspend`, `policy.set`. */
  readonly action: string;
  /** `<kind>/<id>` of what it was done to. */
  readonly subject: string;
  readonly reason: string;
  /** What else is worth knowing years later. Never a key or a password. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface LogEntry extends Omit<LoggedChange, 'details'> {
  /** 1, 2, 3, ... without a gap. */
  readonly seq: number;
  readonly atMs: number;
  /** JSON, as it was hashed. */
  readonly details: string;
}

/** What the hash of the first entry stands on. */
export const LOG_BEGINNING = '';

/**
 * SHA-256 over the previous hash and the entry as a JSON array, base64url. Both ends of every text are marked by JSON, so
 * no two entries have the same bytes.
 */
export function logHash(previous: string, entry: LogEntry): string {
  const { seq, atMs, actor, action, subject, reason, details } = entry;
  const canonical = JSON.stringify([previous, seq, atMs, actor, action, subject, reason, details]);
  return createHash('sha256').update(canonical).digest('base64url');
}
