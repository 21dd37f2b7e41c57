// GET /v1/admin/relays, GET /v1/admin/relays/{relayId}; POST .../{drain|undrain}
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeOne } from '#database';
import { type AccountId, formatTime, type PeerId, type PeerState, ProtocolError } from '#protocol';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { type AdminCaller, CurrentAdmin } from '../access/admin-caller.js';
import { AdminRoute } from '../access/admin-route.js';
import { MakeChange } from '../changes/make-change.js';
import { type ReasonOnly, reasonOnly } from '../changes/reason-field.js';
import { LiveBroker } from '../live-broker.js';
import { idParam } from '../paging/id-param.js';
import type { Page } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';
import { type ListedRelay, listedRelay, type RelaysQuery, relayPage, relaysQuery } from './relay-answers.js';

const SELECT = `SELECT r.peer_id AS peer_id, p.name AS name, p.account_id AS account_id, p.state AS state, r.address AS address,
  r.port AS port, r.web_port AS web_port, r.region AS region, r.program AS program, r.peers AS peers,
  r.peers_max AS peers_max, r.streams AS streams, r.bytes_per_second AS bytes_per_second, r.is_ending AS is_ending,
  r.seen_at_ms AS seen_at_ms, r.drained_at_ms AS drained_at_ms, r.drain_reason AS drain_reason,
  CAST(r.carried_bytes AS text) AS carried_bytes FROM relays r JOIN peers p ON p.id = r.peer_id`;

@Controller('v1/admin/relays')
export class AdminRelaysController {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly changes: MakeChange,
    private readonly live: LiveBroker,
  ) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: relayPage })
  list(@Query({ schema: relaysQuery }) query: RelaysQuery): Promise<Page<ListedRelay>> {
    const list = {
      select: SELECT,
      filters: [['p.account_id = ?', query.account]],
      order: [{ column: 'r.peer_id', kind: 'text' }],
    } as const;
    const hosts = this.countHosts();
    return readPage<RelayRow, ListedRelay>(this.database.reads, list, query, (row) => this.listedFrom(row, hosts));
  }

  @Get(':relayId')
  @AdminRoute({ role: 'viewer', answers: listedRelay })
  async one(@Param('relayId') relayId: string): Promise<ListedRelay> {
    const row = await findRelay(this.database.reads, idParam<PeerId>(relayId, 'peer_unknown'));
    return this.listedFrom(row, this.countHosts());
  }

  /** It gets no new peers; those that it has leave when their leases end. */
  @Post(':relayId/drain')
  @AdminRoute({ role: 'support', answers: listedRelay, changes: true })
  drain(
    @CurrentAdmin() admin: AdminCaller,
    @Param('relayId') relayId: string,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<ListedRelay> {
    return this.setDrained(admin, idParam<PeerId>(relayId, 'peer_unknown'), { isDrained: true, reason });
  }

  @Post(':relayId/undrain')
  @AdminRoute({ role: 'support', answers: listedRelay, changes: true })
  undrain(
    @CurrentAdmin() admin: AdminCaller,
    @Param('relayId') relayId: string,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<ListedRelay> {
    return this.setDrained(admin, idParam<PeerId>(relayId, 'peer_unknown'), { isDrained: false, reason });
  }

  /** The same again leaves the first time and reason. throws peer_unknown, also for a peer that is no relay */
  private setDrained(
    admin: AdminCaller,
    relayId: PeerId,
    { isDrained, reason }: { readonly isDrained: boolean; readonly reason: string },
  ): Promise<ListedRelay> {
    return this.changes.run(admin, reason, async (db, nowMs) => {
      const isNew = isDrained
        ? await changeOne(
            db,
            'UPDATE relays SET drained_at_ms = $1, drain_reason = $2 WHERE peer_id = $3 AND drained_at_ms IS NULL',
            [nowMs, reason, relayId],
          )
        : await changeOne(
            db,
            `UPDATE relays SET drained_at_ms = NULL, drain_reason = NULL
             WHERE peer_id = $1 AND drained_at_ms IS NOT NULL`,
            [relayId],
          );
      const answer = this.listedFrom(await findRelay(db, relayId), this.countHosts());
      const action = isDrained ? 'relay.drain' : 'relay.undrain';
      return {
        answer,
        logged: isNew ? { action, subject: `relay/${relayId}`, details: {} } : null,
        committed: () => this.live.relays.drained(relayId, isDrained),
      };
    });
  }

  private countHosts(): ReadonlyMap<PeerId, number> {
    const counts = new Map<PeerId, number>();
    for (const { relayId } of this.live.hosts.all()) {
      if (relayId !== null) counts.set(relayId, (counts.get(relayId) ?? 0) + 1);
    }
    return counts;
  }

  private listedFrom(row: RelayRow, hosts: ReadonlyMap<PeerId, number>): ListedRelay {
    return {
      relayId: row.peer_id,
      name: row.name,
      accountId: row.account_id,
      state: row.state,
      isOnline: this.live.relays.find(row.peer_id) !== undefined,
      isEnding: Number(row.is_ending) === 1,
      drainedAt: row.drained_at_ms === null ? null : formatTime(Number(row.drained_at_ms)),
      drainReason: row.drain_reason,
      address: row.address,
      port: Number(row.port),
      webPort: row.web_port === null ? null : Number(row.web_port),
      region: row.region,
      program: row.program,
      peers: Number(row.peers),
      peersMax: Number(row.peers_max),
      hosts: hosts.get(row.peer_id) ?? 0,
      streams: Number(row.streams),
      bytesPerSecond: Number(row.bytes_per_second),
      carriedBytes: row.carried_bytes,
      seenAt: formatTime(Number(row.seen_at_ms)),
    };
  }
}

async function findRelay(db: EntityManager, relayId: PeerId): Promise<RelayRow> {
  const [row] = await db.query<RelayRow[]>(`${SELECT} WHERE r.peer_id = $1`, [relayId]);
  if (row === undefined) throw new ProtocolError('peer_unknown');
  return row;
}

interface RelayRow {
  peer_id: PeerId;
  name: string;
  account_id: AccountId;
  state: PeerState;
  address: string;
  port: number;
  web_port: number | null;
  region: string | null;
  program: string;
  peers: number | string;
  peers_max: number | string;
  streams: number | string;
  bytes_per_second: number | string;
  is_ending: number | string;
  seen_at_ms: number | string;
  drained_at_ms: number | string | null;
  drain_reason: string | null;
  carried_bytes: string;
}
