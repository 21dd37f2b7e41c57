// Starts a relay, as `peerkeep-relay run` does and as tests do: its parts, listening, loops, and its two ends.
import { BrokerClient, NetworkRefresh } from '#broker-api';
import { type RunningMetrics, serveMetrics } from '#metrics';
import { PeerHome } from '#peer-home';
import { type Clock, type Log, Periodic, pause } from '#process';
import type { ErrorCode, PeerId } from '#protocol';
import { AttachedPeers } from './attach/attached-peers.js';
import { Presence } from './broker-link/presence.js';
import { Renewals } from './broker-link/renewals.js';
import { ReportUsage } from './broker-link/report-usage.js';
import type { RelayConfig } from './config.js';
import { LeaseBook } from './leases/lease-book.js';
import {
  HELD_BYTES_MAX,
  NETWORK_LOOK_MS,
  PEERS_MAX,
  RENEWAL_CHECK_MS,
  STOP_BROKER_MS_MAX,
  STOP_TUNNELS_MS_MAX,
  USAGE_MS,
  WATCH_MS,
} from './limits.js';
import { observeRelay, RelayMetrics, unreadyRelay } from './metrics/relay-metrics.js';
import { Clients } from './reach/clients.js';
import { inTheWay } from './reach/in-the-way.js';
import { Tunnels } from './reach/tunnels.js';
import { RelayListener } from './relay-listener.js';
import { VisitListener } from './visits/visit-listener.js';
import { Visits } from './visits/visits.js';

export interface RelaySurroundings {
  readonly clock: Clock;
  readonly log: Log;
}

export type LoopName = 'presence' | 'usage' | 'network' | 'renewals' | 'watch';

export interface RunningRelay {
  readonly peerId: PeerId;
  readonly port: number;
  /** Of the listener for figures, if there is one. */
  readonly metricsPort: number | null;
  /** Of the listener for visitors' browsers, if there is one. */
  readonly webPort: number | null;
  readonly visits: Visits;
  /** Resolves when the broker has first taken notice of this relay; never while the broker is away. */
  readonly noticed: Promise<void>;
  readonly peers: AttachedPeers;
  readonly tunnels: Tunnels;
  /** Run one of the loops now, and wait for its end; throws what it throws. */
  readonly triggers: Readonly<Record<LoopName, () => Promise<void>>>;
  /** Send peers elsewhere, let streams end, and tell the broker what was moved. */
  stop(): Promise<void>;
  /** End at once: connections are cut and nothing is waited for. */
  kill(): Promise<void>;
}

/**
 * Start to relay. Needs no broker once it has told how leases are signed.
 *
 * throws   home_missing | home_corrupt | secret_file_exposed; EADDRINUSE and its kind
 */
export async function startRelay(config: RelayConfig, { clock, log }: RelaySurroundings): Promise<RunningRelay> {
  const home = await PeerHome.open(config.homePath, config.homeKey ?? null);
  const broker = new BrokerClient({ home, clock, log });
  const relay = new Relay(config, { home, broker, clock, log });
  try {
    await relay.listen();
  } catch (error) {
    await relay.kill();
    throw error;
  }
  relay.begin();
  log.info({ event: 'relay_started', peerId: relay.peerId, port: relay.port, metricsPort: relay.metricsPort });
  return relay;
}

interface RelayParts extends RelaySurroundings {
  readonly home: PeerHome;
  readonly broker: BrokerClient;
}

class Relay implements RunningRelay {
  readonly peers: AttachedPeers;
  readonly tunnels: Tunnels;
  readonly visits: Visits;
  port = 0;
  webPort: number | null = null;
  private readonly metrics = new RelayMetrics();
  private readonly network: NetworkRefresh;
  private readonly leases: LeaseBook;
  private readonly clients: Clients;
  private readonly listener: RelayListener;
  private readonly visitListener: VisitListener | null;
  private readonly renewals: Renewals;
  private readonly usage: ReportUsage;
  private readonly peersMax: number;
  private readonly ending = new AbortController();
  private presence!: Presence;
  private loops!: Readonly<Record<LoopName, Periodic>>;
  private running: RunningMetrics | null = null;
  private stopping: Promise<void> | null = null;
  private killing: Promise<void> | null = null;

  constructor(
    private readonly config: RelayConfig,
    private readonly parts: RelayParts,
  ) {
    const { home, broker, clock, log } = parts;
    const { trustDomain, peerId } = home.identity;
    const nowMs = (): number => broker.brokerTime.nowMs();
    const onRefused = (code: ErrorCode): void => this.refused(code);
    this.peersMax = config.peersMax ?? PEERS_MAX;
    this.network = new NetworkRefresh({ home, broker, clock });
    const signingKeys = () => home.network.signingKeys('lease');
    this.leases = new LeaseBook({ relay: { trustDomain, relayId: peerId }, signingKeys, nowMs, clock });
    const shared = { leases: this.leases, clock, log, onRefused };
    this.peers = new AttachedPeers({ ...shared, relayId: peerId, nowMs, peersMax: this.peersMax });
    this.tunnels = new Tunnels(this.leases);
    this.clients = new Clients({ ...shared, peers: this.peers, tunnels: this.tunnels });
    this.listener = new RelayListener({
      home,
      peersMax: this.peersMax,
      log,
      onPeer: (socket, id) => this.peers.admit(socket, id),
      onClient: (socket, requester) => this.clients.admit(socket, requester),
    });
    this.visits = new Visits(this.leases);
    const visiting = {
      relayDomain: () => home.network.load()?.relayDomain ?? null,
      peers: () => this.peers.all(),
      visits: this.visits,
    };
    this.visitListener = config.web
      ? new VisitListener({ ...visiting, credentials: config.web, clock, log, onRefused })
      : null;
    this.renewals = new Renewals(broker, home, () => this.listener.useRenewedCertificate());
    this.usage = new ReportUsage(broker, this.leases, log);
  }

  get peerId(): PeerId {
    return this.parts.home.identity.peerId;
  }

  get metricsPort(): number | null {
    return this.running?.port ?? null;
  }

  get noticed(): Promise<void> {
    return this.presence.noticed;
  }

  get triggers(): RunningRelay['triggers'] {
    const { presence, usage, network, renewals, watch } = this.loops;
    return {
      presence: () => presence.trigger(),
      usage: () => usage.trigger(),
      network: () => network.trigger(),
      renewals: () => renewals.trigger(),
      watch: () => watch.trigger(),
    };
  }

  async listen(): Promise<void> {
    const { config, parts, renewals, peersMax } = this;
    this.port = await this.listener.listen(config.listen);
    if (config.web) this.webPort = (await this.visitListener?.listen(config.web.listen)) ?? null;
    const place = {
      address: config.publicAddress.host,
      port: config.publicAddress.port || this.port,
      webPort: this.webPort,
    };
    this.presence = new Presence({
      ...parts,
      renewals,
      place,
      peersMax,
      load: () => ({
        peers: this.peers.count,
        streams: this.tunnels.count + this.visits.count,
        movedBytes: this.tunnels.movedBytes.to_peer + this.tunnels.movedBytes.from_peer,
      }),
      onDrained: (isDrained) => {
        this.peers.isDrained = isDrained || this.stopping !== null;
      },
    });
    this.loops = this.makeLoops();
    if (config.metrics) await this.serveMetrics(config.metrics);
  }

  /** The broker may be away: peers that know this relay are served all the same. */
  begin(): void {
    for (const loop of Object.values(this.loops)) loop.start();
    for (const name of ['network', 'presence'] as const) {
      this.triggers[name]().catch((error: unknown) =>
        this.parts.log.warn({ event: 'periodic_failed', job: name, err: error }),
      );
    }
  }

  stop(): Promise<void> {
    this.stopping ??= this.killing ?? this.runStop();
    return this.stopping;
  }

  kill(): Promise<void> {
    this.killing ??= this.close();
    return this.killing;
  }

  private makeLoops(): Readonly<Record<LoopName, Periodic>> {
    const { clock, log } = this.parts;
    const { signal } = this.ending;
    const loop = (name: LoopName, intervalMs: () => number, run: () => Promise<void>): Periodic =>
      new Periodic({ name, clock, log, intervalMs, run, soonMs: 0 });
    return {
      presence: loop(
        'presence',
        () => this.presence.intervalMs(Math.random()),
        () => this.presence.announce(signal),
      ),
      usage: loop(
        'usage',
        () => USAGE_MS,
        () => this.usage.run(signal),
      ),
      network: loop(
        'network',
        () => NETWORK_LOOK_MS,
        async () => {
          if (this.network.isDue) await this.network.run({ signal });
        },
      ),
      renewals: loop(
        'renewals',
        () => RENEWAL_CHECK_MS,
        () => this.renewals.check(signal),
      ),
      watch: loop(
        'watch',
        () => WATCH_MS,
        async () => {
          this.tunnels.watch(clock.monotonicMs());
          this.visits.watch(clock.monotonicMs());
          for (const one of inTheWay([...this.tunnels.all, ...this.visits.all], HELD_BYTES_MAX)) one.end('bound');
        },
      ),
    };
  }

  private async serveMetrics(listen: NonNullable<RelayConfig['metrics']>): Promise<void> {
    const { home, broker, clock } = this.parts;
    const { peers, clients, tunnels, visits, leases, presence, metrics } = this;
    observeRelay(metrics, { peers, clients, tunnels, visits, leases, presence, home });
    const unready = async () => {
      const brokerNowMs = broker.brokerTime.known ? broker.brokerTime.nowMs() : null;
      return unreadyRelay({ isStopping: this.stopping !== null, home, clock, brokerNowMs });
    };
    this.running = await serveMetrics(listen, { book: metrics.book, unready });
  }

  /** A lease under a key that this relay has not heard of may be of a newer one. */
  private refused(code: ErrorCode): void {
    this.metrics.refused(code);
    if (code !== 'lease_invalid') return;
    const { log } = this.parts;
    this.network
      .forUnknownKey({ signal: this.ending.signal })
      .catch((error: unknown) => log.debug({ event: 'network_not_refreshed', err: error }));
  }

  private async runStop(): Promise<void> {
    const { clock, log } = this.parts;
    this.peers.isDrained = true;
    await this.lastWords(async (signal) => this.presence.announce(signal, true));
    if (this.killing !== null) return this.killing;
    this.listener.close();
    this.visitListener?.stopListening();
    this.peers.release();
    this.clients.release();
    const waited = new AbortController();
    await Promise.race([this.tunnels.idle(), pause(clock, STOP_TUNNELS_MS_MAX, waited.signal)]);
    waited.abort();
    this.tunnels.endAll();
    this.visits.endAll();
    await this.lastWords((signal) => this.usage.run(signal));
    await this.kill();
    log.info({ event: 'relay_stopped' });
  }

  /** What the broker should hear; it may be away. */
  private async lastWords(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const deadline = new AbortController();
    const cancel = this.parts.clock.schedule(STOP_BROKER_MS_MAX, () => deadline.abort());
    try {
      await run(deadline.signal);
    } catch (error) {
      this.parts.log.warn({ event: 'broker_not_told', err: error });
    } finally {
      cancel();
    }
  }

  private async close(): Promise<void> {
    this.ending.abort();
    this.listener.close();
    this.visitListener?.destroy();
    this.peers.destroy();
    this.clients.destroy();
    if (this.loops !== undefined) await Promise.all(Object.values(this.loops).map((loop) => loop.stop()));
    await this.running?.close();
    await this.parts.broker.close();
  }
}
