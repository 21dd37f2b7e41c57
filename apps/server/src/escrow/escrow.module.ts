// Escrow: a master key that its owner chose to leave with the broker, and how it comes back.
import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { EscrowController } from './escrow.controller.js';
import { EscrowSecret } from './escrow-secret.js';
import { KeepEscrow } from './keep-escrow.js';
import { RecoverEscrow } from './recover-escrow.js';
import { RecoveriesController } from './recoveries.controller.js';
import { RecoveryPageController } from './recovery-page.controller.js';
import { TellEscrow } from './tell-escrow.js';
import { WaitingTime } from './waiting-time.js';

@Module({
  imports: [SessionsModule],
  controllers: [EscrowController, RecoveriesController, RecoveryPageController],
  providers: [EscrowSecret, KeepEscrow, RecoverEscrow, TellEscrow, WaitingTime],
  exports: [TellEscrow, WaitingTime],
})
export class EscrowModule {}
