// When and with what a neighbour's need is answered (T2, T4). Pure.
import { LAN_APPROVAL_AHEAD_MS, type LanRules } from '#peer-link';

/** What is here of what somebody needs, by position in the need's list. */
export interface Holding {
  readonly have: readonly number[];
  readonly downloading: readonly number[];
}

export interface PlannedAnswer extends Holding {
  /** From the need on; whoever hears before that everything was found says nothing. */
  readonly answerAfterMs: number;
  /** When the broker is asked to approve the answer; later would keep the requester waiting. */
  readonly approvalAfterMs: number;
}

/** random: uniform in [0, 1). Null: there is nothing to say. */
export function decideAnswer(
  { have, downloading }: Holding,
  random: number,
  { answerWaitMsMax }: Pick<LanRules, 'answerWaitMsMax'>,
): PlannedAnswer | null {
  if (have.length === 0 && downloading.length === 0) return null;
  // Everybody draws alike, so the load spreads by itself (T2).
  const answerAfterMs = Math.floor(random * answerWaitMsMax);
  return { have, downloading, answerAfterMs, approvalAfterMs: Math.max(0, answerAfterMs - LAN_APPROVAL_AHEAD_MS) };
}
