// POST /v1/relays/presence, POST /v1/relays/usage, POST /v1/relay-attachments
import { Body, Controller, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  type RelayAttachmentAnswer,
  type RelayAttachmentRequest,
  type RelayPresenceAnswer,
  type RelayPresenceRequest,
  type RelayUsageAnswer,
  type RelayUsageRequest,
  relayAttachmentAnswer,
  relayAttachmentRequest,
  relayPresenceAnswer,
  relayPresenceRequest,
  relayUsageAnswer,
  relayUsageRequest,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { ForRelaysAlone } from '../control/relay-rights.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { AttachPeer } from './attach-peer.js';
import { RecordRelayPresence } from './record-relay-presence.js';
import { RecordRelayUsage } from './record-relay-usage.js';

@Controller('v1')
export class RelaysController {
  constructor(
    private readonly recordPresence: RecordRelayPresence,
    private readonly recordUsage: RecordRelayUsage,
    private readonly attachPeer: AttachPeer,
    private readonly remoteAddress: RemoteAddress,
  ) {}

  @Post('relays/presence')
  @ForRelaysAlone()
  @Answers(relayPresenceAnswer)
  presence(
    @CurrentCaller() caller: Caller,
    @Body({ schema: relayPresenceRequest }) request: RelayPresenceRequest,
  ): Promise<RelayPresenceAnswer> {
    return this.recordPresence.run(caller, request);
  }

  @Post('relays/usage')
  @ForRelaysAlone()
  @Answers(relayUsageAnswer)
  usage(
    @CurrentCaller() caller: Caller,
    @Body({ schema: relayUsageRequest }) request: RelayUsageRequest,
  ): Promise<RelayUsageAnswer> {
    return this.recordUsage.run(caller, request);
  }

  @Post('relay-attachments')
  @Answers(relayAttachmentAnswer)
  attach(
    @CurrentCaller() caller: Caller,
    @Body({ schema: relayAttachmentRequest }) request: RelayAttachmentRequest,
    @Req() message: FastifyRequest,
  ): Promise<RelayAttachmentAnswer> {
    return this.attachPeer.run(caller, request, this.remoteAddress.ofConnection(message));
  }
}
