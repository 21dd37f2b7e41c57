// The names of peers.
import { Module } from '@nestjs/common';
import { PeerNames } from './peer-names.js';

@Module({ providers: [PeerNames], exports: [PeerNames] })
export class NamesModule {}
