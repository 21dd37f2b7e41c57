// POST /v1/keep-filter
import { Body, Controller, Post } from '@nestjs/common';
import { type KeepFilterAnswer, type KeepFilterRequest, keepFilterAnswer, keepFilterRequest } from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { MakeKeepFilter } from './make-keep-filter.js';

@Controller('v1/keep-filter')
export class KeepFilterController {
  constructor(private readonly makeKeepFilter: MakeKeepFilter) {}

  @Post()
  @Answers(keepFilterAnswer)
  make(
    @CurrentCaller() { peer }: Caller,
    @Body({ schema: keepFilterRequest }) request: KeepFilterRequest,
  ): Promise<KeepFilterAnswer> {
    return this.makeKeepFilter.run(peer.peerId, request);
  }
}
