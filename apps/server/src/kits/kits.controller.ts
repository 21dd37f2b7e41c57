// POST and GET /v1/kits, POST /v1/kits/{kitId}/withdraw, POST /v1/offline-gets
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import {
  emptyAnswer,
  type KitPath,
  kitPath,
  type ListKitsAnswer,
  listKitsAnswer,
  type MakeKitAnswer,
  type MakeKitRequest,
  makeKitAnswer,
  makeKitRequest,
  type OfflineGetsAnswer,
  type OfflineGetsRequest,
  offlineGetsAnswer,
  offlineGetsRequest,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { BeginOfflineGets } from './begin-offline-gets.js';
import { Kits } from './kits.js';

@Controller('v1')
export class KitsController {
  constructor(
    private readonly kits: Kits,
    private readonly beginOfflineGets: BeginOfflineGets,
  ) {}

  @Post('kits')
  @Answers(makeKitAnswer)
  make(
    @CurrentCaller() caller: Caller,
    @Body({ schema: makeKitRequest }) request: MakeKitRequest,
  ): Promise<MakeKitAnswer> {
    return this.kits.make(caller, request);
  }

  @Get('kits')
  @Answers(listKitsAnswer)
  list(@CurrentCaller() caller: Caller): Promise<ListKitsAnswer> {
    return this.kits.list(caller);
  }

  @Post('kits/:kitId/withdraw')
  @Answers(emptyAnswer)
  async withdraw(
    @CurrentCaller() caller: Caller,
    @Param({ schema: kitPath }) { kitId }: KitPath,
  ): Promise<Record<string, never>> {
    await this.kits.withdraw(caller, kitId);
    return {};
  }

  @Post('offline-gets')
  @Answers(offlineGetsAnswer)
  gets(
    @CurrentCaller() caller: Caller,
    @Body({ schema: offlineGetsRequest }) request: OfflineGetsRequest,
  ): Promise<OfflineGetsAnswer> {
    return this.beginOfflineGets.run(caller, request);
  }
}
