// Tells the broker that this host is there and what it offers, and hears what is due.
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { backoffMs } from '#process';
import { type HomeRun, type HostOffer, isRefusal } from '#protocol';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, PRESENCE_MS_MAX, PRESENCE_MS_MIN } from '../limits.js';
import { PROGRAM } from '../program.js';
import { Reachability } from '../relay-link/reachability.js';
import { AgentDatabase } from '../state/agent-database.js';
import { AgentState, recordContact } from '../state/agent-state.js';
import { keepAcknowledged, proposeRun } from '../state/home-runs.js';
import { HostTime } from '../state/host-time.js';
import { WithdrawnTokens } from '../tokens/withdrawn-tokens.js';
import { ComposeOffer } from './compose-offer.js';
import { Renewals } from './renewals.js';

@Injectable()
export class Presence {
  /** Resolves when the broker has taken notice of this host for the first time since the start. */
  readonly noticed: Promise<void>;
  private tellNoticed: () => void = () => undefined;
  private failures = 0;
  private askedMs = PRESENCE_MS_MIN;

  constructor(
    private readonly broker: BrokerClient,
    private readonly composeOffer: ComposeOffer,
    private readonly renewals: Renewals,
    private readonly database: AgentDatabase,
    private readonly time: HostTime,
    private readonly withdrawn: WithdrawnTokens,
    private readonly state: AgentState,
    private readonly reachability: Reachability,
  ) {
    this.noticed = new Promise((resolve) => {
      this.tellNoticed = resolve;
    });
  }

  /** How long to the next one: what the broker asked for, or longer and longer while it does not answer. */
  intervalMs(random: number): number {
    if (this.failures === 0) return Math.min(Math.max(this.askedMs, PRESENCE_MS_MIN), PRESENCE_MS_MAX);
    return backoffMs(this.failures, { minMs: BACKOFF_MS_MIN, maxMs: BACKOFF_MS_MAX }, random);
  }

  async announce(listenPort: number, signal: AbortSignal): Promise<void> {
    const run = await proposeRun(this.database);
    const offer = this.composeOffer.run(listenPort);
    const answer = await this.send(offer, run, signal);
    this.askedMs = answer.nextPresenceMs;
    this.reachability.hear(answer, offer.relayId);
    await this.withdrawn.replace(answer.withdrawn);
    this.tellNoticed();
    await this.database.writes.run(async (db) => {
      await recordContact(db, this.time.nowMs());
      if (answer.epoch !== null) await keepAcknowledged(db, run, answer.epoch);
    });
    this.state.standing.confirm();
    if (answer.renewTransactionKey) await this.renewals.renewTransactionKey(signal);
    if (answer.renewCertificate) await this.renewals.renewCertificate(signal);
  }

  /** The last word of a stopping host: it stores nothing for a while. */
  async takeLeave(signal: AbortSignal): Promise<void> {
    await this.send(null, null, signal);
  }

  private async send(host: HostOffer | null, home: HomeRun | null, signal: AbortSignal) {
    try {
      const answer = await this.broker.presence({ host, home, program: PROGRAM }, { signal });
      this.failures = 0;
      return answer;
    } catch (error) {
      this.failures++;
      if (isRefusal(error, 'home_restored')) this.state.standing.refuse();
      throw error;
    }
  }
}
