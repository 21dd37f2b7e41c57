// Audits without an end (B23, B25): each online host is asked for one random block now and then, and its answers are told
// apart from what is the broker's own fault.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { isRefusal, type PeerId } from '#protocol';
import { AUDIT_TICK_MS, AUDIT_WITNESS_WINDOW_MS, AUDITS_AT_ONCE_MAX } from '../limits.js';
import { type OnlineHost, OnlineHosts } from '../placement/online-hosts.js';
import { Settings } from '../platform/settings.js';
import { askInBatches } from '../probes/ask-in-batches.js';
import { AskAudit } from './ask-audit.js';
import { AuditRecords } from './audit-records.js';
import type { Challenge } from './challenge.js';
import { type AuditableHost, decideAudits } from './decide-audit.js';
import { isBrokerAtFault } from './decide-audit-outcome.js';
import { DrawChallenge, type HeldSum, systemRandom } from './draw-challenge.js';
import { type AskedAudit, judgeAudits } from './judge-audits.js';
import { RecordAudits } from './record-audits.js';

const MINUTE_MS = 60_000;

interface Prepared {
  readonly host: OnlineHost;
  readonly challenge: Challenge;
  readonly heldBytes: number;
}

@Injectable()
export class AuditHosts {
  // At most one each for every enrolled peer.
  private readonly witnesses = new Map<PeerId, { atMs: number; isShown: boolean }>();
  private readonly emptyUntilMs = new Map<PeerId, number>();
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private brokerIsAtFault = false;

  constructor(
    private readonly hosts: OnlineHosts,
    private readonly records: AuditRecords,
    private readonly draw: DrawChallenge,
    private readonly ask: AskAudit,
    private readonly record: RecordAudits,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** The last round failed at so many hosts that the broker doubts itself. */
  get isAtFault(): boolean {
    return this.brokerIsAtFault;
  }

  /** One round: of the online hosts that are due, as many as the policy allows for the time of a round. */
  runDue(): Promise<void> {
    const { policy } = this.settings;
    if (!policy.audits.on || this.ending.signal.aborted) return Promise.resolve();
    const round = this.running
      .then(() => this.round())
      .catch((error: unknown) => {
        if (!isRefusal(error, 'interrupted')) throw error;
      });
    // The next round begins whatever came of this one; whoever asked for this one hears of it.
    this.running = round.catch(() => undefined);
    return round;
  }

  /** No more audits; waits for the end of those under way. Challenges that were not answered stay. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  private async round(): Promise<void> {
    const { audits: policy } = this.settings.policy;
    const nowMs = this.clock.nowMs();
    const due = this.hosts.all().filter(({ peerId }) => this.dueAtMs(peerId) <= nowMs);
    const max = Math.max(1, Math.floor((policy.perMinuteMax * AUDIT_TICK_MS) / MINUTE_MS));
    const chosen = decideAudits(this.weighed(due), { max, random: systemRandom, policy }).map(({ host }) => host);
    const asked = await this.askAll(chosen);
    const others = this.isDoubtful(asked) ? await this.askAll(this.moreWitnesses()) : [];
    await this.judge([...asked, ...others]);
  }

  /** An open challenge is asked whatever else is due; a host that holds nothing is looked at again later. */
  private async askAll(hosts: readonly OnlineHost[]): Promise<AskedAudit[]> {
    const prepared: Prepared[] = [];
    const begun: Challenge[] = [];
    const pointless: PeerId[] = [];
    for (const host of hosts) {
      const held = await this.draw.heldBy(host.peerId);
      const open = this.records.challengeOf(host.peerId);
      const isOpen = open !== undefined && (await this.draw.isStillWanted(open));
      if (open !== undefined && !isOpen) pointless.push(host.peerId);
      const challenge = isOpen ? open : await this.drawFor(host, held);
      if (challenge === null) continue;
      if (!isOpen) begun.push(challenge);
      prepared.push({ host, challenge, heldBytes: held.bytes });
    }
    await this.record.begin(begun, pointless);
    const asked: AskedAudit[] = [];
    await askInBatches(prepared, {
      atOnceMax: AUDITS_AT_ONCE_MAX,
      batchMax: AUDITS_AT_ONCE_MAX,
      ask: (one) => this.askOne(one),
      take: async (answers) => void asked.push(...answers),
    });
    this.witness(asked);
    return asked;
  }

  private async drawFor(host: OnlineHost, held: HeldSum): Promise<Challenge | null> {
    const challenge = await this.draw.run(host.peerId, held);
    if (challenge !== null) return challenge;
    const { perHostPerDay } = this.settings.policy.audits;
    this.emptyUntilMs.set(host.peerId, this.clock.nowMs() + (24 * 60 * MINUTE_MS) / perHostPerDay);
    return null;
  }

  private async askOne({ host, challenge, heldBytes }: Prepared): Promise<AskedAudit> {
    const finding = await this.ask.run(this.hosts.addressOf(host, 'broker'), challenge, this.ending.signal);
    return { challenge, finding, heldBytes };
  }

  private async judge(asked: readonly AskedAudit[]): Promise<void> {
    if (asked.length === 0) return;
    const { audits: policy } = this.settings.policy;
    const nowMs = this.clock.nowMs();
    const isAtFault = isBrokerAtFault(this.recentWitnesses(nowMs), policy);
    this.brokerIsAtFault = isAtFault;
    if (isAtFault) this.log.error({ event: 'audits_at_fault', detail: 'hardly any host shows what it should have' });
    await this.record.run(judgeAudits(asked, { nowMs, isBrokerAtFault: isAtFault, policy }));
  }

  /** By what each held when it was last counted; one that was not counted yet holds a little. */
  private weighed(hosts: readonly OnlineHost[]): (AuditableHost & { readonly host: OnlineHost })[] {
    return hosts.map((host) => ({
      host,
      heldBytes: Math.max(1, this.draw.countedBytes(host.peerId)),
      verdict: this.records.recordOf(host.peerId).verdict,
    }));
  }

  private dueAtMs(peerId: PeerId): number {
    return Math.max(this.records.recordOf(peerId).dueAtMs, this.emptyUntilMs.get(peerId) ?? 0);
  }

  /** Only hosts that were in order can tell of the broker: others may have lost what they are asked for. */
  private witness(asked: readonly AskedAudit[]): void {
    const atMs = this.clock.nowMs();
    for (const { challenge, finding } of asked) {
      if (!this.isInOrder(challenge.hostId)) continue;
      this.witnesses.set(challenge.hostId, { atMs, isShown: finding.kind === 'shown' });
    }
  }

  private recentWitnesses(nowMs: number): { isShown: boolean }[] {
    return [...this.witnesses.values()].filter(({ atMs }) => nowMs - atMs <= AUDIT_WITNESS_WINDOW_MS);
  }

  private isDoubtful(asked: readonly AskedAudit[]): boolean {
    return asked.some(({ finding, challenge }) => finding.kind !== 'shown' && this.isInOrder(challenge.hostId));
  }

  /** Before a host is doubted some others are asked, due or not, unless enough have been asked just now. */
  private moreWitnesses(): OnlineHost[] {
    const nowMs = this.clock.nowMs();
    const isRecent = ({ peerId }: OnlineHost): boolean =>
      nowMs - (this.witnesses.get(peerId)?.atMs ?? Number.NEGATIVE_INFINITY) <= AUDIT_WITNESS_WINDOW_MS;
    const missing = this.settings.policy.audits.faultHostsMin - this.recentWitnesses(nowMs).length;
    if (missing <= 0) return [];
    const others = this.hosts.all().filter((host) => !isRecent(host) && this.isInOrder(host.peerId));
    const { audits: policy } = this.settings.policy;
    return decideAudits(this.weighed(others), { max: missing, random: systemRandom, policy }).map(({ host }) => host);
  }

  private isInOrder(peerId: PeerId): boolean {
    return this.records.recordOf(peerId).verdict === 'ok' && (this.records.challengeOf(peerId)?.unanswered ?? 0) === 0;
  }
}
