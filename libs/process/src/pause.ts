// A wait on a clock that can be cut short.
import type { Clock } from './clock.js';

/**
 * Wait. Like the timers of the clock it keeps no process alive.
 *
 * returns  true after `ms`; false as soon as `signal` is aborted, which may be before it begins
 */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isOver: boolean): void => {
      cancel();
      signal?.removeEventListener('abort', cut);
      resolve(isOver);
    };
    const cut = (): void => end(false);
    const cancel = clock.schedule(ms, () => end(true));
    if (signal?.aborted) cut();
    else signal?.addEventListener('abort', cut);
  });
}
