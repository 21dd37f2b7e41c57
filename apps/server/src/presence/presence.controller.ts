// POST /v1/presence, GET /v1/peers/me
import { Body, Controller, Get, Ip, Post } from '@nestjs/common';
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
import { RecordPresence } from './record-presence.js';
import { TellPeerStatus } from './tell-peer-status.js';

@Controller('v1')
export class PresenceController {
  constructor(
    private readonly recordPresence: RecordPresence,
    private readonly tellPeerStatus: TellPeerStatus,
  ) {}

  @Post('presence')
  @Answers(presenceAnswer)
  presence(
    @CurrentCaller() caller: Caller,
    @Body({ schema: presenceRequest }) request: PresenceRequest,
    @Ip() remoteAddress: string,
  ): Promise<PresenceAnswer> {
    return this.recordPresence.run(caller, request, remoteAddress);
  }

  @Get('peers/me')
  @Answers(peerStatusAnswer)
  status(@CurrentCaller() caller: Caller): Promise<PeerStatusAnswer> {
    return this.tellPeerStatus.run(caller);
  }
}
