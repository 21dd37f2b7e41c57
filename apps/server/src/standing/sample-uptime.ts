// Counts hosts that are silent as hosts that did not answer: nobody probes those, and their uptime would stay what it was.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import type { PeerId } from '#protocol';
import { PROBE_WITNESSES_MIN } from '../limits.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { mayHost } from '../peers/peer-standing.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { Settings } from '../platform/settings.js';
import { UPTIME_WINDOW_MS } from '../reputation/decide-uptime.js';
import { HostReputation } from '../reputation/host-reputation.js';

@Injectable()
export class SampleUptime {
  private sampledAtMs: number;
  private onlineBefore: ReadonlySet<PeerId> = new Set();

  constructor(
    private readonly hosts: OnlineHosts,
    private readonly reputation: HostReputation,
    private readonly directory: PeerDirectory,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    // A broker that has just started does not know yet who is there.
    this.sampledAtMs = clock.nowMs();
  }

  /** Once in the time after which a host would be probed again. */
  run(): void {
    const nowMs = this.clock.nowMs();
    const { probeHosts, probeIntervalMs } = this.settings.policy;
    if (nowMs - this.sampledAtMs < probeIntervalMs) return;
    const online = new Set(this.hosts.all().map(({ peerId }) => peerId));
    // The broker may be the one that is cut off; for so long that nothing would be known of anybody it is not.
    if (this.isBlind(online) && nowMs - this.sampledAtMs < UPTIME_WINDOW_MS) {
      this.log.warn({
        event: 'uptime_not_counted',
        detail: 'hardly any host is there that was: is this network down?',
      });
      return;
    }
    this.sampledAtMs = nowMs;
    this.onlineBefore = online;
    if (!probeHosts) for (const peerId of online) this.reputation.noteAsked(peerId, true);
    for (const peerId of this.reputation.known()) {
      const peer = this.directory.find(peerId);
      if (peer !== undefined && mayHost(peer.state) && !online.has(peerId)) this.reputation.noteAsked(peerId, false);
    }
  }

  private isBlind(online: ReadonlySet<PeerId>): boolean {
    const lost = [...this.onlineBefore].filter((peerId) => !online.has(peerId)).length;
    const { size } = this.onlineBefore;
    return size >= PROBE_WITNESSES_MIN && lost >= this.settings.policy.probeLostShareMax * size;
  }
}
