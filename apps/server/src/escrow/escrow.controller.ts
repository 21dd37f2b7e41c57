// POST /v1/escrow-keys, /v1/escrow, /v1/escrow-removals; GET /v1/escrow
import { Body, Controller, Get, Post } from '@nestjs/common';
import {
  type AskEscrowKeyAnswer,
  askEscrowKeyAnswer,
  askEscrowKeyRequest,
  type EscrowStatusAnswer,
  emptyAnswer,
  escrowStatusAnswer,
  removeEscrowRequest,
  type StoreEscrowRequest,
  storeEscrowRequest,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { KeepEscrow } from './keep-escrow.js';
import { TellEscrow } from './tell-escrow.js';

@Controller('v1')
export class EscrowController {
  constructor(
    private readonly keep: KeepEscrow,
    private readonly tell: TellEscrow,
  ) {}

  @Get('escrow')
  @Answers(escrowStatusAnswer)
  status(@CurrentCaller() { peer }: Caller): Promise<EscrowStatusAnswer> {
    return this.tell.run(peer.accountId);
  }

  @Post('escrow-keys')
  @Answers(askEscrowKeyAnswer)
  askKey(
    @CurrentCaller() caller: Caller,
    @Body({ schema: askEscrowKeyRequest }) _request: unknown,
  ): Promise<AskEscrowKeyAnswer> {
    return this.keep.askKey(caller);
  }

  @Post('escrow')
  @Answers(emptyAnswer)
  store(
    @CurrentCaller() caller: Caller,
    @Body({ schema: storeEscrowRequest }) request: StoreEscrowRequest,
  ): Promise<Record<string, never>> {
    return this.keep.store(caller, request);
  }

  @Post('escrow-removals')
  @Answers(emptyAnswer)
  remove(
    @CurrentCaller() caller: Caller,
    @Body({ schema: removeEscrowRequest }) _request: unknown,
  ): Promise<Record<string, never>> {
    return this.keep.remove(caller);
  }
}
