// Waits that a person at a terminal sits through: on a clock, ended by Ctrl-C, keeping the process alive meanwhile.
import { type Clock, keepingAlive, pause } from '#process';
import { ProtocolError } from '#protocol';

/** throws interrupted */
export async function waitFor(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const isOver = await keepingAlive(pause(clock, ms, signal));
  if (!isOver) throw new ProtocolError('interrupted', {}, { cause: signal?.reason });
}
