// Accounts: who owns objects and credit.
import { Module } from '@nestjs/common';
import { RecoveryKeyController } from './recovery-key.controller.js';
import { SetRecoveryKey } from './set-recovery-key.js';

@Module({ controllers: [RecoveryKeyController], providers: [SetRecoveryKey] })
export class AccountsModule {}
