// Asks the broker what this machine keeps of its network: at first, once a day, and when a key is met that it does not know.
import type { PeerHome } from '#peer-home';
import type { Clock } from '#process';
import type { NetworkAnswer } from '#protocol';
import type { BrokerClient } from './broker-client.js';
import type { CallOptions } from './call-options.js';
import { NETWORK_ASK_MS_MIN, NETWORK_FRESH_MS } from './limits.js';

export interface NetworkRefreshOptions {
  readonly home: PeerHome;
  readonly broker: { readonly routes: Pick<BrokerClient['routes'], 'network'> };
  readonly clock: Clock;
}

/** What it learns is in `home.network`. */
export class NetworkRefresh {
  private asking: Promise<NetworkAnswer> | null = null;
  /** By the monotonic clock; null before the first time. */
  private askedMs: number | null = null;
  private learnedMs: number | null = null;

  constructor(private readonly options: NetworkRefreshOptions) {}

  /** Nothing was learned in this process yet, or not for a day. */
  get isDue(): boolean {
    return this.learnedMs === null || this.options.clock.monotonicMs() - this.learnedMs >= NETWORK_FRESH_MS;
  }

  /** Ask now; whoever asks meanwhile shares the answer. throws as calls of the broker do */
  run(options: CallOptions = {}): Promise<NetworkAnswer> {
    this.asking ??= this.ask(options).finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  /**
   * For whoever met a key that `home.network` does not know: it may be newer. Strangers can make up keys, so the broker is
   * asked for them once a minute at most.
   *
   * returns  whether the broker was asked: then it is worth looking again. throws as calls of the broker do
   */
  async forUnknownKey(options: CallOptions = {}): Promise<boolean> {
    const sinceMs = this.askedMs === null ? Number.POSITIVE_INFINITY : this.options.clock.monotonicMs() - this.askedMs;
    if (this.asking === null && sinceMs < NETWORK_ASK_MS_MIN) return false;
    await this.run(options);
    return true;
  }

  private async ask(options: CallOptions): Promise<NetworkAnswer> {
    const { home, broker, clock } = this.options;
    this.askedMs = clock.monotonicMs();
    const answer = await broker.routes.network(options);
    await home.network.save(answer);
    this.learnedMs = clock.monotonicMs();
    return answer;
  }
}
