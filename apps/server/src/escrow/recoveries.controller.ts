// POST /v1/escrow-recoveries, and /claim and /cancel of one
import { Body, Controller, Param, Post } from '@nestjs/common';
import {
  askRecoveryRequest,
  type ClaimRecoveryAnswer,
  cancelRecoveryRequest,
  claimRecoveryAnswer,
  claimRecoveryRequest,
  type EscrowRecovery,
  emptyAnswer,
  escrowRecovery,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { RecoverEscrow } from './recover-escrow.js';

@Controller('v1/escrow-recoveries')
export class RecoveriesController {
  constructor(private readonly recover: RecoverEscrow) {}

  @Post()
  @Answers(escrowRecovery)
  ask(
    @CurrentCaller() caller: Caller,
    @Body({ schema: askRecoveryRequest }) _request: unknown,
  ): Promise<EscrowRecovery> {
    return this.recover.ask(caller);
  }

  @Post(':recoveryId/claim')
  @Answers(claimRecoveryAnswer)
  claim(
    @CurrentCaller() caller: Caller,
    @Param('recoveryId') recoveryId: string,
    @Body({ schema: claimRecoveryRequest }) _request: unknown,
  ): Promise<ClaimRecoveryAnswer> {
    return this.recover.claim(caller, recoveryId);
  }

  @Post(':recoveryId/cancel')
  @Answers(emptyAnswer)
  async cancel(
    @CurrentCaller() { peer }: Caller,
    @Param('recoveryId') recoveryId: string,
    @Body({ schema: cancelRecoveryRequest }) _request: unknown,
  ): Promise<Record<string, never>> {
    await this.recover.cancel(recoveryId, peer);
    return {};
  }
}
