// The one refusal of malformed stored lists, and JSON that is refused in the same way.
import { ProtocolError } from '#protocol';

export type StoredPart = 'tree' | 'snapshot' | 'index' | 'chunk id list' | 'notice';

/** `reason` tells which rule was broken; it never holds stored names. */
export function damaged(part: StoredPart, reason: string, cause?: unknown): ProtocolError {
  return new ProtocolError('snapshot_damaged', { part, reason }, cause === undefined ? {} : { cause });
}

/** throws snapshot_damaged for anything that is no JSON */
export function parseJson(part: StoredPart, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(part, 'not JSON', cause);
  }
}
