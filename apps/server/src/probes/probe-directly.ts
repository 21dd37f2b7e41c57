// Hosts that are attached to a relay are tried without it now and then: who is reached directly needs none.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { isRefusal } from '#protocol';
import { DIRECT_PROBES_AT_ONCE_MAX, DIRECT_PROBES_PER_RUN_MAX } from '../limits.js';
import { type OnlineHost, OnlineHosts } from '../placement/online-hosts.js';
import { Settings } from '../platform/settings.js';
import { DirectWays } from '../relays/direct-ways.js';
import { askInBatches } from './ask-in-batches.js';
import { AskProbe } from './ask-probe.js';

@Injectable()
export class ProbeDirectly {
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly hosts: OnlineHosts,
    private readonly ask: AskProbe,
    private readonly direct: DirectWays,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Those that wait the longest first; those that were never tried before all others. */
  async runDue(): Promise<void> {
    const { probeHosts, relay } = this.settings.policy;
    if (!probeHosts) return;
    const dueBeforeMs = this.clock.nowMs() - relay.directProbeMs;
    const triedAtMs = (host: OnlineHost): number => this.direct.triedAtMs(host) ?? Number.NEGATIVE_INFINITY;
    const due = this.hosts.all().filter((host) => host.relayId !== null && triedAtMs(host) <= dueBeforeMs);
    due.sort((a, b) => (triedAtMs(a) === triedAtMs(b) ? 0 : triedAtMs(a) - triedAtMs(b)));
    const run = this.tryAll(due.slice(0, DIRECT_PROBES_PER_RUN_MAX));
    this.running = run.catch(() => undefined);
    return run;
  }

  /** No more attempts; waits for the end of those under way. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  private async tryAll(hosts: readonly OnlineHost[]): Promise<void> {
    try {
      await askInBatches(hosts, {
        atOnceMax: DIRECT_PROBES_AT_ONCE_MAX,
        batchMax: DIRECT_PROBES_AT_ONCE_MAX,
        ask: (host) => this.tryOne(host),
        take: async () => undefined,
      });
    } catch (error) {
      if (!isRefusal(error, 'interrupted')) throw error;
    }
  }

  private async tryOne(host: OnlineHost): Promise<void> {
    const { peerId, address, port } = host;
    const { kind } = await this.ask.run({ peerId, address, port }, this.ending.signal);
    const isDirect = kind === 'good';
    if (isDirect !== this.direct.isDirect(host)) {
      this.log.info({ event: 'host_way', peerId, isDirect });
      this.hosts.changed();
    }
    this.direct.note(host, isDirect, this.clock.nowMs());
  }
}
