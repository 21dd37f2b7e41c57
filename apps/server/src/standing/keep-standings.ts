// Ends the probation of hosts that have shown enough, and lets those go that were leaving and hold nothing any more.
import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull, LessThanOrEqual, MoreThan, Not } from 'typeorm';
import { Clock, Log } from '#process';
import type { PeerId } from '#protocol';
import { AuditStandings } from '../audits/audit-standing.js';
import { PEERS_CHANGED_AT_ONCE_MAX } from '../limits.js';
import { changePeerState, type PeerStateChange } from '../peers/change-peer-state.js';
import { hasLeft, isProbationOver } from '../peers/decide-vetting.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { HostReputation } from '../reputation/host-reputation.js';
import { SampleUptime } from './sample-uptime.js';

const DAY_MS = 24 * 60 * 60_000;

@Injectable()
export class KeepStandings {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly directory: PeerDirectory,
    private readonly reputation: HostReputation,
    private readonly audits: AuditStandings,
    private readonly uptime: SampleUptime,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async run(): Promise<void> {
    this.uptime.run();
    await this.reputation.keep();
    await this.endProbations();
    await this.endDepartures();
  }

  private async endProbations(): Promise<void> {
    const { vetting } = this.settings.policy;
    const nowMs = this.clock.nowMs();
    const where = {
      state: 'vetting',
      address: Not(IsNull()),
      createdAtMs: LessThanOrEqual(nowMs - vetting.days * DAY_MS),
    } as const;
    await this.eachPage(where, async (peers) => {
      const over = peers.filter(({ id, createdAtMs }) => {
        const { passed, isGood } = this.audits.auditStandingOf(id);
        const host = {
          enrolledAtMs: createdAtMs,
          uptime: this.reputation.uptimeOf(id),
          answers: this.reputation.answersOf(id),
          auditsPassed: passed,
          isInGoodStanding: isGood,
        };
        return isProbationOver(host, vetting, nowMs);
      });
      await this.change(over, { action: 'vet', code: 'probation_ended' }, async () => true);
    });
  }

  private async endDepartures(): Promise<void> {
    const { days } = this.settings.policy.leaving;
    const nowMs = this.clock.nowMs();
    await this.eachPage({ state: 'leaving' } as const, async (peers) => {
      await this.change(peers, { action: 'finish', code: 'nothing_held' }, async (db, { id, stateChangedAtMs }) => {
        const leavingSinceMs = stateChangedAtMs ?? nowMs;
        return hasLeft({ leavingSinceMs, holds: await countWanted(db, id) }, days, nowMs);
      });
    });
  }

  private async eachPage(
    where: { readonly state: PeerEntity['state'] },
    use: (peers: readonly PeerEntity[]) => Promise<void>,
  ): Promise<void> {
    let after: PeerId | null = null;
    do {
      const page: PeerEntity[] = await this.database.reads.find(PeerEntity, {
        where: { ...where, ...(after === null ? {} : { id: MoreThan(after) }) },
        order: { id: 'ASC' },
        take: PEERS_CHANGED_AT_ONCE_MAX,
      });
      await use(page);
      after = page.length < PEERS_CHANGED_AT_ONCE_MAX ? null : page.at(-1)!.id;
    } while (after !== null);
  }

  private async change(
    peers: readonly PeerEntity[],
    change: Pick<PeerStateChange, 'action' | 'code'>,
    isDue: (db: EntityManager, peer: PeerEntity) => Promise<boolean>,
  ): Promise<void> {
    if (peers.length === 0) return;
    const atMs = this.clock.nowMs();
    const changed = await this.database.write(async (db) => {
      const rows: PeerEntity[] = [];
      for (const peer of peers) {
        const now = await db.findOneByOrFail(PeerEntity, { id: peer.id });
        // Somebody may have decided otherwise since the page was read.
        if (now.state !== peer.state || !(await isDue(db, now))) continue;
        rows.push(
          await changePeerState(db, { ...change, peerId: peer.id, by: 'broker', reason: '', ofAccount: null, atMs }),
        );
      }
      return rows;
    });
    for (const row of changed) {
      if (this.directory.stateChanged(row)) this.log.info({ event: 'peer_state', peerId: row.id, state: row.state });
    }
  }
}

/** Shards of objects that are not deleted, stored there or on their way, and contents of groups. */
async function countWanted(db: EntityManager, hostId: PeerId): Promise<number> {
  const [row] = await db.query<{ shards: number | string; contents: number | string }[]>(
    `SELECT (SELECT COUNT(*) FROM shards s JOIN objects o ON o.id = s.object_id
         WHERE s.host_id = $1 AND o.deleted_at_ms IS NULL) AS shards,
       (SELECT COUNT(*) FROM group_contents WHERE host_id = $2) AS contents`,
    [hostId, hostId],
  );
  return Number(row?.shards ?? 0) + Number(row?.contents ?? 0);
}
