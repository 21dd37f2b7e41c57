// `peerkeep-relay run`: relays until it is told to stop.
import { isIPv6 } from 'node:net';
import { type Log, SystemClock } from '#process';
import type { RelayConfig } from '../config.js';
import { type RunningRelay, startRelay } from '../start-relay.js';

export interface RunOptions {
  readonly config: RelayConfig;
  readonly log: Log;
  readonly print: (line: string) => void;
}

/** Resolves after a clean stop. The first SIGTERM or SIGINT lets streams end; a second one ends at once. */
export async function run({ config, log, print }: RunOptions): Promise<void> {
  const relay = await startRelay(config, { clock: new SystemClock(), log });
  const { host } = config.listen;
  const ended = new Promise<void>((resolve, reject) => endOnSignal(relay, resolve, reject));
  print(`listening on ${isIPv6(host) ? `[${host}]` : host}:${relay.port}`);
  // Never while the broker is away; peers that know this relay are served all the same.
  void relay.noticed.then(() => print('online: the broker sends peers here'));
  await ended;
}

function endOnSignal(relay: RunningRelay, resolve: () => void, reject: (error: unknown) => void): void {
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    (signals === 1 ? relay.stop() : relay.kill()).then(resolve, reject);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
