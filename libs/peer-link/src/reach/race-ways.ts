// Tries ways to a peer one after the other, each with a head start before the next: the first that stands is taken.
import type { Clock } from '#process';
import { isRefusal, ProtocolError } from '#protocol';
import type { Way, WayStep } from './decide-way.js';

export interface WonRace<T> {
  readonly way: Way;
  readonly connection: T;
  readonly tried: readonly Way[];
  readonly failed: readonly Way[];
}

/**
 * open     makes a connection by one way; one that comes too late is destroyed
 * throws   peer_untrusted when somebody else was at the end of a way, and none led to the peer; otherwise peer_unreachable,
 *          with the code of the last way that failed as `reason`
 */
export function raceWays<T extends { destroy(): void }>(
  steps: readonly WayStep[],
  open: (way: Way) => Promise<T>,
  clock: Clock,
): Promise<WonRace<T>> {
  return new Promise((resolve, reject) => {
    const tried: Way[] = [];
    const failures = new Map<Way, unknown>();
    let isSettled = false;
    let cancel = (): void => undefined;
    const settle = (end: () => void): void => {
      isSettled = true;
      cancel();
      end();
    };
    const fail = (way: Way, error: unknown): void => {
      failures.set(way, error);
      if (isSettled) return;
      if (tried.length < steps.length) begin();
      else if (failures.size === steps.length) settle(() => reject(failureOf([...failures.values()])));
    };
    const begin = (): void => {
      cancel();
      const { way, headStartMs } = steps[tried.length]!;
      tried.push(way);
      if (tried.length < steps.length) cancel = clock.schedule(headStartMs, begin);
      open(way).then(
        (connection) => {
          if (isSettled) connection.destroy();
          else settle(() => resolve({ way, connection, tried: [...tried], failed: [...failures.keys()] }));
        },
        (error: unknown) => fail(way, error),
      );
    };
    begin();
  });
}

function failureOf(failures: readonly unknown[]): unknown {
  const mistake = failures.find((failure) => !isRefusal(failure));
  const untrusted = failures.find((failure) => isRefusal(failure, 'peer_untrusted'));
  if (mistake !== undefined || untrusted !== undefined) return mistake ?? untrusted;
  const last = failures.at(-1) as ProtocolError;
  if (last.code === 'peer_unreachable' || last.code === 'interrupted') return last;
  return new ProtocolError('peer_unreachable', { ...last.facts, reason: last.code }, { cause: last });
}
