// Peers: who is enrolled, and who has been shut out.
import { Module } from '@nestjs/common';
import { AppendOnly } from './append-only.js';
import { LeavePeer } from './leave-peer.js';
import { ListPeers } from './list-peers.js';
import { PeerChanges } from './peer-changes.js';
import { PeerDirectory } from './peer-directory.js';
import { PeersController } from './peers.controller.js';
import { RevokePeer } from './revoke-peer.js';
import { WithdrawnTokensOfPeers } from './withdrawn-tokens.js';

@Module({
  controllers: [PeersController],
  providers: [PeerDirectory, PeerChanges, RevokePeer, LeavePeer, ListPeers, AppendOnly, WithdrawnTokensOfPeers],
  exports: [PeerDirectory, PeerChanges, RevokePeer, LeavePeer, ListPeers, AppendOnly, WithdrawnTokensOfPeers],
})
export class PeersModule {}
