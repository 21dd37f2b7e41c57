// GET /v1/repairs/own, POST /v1/repairs/begin, POST /v1/repairs/end
import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import {
  type BeginRepairAnswer,
  type BeginRepairRequest,
  beginRepairAnswer,
  beginRepairRequest,
  type EndRepairRequest,
  emptyAnswer,
  endRepairRequest,
  type OwnRepairsAnswer,
  type OwnRepairsQuery,
  ownRepairsAnswer,
  ownRepairsQuery,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { BeginRepair } from './begin-repair.js';
import { EndRepair } from './end-repair.js';
import { OwnRepairs } from './own-repairs.js';

@Controller('v1/repairs')
export class RepairsController {
  constructor(
    private readonly ownRepairs: OwnRepairs,
    private readonly beginRepair: BeginRepair,
    private readonly endRepair: EndRepair,
  ) {}

  @Get('own')
  @Answers(ownRepairsAnswer)
  own(
    @CurrentCaller() caller: Caller,
    @Query({ schema: ownRepairsQuery }) query: OwnRepairsQuery,
  ): Promise<OwnRepairsAnswer> {
    return this.ownRepairs.run(caller, query);
  }

  @Post('begin')
  @Answers(beginRepairAnswer)
  begin(
    @CurrentCaller() caller: Caller,
    @Body({ schema: beginRepairRequest }) request: BeginRepairRequest,
  ): Promise<BeginRepairAnswer> {
    return this.beginRepair.run(caller, request);
  }

  @Post('end')
  @Answers(emptyAnswer)
  async end(
    @CurrentCaller() caller: Caller,
    @Body({ schema: endRepairRequest }) request: EndRepairRequest,
  ): Promise<Record<string, never>> {
    await this.endRepair.run(caller, request);
    return {};
  }
}
