// Notices what another process changed about peers: the operator's command works beside the running broker.
import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import { Log } from '#process';
import { CHANGES_READ_AT_ONCE_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { PeerEntity } from './peer.entity.js';
import { PeerDirectory } from './peer-directory.js';

@Injectable()
export class PeerChanges {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly directory: PeerDirectory,
    private readonly log: Log,
  ) {}

  /** One read of one index when nothing changed. */
  async notice(): Promise<void> {
    let changed: PeerEntity[];
    do {
      changed = await this.database.reads.find(PeerEntity, {
        where: { stateRevision: MoreThan(this.directory.noticedRevision) },
        order: { stateRevision: 'ASC' },
        take: CHANGES_READ_AT_ONCE_MAX,
      });
      for (const row of changed) {
        if (this.directory.stateChanged(row)) {
          this.log.info({ event: 'peer_state_noticed', peerId: row.id, state: row.state });
        }
        this.directory.noticed(row.stateRevision);
      }
    } while (changed.length === CHANGES_READ_AT_ONCE_MAX);
  }
}
