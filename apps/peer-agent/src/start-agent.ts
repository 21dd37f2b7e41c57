// Starts an agent, as `peerkeep-agent run` does and as the tests' world does: wiring, listening, loops, and its two ends.
import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BrokerClient } from '#broker-api';
import { type RunningMetrics, serveMetrics } from '#metrics';
import type { Clock, ListenAddress } from '#process';
import type { PeerId } from '#protocol';
import { type AgentSurroundings, agentModule } from './agent.module.js';
import { AgentLock } from './agent-lock.js';
import { AgentLoops } from './agent-loops.js';
import { Presence } from './broker-link/presence.js';
import type { AgentConfig } from './config.js';
import { HostIdentity } from './host-identity.js';
import { LanNode } from './lan/lan-node.js';
import { STOP_BROKER_MS_MAX, STOP_TRANSFERS_MS_MAX } from './limits.js';
import { AgentMetrics } from './metrics/agent-metrics.js';
import { observeAgent, unreadyAgent } from './metrics/observe-agent.js';
import { RelayLink } from './relay-link/relay-link.js';
import { RepairWorker } from './repairs/repair-worker.js';
import { SendReports } from './reports/send-reports.js';
import { ScrubShards } from './scrub/scrub-shards.js';
import { ShardListener } from './serving/shard-listener.js';
import { Transfers } from './serving/transfers.js';
import { AgentDatabase } from './state/agent-database.js';
import { markCleanStop } from './state/agent-state.js';
import { ReplayList } from './tokens/replay-list.js';
import { HomeView } from './web/home-view.js';
import { WebListener } from './web/web-listener.js';

export interface RunningAgent {
  readonly peerId: PeerId;
  readonly port: number;
  /** Of the listener for figures, if there is one. */
  readonly metricsPort: number | null;
  /** Of the listener for the owner's pages, if there is one. */
  readonly webPort: number | null;
  /** Where neighbours on the local network are served; 0 where they are not. */
  readonly lanPort: number;
  /** Neighbours that were answered so far. */
  readonly lanAnswers: number;
  /** Resolves when the broker has first taken notice of this host; never while the broker is away. */
  readonly noticed: Promise<void>;
  /** Run one of the loops now, and wait for its end; throws what it throws. */
  readonly triggers: Readonly<Record<LoopName, () => Promise<void>>>;
  /** Refuse new transfers, end those under way, tell the broker what waits, and leave a mark that all is known. */
  stop(): Promise<void>;
  /** End at once: connections are cut, nothing is waited for, and the next start knows that this was no clean stop. */
  kill(): Promise<void>;
}

export type LoopName =
  | 'presence'
  | 'reports'
  | 'renewals'
  | 'prune'
  | 'rates'
  | 'sweep'
  | 'trash'
  | 'scrub'
  | 'keepFilter'
  | 'network'
  | 'relay'
  | 'neighbours'
  | 'repairs';

/**
 * Start to serve. Needs no broker: tokens are verified alone.
 *
 * throws   home_missing | home_corrupt | secret_file_exposed | data_dir_in_use; EADDRINUSE and its kind
 */
export async function startAgent(config: AgentConfig, surroundings: AgentSurroundings): Promise<RunningAgent> {
  const context = await NestFactory.createApplicationContext(agentModule(config, surroundings), {
    logger: false,
    abortOnError: false,
  });
  const loops = context.get(AgentLoops);
  const ending = new AgentEnding(context, loops, surroundings);
  let port: number;
  try {
    if (config.metrics) await ending.serveMetrics(config.metrics);
    if (config.web?.listen) await context.get(WebListener).listen(config.web.listen);
    port = await context.get(ShardListener).listen(config.listen);
    await context.get(LanNode).start();
  } catch (error) {
    await ending.stop();
    throw error;
  }
  loops.start();
  const { metricsPort } = ending;
  surroundings.log.info({ event: 'agent_started', peerId: context.get(HostIdentity).peerId, port, metricsPort });
  return {
    peerId: context.get(HostIdentity).peerId,
    port,
    metricsPort,
    webPort: context.get(WebListener).port,
    lanPort: context.get(LanNode).port,
    get lanAnswers() {
      return context.get(LanNode).answers;
    },
    noticed: context.get(Presence).noticed,
    triggers: {
      presence: () => loops.presence.trigger(),
      reports: () => loops.reports.trigger(),
      renewals: () => loops.renewals.trigger(),
      prune: () => loops.prune.trigger(),
      rates: () => loops.rates.trigger(),
      sweep: () => loops.sweep.trigger(),
      trash: () => loops.trash.trigger(),
      scrub: () => loops.scrub.trigger(),
      keepFilter: () => loops.keepFilter.trigger(),
      network: () => loops.network.trigger(),
      relay: () => loops.relay.trigger(),
      neighbours: () => loops.neighbours.trigger(),
      repairs: () => loops.repairs.trigger(),
    },
    stop: () => ending.stop(),
    kill: () => ending.kill(),
  };
}

/** The two ways to end; whichever is asked for first begins, and a kill cuts a stop short. */
class AgentEnding {
  private stopping: Promise<void> | null = null;
  private killing: Promise<void> | null = null;
  private closing: Promise<void> | null = null;
  private metrics: RunningMetrics | null = null;

  constructor(
    private readonly context: INestApplicationContext,
    private readonly loops: AgentLoops,
    private readonly surroundings: AgentSurroundings,
  ) {}

  /** What watches this host is told until it is closed. */
  async serveMetrics(listen: ListenAddress): Promise<void> {
    observeAgent(this.context);
    const { book } = this.context.get(AgentMetrics);
    this.metrics = await serveMetrics(listen, { book, unready: () => unreadyAgent(this.context) });
  }

  get metricsPort(): number | null {
    return this.metrics?.port ?? null;
  }

  stop(): Promise<void> {
    this.stopping ??= this.killing ?? this.runStop();
    return this.stopping;
  }

  kill(): Promise<void> {
    this.killing ??= this.runKill();
    return this.killing;
  }

  private async runStop(): Promise<void> {
    const { clock, log } = this.surroundings;
    await this.endTransfers(clock);
    await this.loops.stop();
    await this.context.get(ScrubShards).save();
    const deadline = new Deadline(clock, STOP_BROKER_MS_MAX);
    try {
      await this.context.get(SendReports).run({ signal: deadline.signal });
      await this.context.get(RepairWorker).giveUp(deadline.signal);
      await this.context.get(Presence).takeLeave(deadline.signal);
    } catch (error) {
      // What the broker has not heard is in the outbox; it hears at the next start.
      log.warn({ event: 'broker_not_told', err: error });
    } finally {
      deadline.cancel();
    }
    if (this.killing !== null) return this.killing;
    const database = this.context.get(AgentDatabase);
    if (this.context.get(ReplayList).isDurable) await database.writes.run((db) => markCleanStop(db, true));
    await this.close();
    log.info({ event: 'agent_stopped' });
  }

  private async endTransfers(clock: Clock): Promise<void> {
    const transfers = this.context.get(Transfers);
    const listener = this.context.get(ShardListener);
    transfers.refuseNew();
    listener.stopListening();
    this.context.get(LanNode).stopAnswering();
    this.context.get(RelayLink).refuseNew();
    const deadline = new Deadline(clock, STOP_TRANSFERS_MS_MAX);
    deadline.signal.addEventListener('abort', () => listener.destroyConnections());
    await transfers.idle();
    deadline.cancel();
    listener.destroyConnections();
    this.context.get(RelayLink).destroy();
  }

  private async runKill(): Promise<void> {
    const listener = this.context.get(ShardListener);
    listener.stopListening();
    listener.destroyConnections();
    this.context.get(LanNode).stopAnswering();
    this.context.get(RelayLink).destroy();
    await this.loops.stop();
    await this.close();
  }

  private close(): Promise<void> {
    this.closing ??= this.runClose();
    return this.closing;
  }

  private async runClose(): Promise<void> {
    await this.metrics?.close();
    await this.context.get(WebListener).close();
    await this.context.get(HomeView).close();
    await this.context.get(LanNode).close();
    await this.context.get(AgentDatabase).close();
    await this.context.get(RepairWorker).close();
    await this.context.get(BrokerClient).close();
    await this.context.close();
    await this.context.get(AgentLock).release();
  }
}

/** An abort signal by the clock of the agent. */
class Deadline {
  private readonly controller = new AbortController();
  readonly cancel: () => void;

  constructor(clock: Clock, ms: number) {
    this.cancel = clock.schedule(ms, () => this.controller.abort());
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }
}
