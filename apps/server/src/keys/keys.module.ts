// Transaction keys: storage, renewal, and the tokens that are sealed with them.
import { Module } from '@nestjs/common';
import { RenewTransactionKey } from './renew-transaction-key.js';
import { TokenIssuer } from './token-issuer.js';
import { TransactionKeysController } from './transaction-keys.controller.js';
import { TransactionKeys } from './transaction-keys.js';

@Module({
  controllers: [TransactionKeysController],
  providers: [TransactionKeys, TokenIssuer, RenewTransactionKey],
  exports: [TransactionKeys, TokenIssuer],
})
export class KeysModule {}
