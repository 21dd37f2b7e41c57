// This agent among its neighbours: what it asks them, what it answers them, and where they get it.
import { isIPv6 } from 'node:net';
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { PeerHome } from '#peer-home';
import {
  addressTowards,
  type LanMethod,
  type LanNeighbours,
  type LanOrigin,
  lanInterfaces,
  type OpenLan,
  openLan,
  ShardShelf,
  withoutAsking,
} from '#peer-link';
import { Clock, Log } from '#process';
import { formatAlias } from '#protocol';
import { AgentConfig } from '../config.js';
import { ShardListener } from '../serving/shard-listener.js';
import { ShardIndex } from '../shards/shard-index.js';
import { HostTime } from '../state/host-time.js';
import { AliasListener } from './alias-listener.js';
import { type Holdings, ShardHoldings } from './lan-holdings.js';
import { LanResponder } from './lan-responder.js';
import type { LanSettings } from './lan-settings.js';

const WILDCARDS = ['0.0.0.0', '::'];

@Injectable()
export class LanNode {
  private readonly settings: LanSettings | null;
  private readonly lan: OpenLan | null;
  private readonly alias: AliasListener;
  private readonly holdings = new Map<LanMethod, Holdings>();
  private responder: LanResponder | null = null;

  constructor(
    { lan = null }: AgentConfig,
    private readonly home: PeerHome,
    private readonly broker: BrokerClient,
    index: ShardIndex,
    private readonly shelf: ShardShelf,
    listener: ShardListener,
    private readonly time: HostTime,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.settings = lan;
    this.alias = new AliasListener(listener, log);
    if (lan === null) {
      this.lan = null;
      return;
    }
    const nowMs = () => time.nowMs();
    this.lan = openLan({ home, broker: broker.routes, shelf, nowMs, clock, log, tuning: lan });
    this.holdings.set('get', new ShardHoldings(index, shelf));
  }

  /** Null where neighbours are neither asked nor answered. */
  get neighbours(): LanNeighbours | null {
    return this.lan?.neighbours ?? null;
  }

  /** Null where neighbours are not asked. */
  get open(): OpenLan | null {
    return this.lan;
  }

  /** Of the alias listener; 0 where there is none. */
  get port(): number {
    return this.alias.port;
  }

  /** Answers that were given since the start. */
  get answers(): number {
    return this.responder?.answers ?? 0;
  }

  /** Answer needs of another method too. Before the start. */
  answerWith(method: LanMethod, holdings: Holdings): void {
    this.holdings.set(method, holdings);
  }

  /** Begin to answer; a port that is taken is told, and then nobody is answered. */
  async start(): Promise<void> {
    if (this.settings === null || this.lan === null) return;
    if (!(await this.alias.listen(this.settings.listen)) || !(await this.lan.channel.open())) return;
    const { channel, rules } = this.lan;
    this.responder = new LanResponder({
      channel,
      rules,
      holdings: this.holdings,
      approve: async (request, signal) => {
        const { approval } = await withoutAsking(() => this.broker.routes.approve(request, { signal }));
        return approval;
      },
      aliasTowards: (from) => this.aliasTowards(from),
      random: Math.random,
      nowMs: () => this.time.nowMs(),
      clock: this.clock,
      log: this.log,
    });
    this.log.info({ event: 'lan_started', peerId: this.home.identity.peerId, port: this.port });
  }

  /** What is too old goes from the shelf, and the broker hears of neighbours that lied. */
  async tend(): Promise<void> {
    await this.shelf.sweep();
    await this.neighbours?.report();
  }

  /** Nobody is answered any more, and no new connection comes by the alias. */
  stopAnswering(): void {
    this.responder?.close();
    this.alias.close();
  }

  async close(): Promise<void> {
    this.stopAnswering();
    await this.lan?.close();
  }

  private aliasTowards({ address }: LanOrigin): string | null {
    const { listen, interfaces = lanInterfaces } = this.settings!;
    const isAny = WILDCARDS.includes(listen.host);
    const own = isAny ? addressTowards(address, interfaces()) : listen.host;
    // A listener of IPv4 alone is not reached by IPv6.
    if (own === null || (listen.host === '0.0.0.0' && isIPv6(own))) return null;
    return formatAlias({ address: own, port: this.port });
  }
}
