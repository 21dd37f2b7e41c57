// Waits that a person at a terminal sits through: on a clock, ended by Ctrl-C, keeping the process alive meanwhile.
import type { Clock } from '#process';
import { ProtocolError } from '#protocol';

const ALIVE_MS = 60_000;

/** throws interrupted */
export async function waitFor(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const interrupted = (): ProtocolError => new ProtocolError('interrupted', {}, { cause: signal?.reason });
  if (signal?.aborted) throw interrupted();
  // The timers of a clock do not keep a process alive; this wait is all that it has to do.
  const alive = setInterval(() => undefined, ALIVE_MS);
  let stop = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const cancel = clock.schedule(ms, resolve);
      stop = () => {
        cancel();
        reject(interrupted());
      };
      signal?.addEventListener('abort', stop);
    });
  } finally {
    clearInterval(alive);
    signal?.removeEventListener('abort', stop);
  }
}
