// Peers: who is enrolled.
import { Module } from '@nestjs/common';
import { PeerDirectory } from './peer-directory.js';

@Module({ providers: [PeerDirectory], exports: [PeerDirectory] })
export class PeersModule {}
