// GET /v1/redundancy
import { Controller, Get, Query } from '@nestjs/common';
import { type Redundancy, type RedundancyQuery, redundancyAnswer, redundancyQuery } from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { TellRedundancy } from './tell-redundancy.js';

@Controller('v1/redundancy')
export class RedundancyController {
  constructor(private readonly tellRedundancy: TellRedundancy) {}

  @Get()
  @Answers(redundancyAnswer)
  get(
    @CurrentCaller() caller: Caller,
    @Query({ schema: redundancyQuery }) { durability, ...wishes }: RedundancyQuery,
  ): Promise<Redundancy> {
    return this.tellRedundancy.run(caller.peer.peerId, { durability, wishes });
  }
}
