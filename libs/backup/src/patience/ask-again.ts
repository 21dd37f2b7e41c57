// Asks again what was refused with a code that says so: after a pause, a bounded number of times, and never once stopped.
import { waitFor } from '#peer-home';
import type { Clock } from '#process';
import { decideRetry, isRefusal, type ProtocolError, type RetrySituation } from '#protocol';

export interface AskAgainOptions {
  readonly situation: RetrySituation;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly signal: AbortSignal | undefined;
  /** Called before each pause; false asks no more. */
  readonly onRefused?: (refusal: ProtocolError) => boolean;
}

/** throws   what the last try threw | interrupted */
export async function askAgain<T>(ask: () => Promise<T>, options: AskAgainOptions): Promise<T> {
  const { situation, clock, random, signal, onRefused } = options;
  for (let failures = 1; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      if (!isRefusal(error) || signal?.aborted) throw error;
      const pauseMs = decideRetry(situation, error, failures, random());
      if (pauseMs === null || onRefused?.(error) === false) throw error;
      await waitFor(clock, pauseMs, signal);
    }
  }
}
