// `peerkeep-agent run`: serves until it is told to stop.
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { BackupEngine, BackupScheduler, type SchedulerOptions } from '#backup';
import { takeExclusiveUse } from '#database';
import { PeerHome } from '#peer-home';
import type { Log } from '#process';
import { SystemClock } from '#process';
import type { AgentConfig } from '../config.js';
import { type RunningAgent, startAgent } from '../start-agent.js';

export interface RunOptions {
  readonly config: AgentConfig;
  /** Run the home's configured backups, also where the configuration does not say so. */
  readonly backups: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly print: (line: string) => void;
}

/** Resolves after a clean stop. The first SIGTERM or SIGINT drains; a second one ends at once. */
export async function run({ config, backups, environment, log, print }: RunOptions): Promise<void> {
  const clock = new SystemClock();
  const agent = await startAgent(config, { clock, log });
  const scheduler = await openScheduler(config, { isAsked: backups, environment, clock, log });
  const { host } = config.listen;
  const ended = new Promise<void>((resolve, reject) => endOnSignal(agent, scheduler, resolve, reject));
  scheduler.start();
  print(`listening on ${isIPv6(host) ? `[${host}]` : host}:${agent.port}`);
  // Never while the broker is away; serving does not wait for it (B6).
  void agent.noticed.then(() => print('online: the broker sends clients here'));
  await ended;
}

/** The backups of this very home: a lock keeps them apart from the `peerkeep` command. */
async function openScheduler(
  { homePath, homeKey = null, lan = null }: AgentConfig,
  surroundings: Pick<SchedulerOptions, 'isAsked' | 'environment' | 'clock' | 'log'>,
): Promise<BackupScheduler> {
  const home = await PeerHome.open(homePath, homeKey);
  const takeLock = () => takeExclusiveUse(join(home.path, 'client.lock'));
  const openEngine = () => BackupEngine.open({ home, clock: surroundings.clock, log: surroundings.log, lan });
  return new BackupScheduler({ ...surroundings, home, takeLock, openEngine });
}

function endOnSignal(
  agent: RunningAgent,
  scheduler: BackupScheduler,
  resolve: () => void,
  reject: (error: unknown) => void,
): void {
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    // A backup under way ends first: its shards may go to this very host.
    const end = signals === 1 ? scheduler.stop().then(() => agent.stop()) : agent.kill();
    end.then(resolve, reject);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
