// The real host program as a process of its own, on a home that a test made.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestBroker } from './agent-fixture.js';
import { freshScriptOf } from './built-afresh.js';

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly port: number;
}

/**
 * Ready when it listens and, unless the broker is down, has the broker's time.
 *
 * environment   added to that of the tests
 */
export async function startAgentProcess(
  homePath: string,
  broker: TestBroker,
  environment: Readonly<Record<string, string>> = {},
): Promise<AgentProcess> {
  const heard = broker.presences.length;
  const child = spawn(
    process.execPath,
    [freshScriptOf('peerkeep-agent'), 'run', '--home', homePath, '--listen', '127.0.0.1:0'],
    {
      cwd: join(import.meta.dirname, '..'),
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PEERKEEP_LOG_LEVEL: 'error', ...environment },
    },
  );
  for await (const line of createInterface({ input: child.stdout! })) {
    const port = /^listening on 127\.0\.0\.1:(\d+)$/.exec(line)?.[1];
    if (port === undefined) continue;
    while (!broker.isDown && broker.presences.length === heard) await pause(1);
    return { child, port: Number(port) };
  }
  throw new Error('the host ended before it listened');
}

/** Resolves when the process is gone. */
export async function killAgentProcess({ child }: AgentProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}
