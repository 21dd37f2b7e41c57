// The hosts that a link has connections to: so many at once, each by the best way.
import type { Clock, Log } from '#process';
import { type PeerAddress, type PeerId, ProtocolError } from '#protocol';
import { HostConnections, type LinkIdentity } from './host-connections.js';
import { HOSTS_MAX } from './limits.js';
import { HostWays, type LanWay, type WayInUse } from './reach/host-ways.js';
import { RelayDialer } from './relay/relay-dialer.js';

export interface HostPoolsOptions {
  readonly identity: LinkIdentity;
  readonly clock: Clock;
  readonly log: Log;
  readonly lanWay?: LanWay | undefined;
}

export class HostPools {
  /** In order of use: the first was used longest ago. */
  private readonly hosts = new Map<PeerId, HostConnections>();
  private readonly relays: RelayDialer;
  private readonly hostWays: HostWays;
  private isClosed = false;

  constructor(private readonly options: HostPoolsOptions) {
    const { identity, clock, lanWay } = options;
    this.relays = new RelayDialer({ identity, clock });
    this.hostWays = new HostWays({ clock, relays: this.relays, lanWay });
  }

  /** Which way each host was reached last. */
  get ways(): WayInUse[] {
    return this.hostWays.all;
  }

  /** throws interrupted once closed */
  to(host: PeerAddress): HostConnections {
    if (this.isClosed) throw new ProtocolError('interrupted', {}, { detail: 'the link to peers is closed' });
    let connections = this.hosts.get(host.peerId);
    // A pool that is busy never connects anew by itself.
    if (connections !== undefined && (!connections.isFor(host) || this.hostWays.looksUpward(host))) {
      this.retire(connections);
      connections = undefined;
    }
    connections ??= new HostConnections(this.options.identity, host, (to, tls) => this.hostWays.open(to, tls));
    connections.learn(host);
    // Set anew, so that it comes last in the order of use.
    this.hosts.delete(host.peerId);
    this.hosts.set(host.peerId, connections);
    const [oldest] = this.hosts.values();
    if (this.hosts.size > HOSTS_MAX && oldest !== undefined) this.retire(oldest);
    return connections;
  }

  /** Drop all connections; transfers under way fail. */
  async close(): Promise<void> {
    this.isClosed = true;
    const open = [...this.hosts.values()];
    this.hosts.clear();
    await Promise.all(open.map(({ pool }) => pool.destroy()));
    this.relays.close();
  }

  /** Close when the transfers under way have ended. */
  private retire(connections: HostConnections): void {
    const { peerId } = connections.host;
    this.hosts.delete(peerId);
    connections.pool
      .close()
      .catch((error: unknown) => this.options.log.warn({ event: 'host_close_failed', hostId: peerId, err: error }));
  }
}
