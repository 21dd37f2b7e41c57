// POST /v1/losses
import { Body, Controller, Post } from '@nestjs/common';
import { emptyAnswer, type LossesRequest, lossesRequest } from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { RecordAudits } from './record-audits.js';

@Controller('v1/losses')
export class LossesController {
  constructor(private readonly recordAudits: RecordAudits) {}

  @Post()
  @Answers(emptyAnswer)
  async post(
    @CurrentCaller() caller: Caller,
    @Body({ schema: lossesRequest }) { cids }: LossesRequest,
  ): Promise<Record<string, never>> {
    await this.recordAudits.lost(caller.peer.peerId, cids);
    return {};
  }
}
