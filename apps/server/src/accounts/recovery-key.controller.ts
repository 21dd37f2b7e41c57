// POST /v1/recovery-key
import { Body, Controller, Post } from '@nestjs/common';
import { emptyAnswer, type SetRecoveryKeyRequest, setRecoveryKeyRequest } from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { SetRecoveryKey } from './set-recovery-key.js';

@Controller('v1/recovery-key')
export class RecoveryKeyController {
  constructor(private readonly setRecoveryKey: SetRecoveryKey) {}

  @Post()
  @Answers(emptyAnswer)
  post(
    @CurrentCaller() caller: Caller,
    @Body({ schema: setRecoveryKeyRequest }) request: SetRecoveryKeyRequest,
  ): Promise<Record<string, never>> {
    return this.setRecoveryKey.run(caller, request);
  }
}
