// `peerkeep-agent run`: serves until it is told to stop.
import { isIPv6 } from 'node:net';
import type { Log } from '#process';
import { SystemClock } from '#process';
import type { AgentConfig } from '../config.js';
import { type RunningAgent, startAgent } from '../start-agent.js';

/** Resolves after a clean stop. The first SIGTERM or SIGINT drains; a second one ends at once. */
export async function run(config: AgentConfig, log: Log, print: (line: string) => void): Promise<void> {
  const agent = await startAgent(config, { clock: new SystemClock(), log });
  const { host } = config.listen;
  const ended = new Promise<void>((resolve, reject) => endOnSignal(agent, resolve, reject));
  print(`listening on ${isIPv6(host) ? `[${host}]` : host}:${agent.port}`);
  // Never while the broker is away; serving does not wait for it (B6).
  void agent.noticed.then(() => print('online: the broker sends clients here'));
  await ended;
}

function endOnSignal(agent: RunningAgent, resolve: () => void, reject: (error: unknown) => void): void {
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    const end = signals === 1 ? agent.stop() : agent.kill();
    end.then(resolve, reject);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
