// Transaction keys: storage, renewal, and the tokens that are sealed with them.
import { Module } from '@nestjs/common';
import { PeersModule } from '../peers/peers.module.js';
import { KeyPool, KeySource, SystemKeySource } from './key-pool.js';
import { RenewTransactionKey } from './renew-transaction-key.js';
import { TokenIssuer } from './token-issuer.js';
import { TransactionCounts } from './transaction-counts.js';
import { TransactionKeysController } from './transaction-keys.controller.js';
import { TransactionKeys } from './transaction-keys.js';

@Module({
  imports: [PeersModule],
  controllers: [TransactionKeysController],
  providers: [
    { provide: KeySource, useClass: SystemKeySource },
    KeyPool,
    TransactionKeys,
    TransactionCounts,
    TokenIssuer,
    RenewTransactionKey,
  ],
  exports: [KeyPool, TransactionKeys, TransactionCounts, TokenIssuer],
})
export class KeysModule {}
