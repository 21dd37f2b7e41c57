// Is a neighbour's answer approved by the broker, for exactly this task, address and peer (T8)? Pure.
import { checkApproval, decodeApproval, type ErrorCode, isRefusal, type SigningKey, type UnixMs } from '#protocol';
import type { HaveMessage } from './lan-message.js';

/**
 * `good`: it may be used. `unknown`: nobody can say, and the neighbour has not lied: it could not ask the broker, or this
 * machine has no key to check with. A code: it has.
 */
export type Verdict = 'good' | 'unknown' | ErrorCode;

export function judgeAnswer(
  { senderId, alias, taskId, approval }: HaveMessage,
  by: {
    readonly keys: readonly SigningKey[];
    readonly trustDomain: string;
    /** A token that is held names this neighbour: that, and the certificate that it has to show, are enough. */
    readonly isTrusted: boolean;
    readonly nowMs: UnixMs;
  },
): Verdict {
  if (by.isTrusted) return 'good';
  if (approval === null || by.keys.length === 0) return 'unknown';
  try {
    const { trustDomain, nowMs } = by;
    checkApproval(decodeApproval(approval, by.keys), { trustDomain, hostId: senderId, alias, taskId, nowMs });
    return 'good';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return error.code;
  }
}
