// POST /v1/transaction-keys
import { Body, Controller, Post } from '@nestjs/common';
import { type RenewTransactionKeyAnswer, renewTransactionKeyAnswer, renewTransactionKeyRequest } from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { ForRelaysToo } from '../control/relay-rights.js';
import { RenewTransactionKey } from './renew-transaction-key.js';

@Controller('v1/transaction-keys')
export class TransactionKeysController {
  constructor(private readonly renew: RenewTransactionKey) {}

  @Post()
  @ForRelaysToo()
  @Answers(renewTransactionKeyAnswer)
  post(
    @CurrentCaller() caller: Caller,
    @Body({ schema: renewTransactionKeyRequest }) _request: unknown,
  ): Promise<RenewTransactionKeyAnswer> {
    return this.renew.run(caller);
  }
}
