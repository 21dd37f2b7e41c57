// Writes down what audits came to, all in one unit: scores, open challenges, shards that are lost, hosts that are suspended.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, Log } from '#process';
import type { ContentId, PeerId } from '#protocol';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { LoseShards } from '../transactions/lose-shards.js';
import { placeKey } from '../transactions/wanted-elsewhere.js';
import { AuditRecords, type RecordedAudit } from './audit-records.js';
import type { Challenge } from './challenge.js';
import { systemRandom } from './draw-challenge.js';
import { heldContents } from './held-contents.js';
import { type JudgedAudit, recordAfterAudit } from './judge-audits.js';
import { suspendHost } from './suspend-host.js';

@Injectable()
export class RecordAudits {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly records: AuditRecords,
    private readonly lose: LoseShards,
    private readonly directory: PeerDirectory,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly metrics: BrokerMetrics,
  ) {}

  /** pointless   hosts whose open challenge is about what is not to be there any more */
  async begin(challenges: readonly Challenge[], pointless: readonly PeerId[]): Promise<void> {
    if (pointless.length > 0) {
      await this.database.write((db) => this.records.drop(db, pointless));
      this.records.dropped(pointless);
    }
    await this.records.begin(challenges);
  }

  async run(judged: readonly JudgedAudit[]): Promise<void> {
    await this.write(async (db, nowMs) => {
      const excused = await this.excused(db, judged);
      const counted = judged.filter(({ challenge }) => !excused.has(challenge.hostId));
      const lost = counted.filter(({ outcome }) => outcome === 'failed').map(({ challenge }) => challenge);
      await this.lose.run(db, lost, nowMs);
      return { counted, dropped: [...excused] };
    });
    for (const one of judged) this.tell(one);
  }

  /**
   * A host says by itself that it has these no more. That is no failure: the disks of honest hosts rot. But whoever is
   * asked for a block and then says so has failed, or no host that dropped everything would ever fail.
   */
  async lost(hostId: PeerId, cids: readonly ContentId[]): Promise<void> {
    let shards = 0;
    await this.write(async (db, nowMs) => {
      const open = this.records.challengeOf(hostId);
      const isAsked = open !== undefined && cids.includes(open.cid) && (await heldContents(db, [open])).size > 0;
      const finding = { kind: 'missing', code: 'shard_corrupt' } as const;
      const counted = isAsked ? [{ challenge: open, finding, heldBytes: 1, outcome: 'failed' as const }] : [];
      const contents = cids.map((cid) => ({ hostId, cid }));
      shards = (await this.lose.run(db, contents, nowMs)).length;
      return { counted, dropped: [] };
    });
    this.log.info({ event: 'shards_lost', peerId: hostId, shards });
  }

  private async write(
    unit: (
      db: EntityManager,
      nowMs: number,
    ) => Promise<{ counted: readonly JudgedAudit[]; dropped: readonly PeerId[] }>,
  ): Promise<void> {
    const nowMs = this.clock.nowMs();
    const { audits, dropped, suspended } = await this.database.write(async (db) => {
      const { counted, dropped } = await unit(db, nowMs);
      const audits = counted.map((one) => this.recordOf(one, nowMs));
      await this.records.record(db, audits, nowMs);
      await this.records.drop(db, dropped);
      const suspended = [];
      for (const { record, outcome } of audits) {
        // Only a failure suspends: whom the operator has let back in is judged by what it does from then on.
        if (outcome !== 'failed' || record.verdict !== 'suspend') continue;
        suspended.push(await suspendHost(db, record.hostId, nowMs));
      }
      return { audits, dropped, suspended };
    });
    this.records.recorded(audits);
    this.records.dropped(dropped);
    for (const row of suspended) {
      if (this.directory.stateChanged(row)) this.log.warn({ event: 'host_suspended', peerId: row.id, by: 'audits' });
    }
  }

  /** Whoever failed to show what was deleted, moved or given up meanwhile has failed nothing. */
  private async excused(db: EntityManager, judged: readonly JudgedAudit[]): Promise<ReadonlySet<PeerId>> {
    const failed = judged.filter(({ outcome }) => outcome === 'failed').map(({ challenge }) => challenge);
    const held = await heldContents(db, failed);
    return new Set(failed.filter((challenge) => !held.has(placeKey(challenge))).map(({ hostId }) => hostId));
  }

  private recordOf(judged: JudgedAudit, nowMs: number): RecordedAudit {
    const before = this.records.recordOf(judged.challenge.hostId);
    return recordAfterAudit(before, judged, { nowMs, random: systemRandom, policy: this.settings.policy.audits });
  }

  private tell({ challenge, finding, outcome }: JudgedAudit): void {
    this.metrics.audits.inc({ outcome });
    if (outcome === 'ok' || outcome === 'offline') return;
    const { hostId, cid, block, unanswered } = challenge;
    const code = finding.kind === 'shown' ? null : finding.code;
    this.log.warn({ event: 'audit', outcome, peerId: hostId, cid, block, unanswered, code });
  }
}
