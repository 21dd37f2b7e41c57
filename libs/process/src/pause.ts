// A wait on a clock that can be cut short, and one that its process must not end in.
import type { Clock } from './clock.js';

const ALIVE_MS = 60_000;

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

/**
 * The same promise, for a wait that may be all that its process has to do: the timers of a clock keep none alive, and a
 * command that awaits them alone would end in the middle, with the exit code of a promise that nobody settles.
 */
export async function keepingAlive<T>(wait: Promise<T>): Promise<T> {
  const alive = setInterval(() => undefined, ALIVE_MS);
  try {
    return await wait;
  } finally {
    clearInterval(alive);
  }
}
