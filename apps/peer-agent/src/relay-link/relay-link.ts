// Keeps this peer attached to a relay while it needs one: asks the broker for it, renews the lease, and moves to another
// when it is lost.
import { strict as assert } from 'node:assert';
import type { ServerHttp2Stream } from 'node:http2';
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { PeerHome } from '#peer-home';
import { backoffMs, Clock, Log } from '#process';
import {
  isRefusal,
  type PeerId,
  type ProtocolError,
  parseTime,
  RELAYS_AVOIDED_MAX,
  type RelayAttachmentAnswer,
} from '#protocol';
import { AskPresence } from '../broker-link/ask-presence.js';
import { AgentConfig } from '../config.js';
import {
  RELAY_AVOIDED_MS,
  RELAY_BACKOFF_MS_MAX,
  RELAY_BACKOFF_MS_MIN,
  RELAY_END_MS_MAX,
  RELAY_LOOK_MS,
  RELAY_LOST_MS_MAX,
} from '../limits.js';
import { AgentMetrics } from '../metrics/agent-metrics.js';
import { ShardListener } from '../serving/shard-listener.js';
import { AgentDatabase } from '../state/agent-database.js';
import { HostTime } from '../state/host-time.js';
import { Attachment } from './attachment.js';
import { decideRelay, isRelayUseless } from './decide-relay.js';
import { Reachability } from './reachability.js';
import { type RelayState, readRelayState, writeRelayState } from './relay-state.js';
import { RelayVisits } from './relay-visits.js';

@Injectable()
export class RelayLink {
  private current: Attachment | null = null;
  /** Relays that were left, while what they carry comes to its end. */
  private readonly ending = new Set<Attachment>();
  private state: RelayState | null = null;
  /** Relays that failed, until when by the monotonic clock. */
  private readonly avoided = new Map<PeerId, number>();
  private last: RelayAttachmentAnswer | null = null;
  private nextTryMs = 0;
  /** How often another relay was looked for since the broker last reached this peer, and when by the monotonic clock. */
  private looks = 0;
  private lookedAtMs = 0;
  private isClosed = false;

  constructor(
    private readonly config: AgentConfig,
    private readonly home: PeerHome,
    private readonly broker: BrokerClient,
    private readonly listener: ShardListener,
    private readonly askPresence: AskPresence,
    private readonly reachability: Reachability,
    private readonly visits: RelayVisits,
    private readonly metrics: AgentMetrics,
    private readonly database: AgentDatabase,
    private readonly time: HostTime,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  private get attachment(): Attachment | null {
    return this.current;
  }

  private set attachment(attachment: Attachment | null) {
    this.current = attachment;
    this.reachability.relayId = attachment?.relayId;
  }

  /** Connections to relays, and what they carry at the moment. */
  get load(): { readonly connections: number; readonly streams: number } {
    const all = [...this.ending, ...(this.attachment === null ? [] : [this.attachment])];
    const sum = (of: (attachment: Attachment) => number): number => all.reduce((before, one) => before + of(one), 0);
    return {
      connections: sum((one) => one.countOf('control') + one.countOf('bulk')),
      streams: sum(({ carried }) => carried),
    };
  }

  /** How long to wait until it is looked again whether something has to be done. */
  get pauseMs(): number {
    return RELAY_LOOK_MS;
  }

  /** Do what there is to do: attach, renew the lease, leave. Its failures are told in the state and in the log. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.isClosed) return;
    if (this.state === null) this.state = await this.begin();
    const before = this.state;
    const { isWanted, reason } = decideRelay({
      mode: this.config.relay ?? 'never',
      isWanted: before.isWanted,
      direct: this.reachability.direct,
      directSinceMs: this.reachability.directSinceMs,
      nowMs: this.clock.monotonicMs(),
    });
    if (isWanted !== before.isWanted || reason !== before.reason) await this.keep({ isWanted, reason });
    if (!isWanted) return this.leave();
    if (this.reachability.isReached) this.looks = 0;
    if (this.clock.monotonicMs() < this.nextTryMs) return;
    const { attachment } = this;
    if (attachment !== null && this.isUseless(attachment)) await this.replace(attachment, signal);
    else if (attachment === null || attachment.isLeaseOld(this.time.nowMs())) {
      await this.attach(attachment?.relayId ?? null, signal);
    }
  }

  /** No further streams; those that stand go on. */
  refuseNew(): void {
    this.isClosed = true;
    this.attachment?.end();
  }

  /** Drop all connections, and with them what they carry. */
  destroy(): void {
    this.isClosed = true;
    this.attachment?.destroy();
    for (const attachment of this.ending) attachment.destroy();
    this.attachment = null;
    this.ending.clear();
  }

  /** What the run before left: of its connections nothing is there any more. */
  private async begin(): Promise<RelayState> {
    const state = await readRelayState(this.database.reads);
    return state.relay === null ? state : { ...state, relay: null, sinceMs: this.time.nowMs() };
  }

  private isUseless({ relayId }: Attachment): boolean {
    const { looks, lookedAtMs } = this;
    return isRelayUseless({ relayId, unreached: this.reachability.unreached, looks, lookedAtMs });
  }

  /** It is kept where there is no other: its fault or not, it is the only way there may be. */
  private async replace({ relayId }: Attachment, signal: AbortSignal): Promise<void> {
    this.looks++;
    this.lookedAtMs = this.clock.monotonicMs();
    this.log.warn({ event: 'relay_useless', relayId, looks: this.looks });
    this.avoid(relayId);
    await this.attach(null, signal);
  }

  /** At first, for the next lease, and to leave a relay: the broker may say that the lease is another relay's. */
  private async attach(stayWith: PeerId | null, signal: AbortSignal): Promise<void> {
    const { attachment } = this;
    let given: RelayAttachmentAnswer | null = null;
    try {
      given = await this.ask(stayWith, signal);
      if (attachment?.relayId === given.relayId) await this.renew(attachment, given);
      else await this.moveTo(given, signal);
      this.last = given;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.code === 'interrupted') return;
      await this.noteFailure(error, given?.relayId ?? null);
    }
  }

  /** Without a broker the relay that was used last is as good as before, while its lease lives. */
  private async ask(stayWith: PeerId | null, signal: AbortSignal): Promise<RelayAttachmentAnswer> {
    try {
      const body = { avoid: this.avoidedNow(), stayWith, web: this.visits.isOn };
      return await this.broker.routes.attach(body, { signal });
    } catch (error) {
      if (this.attachment === null && isRefusal(error, 'broker_unreachable') && this.isLastGood()) return this.last!;
      // Those that failed may be all that there are: then they are tried again.
      if (isRefusal(error, 'relay_unavailable')) this.avoided.clear();
      throw error;
    }
  }

  private async renew(attachment: Attachment, given: RelayAttachmentAnswer): Promise<void> {
    attachment.renew(given, this.time.nowMs());
    if (this.known.failures > 0) await this.keep({ failures: 0, code: null });
  }

  /** The new one stands before the old one is left. */
  private async moveTo(given: RelayAttachmentAnswer, signal: AbortSignal): Promise<void> {
    const { home, visits, clock, log } = this;
    const next: Attachment = new Attachment(given, this.time.nowMs(), {
      home,
      visits,
      clock,
      log,
      carry: (stream: ServerHttp2Stream) => this.listener.adopt(stream),
      onLost: () => this.lost(next),
    });
    await next.open(signal);
    this.setAside();
    this.attachment = next;
    this.metrics.relayAttachments.inc({ outcome: 'attached' });
    const { relayId, address, port } = given;
    this.log.info({ event: 'relay_attached', relayId });
    this.askPresence.ask();
    await this.keep({
      relay: { relayId, address, port },
      sinceMs: this.time.nowMs(),
      attached: this.known.attached + 1,
      failures: 0,
      code: null,
    });
  }

  private async leave(): Promise<void> {
    if (this.attachment === null) return;
    const { relayId } = this.attachment;
    this.setAside();
    this.log.info({ event: 'relay_left', relayId });
    this.askPresence.ask();
    await this.keep({ relay: null, sinceMs: this.time.nowMs() });
  }

  /** Peers whom the broker sent here over this relay before may still come to the end of what they do. */
  private setAside(): void {
    const { attachment } = this;
    if (attachment === null) return;
    this.attachment = null;
    this.ending.add(attachment);
    attachment.end();
    this.clock.schedule(RELAY_END_MS_MAX, () => {
      attachment.destroy();
      this.ending.delete(attachment);
    });
  }

  private lost(attachment: Attachment): void {
    if (this.attachment !== attachment) return;
    const { relayId } = attachment;
    this.setAside();
    this.avoid(relayId);
    // All peers of a relay lose it at once; they do not all come to the next one at once.
    this.nextTryMs = this.clock.monotonicMs() + RELAY_LOST_MS_MAX * Math.random();
    this.metrics.relayLosses.inc();
    this.log.warn({ event: 'relay_lost', relayId });
    this.askPresence.ask();
    this.keep({ relay: null, sinceMs: this.time.nowMs(), lost: this.known.lost + 1 }).catch((error: unknown) =>
      this.log.error({ event: 'relay_state_not_kept', err: error }),
    );
  }

  private async noteFailure({ code }: ProtocolError, relayId: PeerId | null): Promise<void> {
    if (relayId !== null) this.avoid(relayId);
    const failures = this.known.failures + 1;
    const range = { minMs: RELAY_BACKOFF_MS_MIN, maxMs: RELAY_BACKOFF_MS_MAX };
    this.nextTryMs = this.clock.monotonicMs() + backoffMs(failures, range, Math.random());
    this.metrics.relayAttachments.inc({ outcome: 'failed' });
    this.log.warn({ event: 'relay_failed', relayId, code, failures });
    await this.keep({ failures, code });
  }

  private avoid(relayId: PeerId): void {
    this.avoided.delete(relayId);
    this.avoided.set(relayId, this.clock.monotonicMs() + RELAY_AVOIDED_MS);
    const [oldest] = this.avoided.keys();
    if (this.avoided.size > RELAYS_AVOIDED_MAX && oldest !== undefined) this.avoided.delete(oldest);
  }

  private avoidedNow(): PeerId[] {
    const nowMs = this.clock.monotonicMs();
    for (const [relayId, untilMs] of this.avoided) if (untilMs <= nowMs) this.avoided.delete(relayId);
    return [...this.avoided.keys()];
  }

  private isLastGood(): boolean {
    return this.last !== null && this.time.nowMs() < (parseTime(this.last.expiresAt) ?? 0);
  }

  private get known(): RelayState {
    assert(this.state !== null, 'nothing is attached before the first run');
    return this.state;
  }

  private async keep(change: Partial<RelayState>): Promise<void> {
    const state = { ...this.known, ...change };
    this.state = state;
    await this.database.writes.run((db) => writeRelayState(db, state));
  }
}
