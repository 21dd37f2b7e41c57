// GET /v1/admin/peers, GET /v1/admin/peers/{peerId}, .../changes; POST .../{suspend|resume|vet|leave|revoke|renew-key}
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { type PeerId, ProtocolError } from '#protocol';
import { type AdminCaller, CurrentAdmin } from '../access/admin-caller.js';
import { hasRole } from '../access/admin-role.js';
import { AdminRoute } from '../access/admin-route.js';
import { type ReasonOnly, reasonOnly } from '../changes/reason-field.js';
import { idParam } from '../paging/id-param.js';
import type { Page } from '../paging/page-query.js';
import { ChangePeer } from './change-peer.js';
import {
  type KeptStateChange,
  type KnownPeerAnswer,
  knownPeer,
  type PeerFacts,
  type PeersQuery,
  peerFacts,
  peerPage,
  peersQuery,
  type StateChangesQuery,
  stateChangePage,
  stateChangesQuery,
} from './peer-answers.js';
import { ReadPeers } from './read-peers.js';

/** A viewer looks at the network, not at where machines stand. */
const TOLD_ADDRESSES = 'support';

@Controller('v1/admin/peers')
export class AdminPeersController {
  constructor(
    private readonly peers: ReadPeers,
    private readonly changePeer: ChangePeer,
  ) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: peerPage })
  list(
    @CurrentAdmin() { key }: AdminCaller,
    @Query({ schema: peersQuery }) query: PeersQuery,
  ): Promise<Page<KnownPeerAnswer>> {
    if (query.network !== undefined && !hasRole(key.role, TOLD_ADDRESSES)) {
      throw new ProtocolError('admin_role_missing', { role: key.role, needed: TOLD_ADDRESSES });
    }
    return this.peers.page(query);
  }

  @Get(':peerId')
  @AdminRoute({ role: 'viewer', answers: peerFacts })
  one(@CurrentAdmin() { key }: AdminCaller, @Param('peerId') peerId: string): Promise<PeerFacts> {
    return this.peers.one(idParam<PeerId>(peerId, 'peer_unknown'), { withAddress: hasRole(key.role, TOLD_ADDRESSES) });
  }

  /** Every change of its state, newest first. */
  @Get(':peerId/changes')
  @AdminRoute({ role: 'viewer', answers: stateChangePage })
  changes(
    @Param('peerId') peerId: string,
    @Query({ schema: stateChangesQuery }) query: StateChangesQuery,
  ): Promise<Page<KeptStateChange>> {
    return this.peers.changes(idParam<PeerId>(peerId, 'peer_unknown'), query);
  }

  @Post(':peerId/suspend')
  @AdminRoute({ role: 'support', answers: knownPeer, changes: true })
  suspend(
    @CurrentAdmin() admin: AdminCaller,
    @Param('peerId') peerId: string,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<KnownPeerAnswer> {
    return this.changePeer.state(admin, idParam<PeerId>(peerId, 'peer_unknown'), 'suspend', reason);
  }

  @Post(':peerId/resume')
  @AdminRoute({ role: 'support', answers: knownPeer, changes: true })
  resume(
    @CurrentAdmin() admin: AdminCaller,
    @Param('peerId') peerId: string,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<KnownPeerAnswer> {
    return this.changePeer.state(admin, idParam<PeerId>(peerId, 'peer_unknown'), 'resume', reason);
  }

  /** Its probation is over. */
  @Post(':peerId/vet')
  @AdminRoute({ role: 'operator', answers: knownPeer, changes: true })
  vet(
    @CurrentAdmin() admin: AdminCaller,
    @Param('peerId') peerId: string,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<KnownPeerAnswer> {
    return this.changePeer.state(admin, idParam<PeerId>(peerId, 'peer_unknown'), 'vet', reason);
  }

  /** It gets no new shards, and those that it has are moved away. Undone by resuming it. */
  @Post(':peerId/leave')
  @AdminRoute({ role: 'support', answers: knownPeer, changes: true })
  leave(
    @CurrentAdmin() admin: AdminCaller,
    @Param('peerId') peerId: string,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<KnownPeerAnswer> {
    return this.changePeer.state(admin, idParam<PeerId>(peerId, 'peer_unknown'), 'leave', reason);
  }

  /** For good: its keys are destroyed. */
  @Post(':peerId/revoke')
  @AdminRoute({ role: 'operator', answers: knownPeer, changes: true })
  revoke(
    @CurrentAdmin() admin: AdminCaller,
    @Param('peerId') peerId: string,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<KnownPeerAnswer> {
    return this.changePeer.state(admin, idParam<PeerId>(peerId, 'peer_unknown'), 'revoke', reason);
  }

  /** The peer hears with its next presence, and takes another transaction key. */
  @Post(':peerId/renew-key')
  @AdminRoute({ role: 'support', answers: knownPeer, changes: true })
  renewKey(
    @CurrentAdmin() admin: AdminCaller,
    @Param('peerId') peerId: string,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<KnownPeerAnswer> {
    return this.changePeer.renewKey(admin, idParam<PeerId>(peerId, 'peer_unknown'), reason);
  }
}
