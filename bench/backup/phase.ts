// One phase of a round, a backup or a restore: how long its command took, and what every process used meanwhile.
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { measureRunning, measureUntilEnd, type ProcessUsage } from './process-usage.js';

export interface Phase {
  /** From the start of the command's process to its end. */
  readonly seconds: number;
  readonly processes: Readonly<Record<string, ProcessUsage>>;
  /** Requests that the broker got meanwhile, from everybody; null where there is none. */
  readonly brokerRequests: number | null;
}

export interface Measured {
  /** Processes that serve the command, by name. */
  readonly serving: ReadonlyMap<string, number>;
  /** Requests that the broker has got so far; null where there is none. */
  readonly brokerRequests: () => number | null;
}

/**
 * Run one command to its end.
 *
 * run      starts the command and tells its process id; resolves at its end
 */
export async function measurePhase(
  { serving, brokerRequests }: Measured,
  run: (onStarted: (pid: number) => unknown) => Promise<unknown>,
): Promise<Phase> {
  // What the phase before left to be written back is not this one's work.
  await promisify(execFile)('sync');
  const watched = [...serving].sort().map(([name, pid]) => ({ name, usage: measureRunning(pid) }));
  const client: (() => ProcessUsage)[] = [];
  const requestsBefore = brokerRequests();
  const startedMs = performance.now();
  await run((pid) => client.push(measureUntilEnd(pid)));
  const seconds = (performance.now() - startedMs) / 1000;
  const used = Object.fromEntries(watched.map(({ name, usage }) => [name, usage()]));
  const requestsAfter = brokerRequests();
  assert(client.length === 1);
  return {
    seconds,
    processes: { client: client[0]!(), ...used },
    brokerRequests: requestsAfter === null ? null : requestsAfter - (requestsBefore ?? 0),
  };
}
