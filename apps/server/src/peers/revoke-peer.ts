// Shuts a peer out for good: by a person of its account, or by the operator.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { type AccountId, type PeerId, ProtocolError, reasonField } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { changePeerState } from './change-peer-state.js';
import type { PeerEntity } from './peer.entity.js';
import { PeerDirectory } from './peer-directory.js';

/** By a person of this account, whose peer it must be; or by the operator, who may revoke any. */
export type PeerToRevoke = { readonly peerId: PeerId; readonly reason: string } & (
  | { readonly byAccount: AccountId }
  | { readonly byOperator: true }
);

@Injectable()
export class RevokePeer {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly directory: PeerDirectory,
  ) {}

  /**
   * In force when this resolves: its messages are refused, no token names it, it is no host for new shards, and its
   * transaction keys are destroyed. Hosts are probed soon after, ask, and hear that tokens issued to it are void; others
   * hear with their next presence. Transfers under way end as they would. Again: the same peer, as it was first revoked.
   *
   * throws   peer_unknown, also for a peer of another account | request_invalid for a reason that is none
   */
  async run(revoked: PeerToRevoke): Promise<PeerEntity> {
    const { peerId, reason } = revoked;
    if (!reasonField.safeParse(reason).success) throw new ProtocolError('request_invalid', {}, { detail: 'reason' });
    const ofAccount = 'byAccount' in revoked ? revoked.byAccount : null;
    const by = ofAccount === null ? 'operator' : 'owner';
    const atMs = this.clock.nowMs();
    const row = await this.database.write((db) =>
      changePeerState(db, { peerId, action: 'revoke', by, reason, ofAccount, atMs }),
    );
    if (this.directory.stateChanged(row)) this.log.info({ event: 'peer_revoked', peerId, by });
    return row;
  }
}
