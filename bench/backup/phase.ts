// One phase of a round, a backup or a restore: how long its command took, and what every process used meanwhile.
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { measureRunning, measureUntilEnd, type ProcessUsage } from './process-usage.js';

export interface Phase {
  /** From the start of the command's process to its end. */
  readonly seconds: number;
  readonly processes: Readonly<Record<string, ProcessUsage>>;
}

/** What one round of one program gave. */
export interface Round {
  readonly backup: Phase;
  readonly restore: Phase;
  /** Bytes in files that the repository keeps after the backup, redundancy included. */
  readonly keptBytes: number;
  /** Differences between source and restored copy, found by a comparison of the bench. */
  readonly differences: readonly string[];
}

/** Takes a restored copy that has been compared; it need not be there any more afterwards. */
export type PutAside = (copy: string) => Promise<void>;

/**
 * Run one command to its end.
 *
 * running  processes that serve it, by name
 * run      starts the command and tells its process id; resolves at its end
 */
export async function measurePhase(
  running: ReadonlyMap<string, number>,
  run: (onStarted: (pid: number) => unknown) => Promise<unknown>,
): Promise<Phase> {
  // What the phase before left to be written back is not this one's work.
  await promisify(execFile)('sync');
  const serving = [...running].sort().map(([name, pid]) => ({ name, usage: measureRunning(pid) }));
  const client: (() => ProcessUsage)[] = [];
  const startedMs = performance.now();
  await run((pid) => client.push(measureUntilEnd(pid)));
  const seconds = (performance.now() - startedMs) / 1000;
  const used = Object.fromEntries(serving.map(({ name, usage }) => [name, usage()]));
  assert(client.length === 1);
  return { seconds, processes: { client: client[0]!(), ...used } };
}
