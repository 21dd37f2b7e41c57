// GET /v1/peers, POST /v1/peers/{peerId}/{revoke|leave|stay|append-only}
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import {
  isUuidV7,
  type LeavePeerRequest,
  type ListedPeer,
  type ListPeersAnswer,
  type ListPeersQuery,
  leavePeerRequest,
  listedPeer,
  listPeersAnswer,
  listPeersQuery,
  type PeerId,
  ProtocolError,
  type RevokePeerRequest,
  revokePeerRequest,
  type SetAppendOnlyRequest,
  setAppendOnlyRequest,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { AppendOnly } from './append-only.js';
import { LeavePeer } from './leave-peer.js';
import { ListPeers, listedPeerFrom } from './list-peers.js';
import { RevokePeer } from './revoke-peer.js';

@Controller('v1/peers')
export class PeersController {
  constructor(
    private readonly listPeers: ListPeers,
    private readonly revokePeer: RevokePeer,
    private readonly leavePeer: LeavePeer,
    private readonly appendOnly: AppendOnly,
  ) {}

  @Get()
  @Answers(listPeersAnswer)
  list(
    @CurrentCaller() { peer }: Caller,
    @Query({ schema: listPeersQuery }) query: ListPeersQuery,
  ): Promise<ListPeersAnswer> {
    return this.listPeers.run(peer.accountId, query);
  }

  @Post(':peerId/revoke')
  @Answers(listedPeer)
  async revoke(
    @CurrentCaller() { peer }: Caller,
    @Param('peerId') peerId: string,
    @Body({ schema: revokePeerRequest }) { reason }: RevokePeerRequest,
  ): Promise<ListedPeer> {
    if (!isUuidV7(peerId)) throw new ProtocolError('peer_unknown');
    if (peerId === peer.peerId) {
      const detail = 'a peer does not revoke itself: use another machine of the account';
      throw new ProtocolError('request_invalid', {}, { detail });
    }
    return listedPeerFrom(await this.revokePeer.run({ peerId: peerId as PeerId, byAccount: peer.accountId, reason }));
  }

  @Post(':peerId/leave')
  @Answers(listedPeer)
  async leave(
    @CurrentCaller() { peer }: Caller,
    @Param('peerId') peerId: string,
    @Body({ schema: leavePeerRequest }) { reason }: LeavePeerRequest,
  ): Promise<ListedPeer> {
    if (!isUuidV7(peerId)) throw new ProtocolError('peer_unknown');
    return listedPeerFrom(await this.leavePeer.leave({ peerId: peerId as PeerId, byAccount: peer.accountId, reason }));
  }

  @Post(':peerId/stay')
  @Answers(listedPeer)
  async stay(
    @CurrentCaller() { peer }: Caller,
    @Param('peerId') peerId: string,
    @Body({ schema: leavePeerRequest }) { reason }: LeavePeerRequest,
  ): Promise<ListedPeer> {
    if (!isUuidV7(peerId)) throw new ProtocolError('peer_unknown');
    return listedPeerFrom(await this.leavePeer.stay({ peerId: peerId as PeerId, byAccount: peer.accountId, reason }));
  }

  @Post(':peerId/append-only')
  @Answers(listedPeer)
  async setAppendOnly(
    @CurrentCaller() { peer }: Caller,
    @Param('peerId') peerId: string,
    @Body({ schema: setAppendOnlyRequest }) _request: SetAppendOnlyRequest,
  ): Promise<ListedPeer> {
    if (!isUuidV7(peerId)) throw new ProtocolError('peer_unknown');
    return listedPeerFrom(await this.appendOnly.set({ peerId: peerId as PeerId, byAccount: peer.accountId }));
  }
}
