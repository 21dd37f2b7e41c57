// Waits until no other command uses a home: what a timer starts must not fail because a person looks into a snapshot.
import { waitFor } from '#peer-home';
import type { Clock } from '#process';
import { isRefusal } from '#protocol';

/** How long a scheduled backup waits, unless it is told. */
export const HOME_WAIT_DEFAULT = '10m';
const LOOK_MS = 2_000;

export interface HomeWait {
  /** 0 is not at all. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once, when it begins to wait. */
  readonly onWait: () => void;
}

/**
 * Take what somebody else may hold.
 *
 * take     throws home_in_use while another command has the home
 * throws   home_in_use after `waitMs`; interrupted; what else `take` throws
 */
export async function waitForHome<T>(take: () => Promise<T>, { waitMs, clock, signal, onWait }: HomeWait): Promise<T> {
  const untilMs = clock.monotonicMs() + waitMs;
  let isTold = false;
  for (;;) {
    try {
      return await take();
    } catch (error) {
      if (!isRefusal(error, 'home_in_use') || clock.monotonicMs() >= untilMs) throw error;
    }
    if (!isTold) onWait();
    isTold = true;
    await waitFor(clock, Math.min(LOOK_MS, untilMs - clock.monotonicMs()), signal);
  }
}
