// POST /v1/presence, GET /v1/peers/me
import { Body, Controller, Get, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  type PeerStatusAnswer,
  type PresenceAnswer,
  type PresenceRequest,
  peerStatusAnswer,
  presenceAnswer,
  presenceRequest,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { ForRelaysToo } from '../control/relay-rights.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { RecordPresence } from './record-presence.js';
import { TellPeerStatus } from './tell-peer-status.js';

@Controller('v1')
export class PresenceController {
  constructor(
    private readonly recordPresence: RecordPresence,
    private readonly tellPeerStatus: TellPeerStatus,
    private readonly remoteAddress: RemoteAddress,
  ) {}

  @Post('presence')
  @Answers(presenceAnswer)
  presence(
    @CurrentCaller() caller: Caller,
    @Body({ schema: presenceRequest }) request: PresenceRequest,
    @Req() message: FastifyRequest,
  ): Promise<PresenceAnswer> {
    return this.recordPresence.run(caller, request, this.remoteAddress.ofConnection(message));
  }

  @Get('peers/me')
  @ForRelaysToo()
  @Answers(peerStatusAnswer)
  status(@CurrentCaller() caller: Caller): Promise<PeerStatusAnswer> {
    return this.tellPeerStatus.run(caller);
  }
}
