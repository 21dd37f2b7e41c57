// Waits that a person at a terminal sits through: on a clock, ended by Ctrl-C, keeping the process alive meanwhile.
import { type Clock, pause } from '#process';
import { ProtocolError } from '#protocol';

const ALIVE_MS = 60_000;

/** throws interrupted */
export async function waitFor(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  // The timers of a clock do not keep a process alive; this wait is all that it has to do.
  const alive = setInterval(() => undefined, ALIVE_MS);
  try {
    const isOver = await pause(clock, ms, signal);
    if (!isOver) throw new ProtocolError('interrupted', {}, { cause: signal?.reason });
  } finally {
    clearInterval(alive);
  }
}
