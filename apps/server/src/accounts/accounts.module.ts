// Accounts: who owns objects and credit, and how people sign in to them.
import { Module } from '@nestjs/common';
import { CaptchaModule } from '../captcha/captcha.module.js';
import { EscrowModule } from '../escrow/escrow.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { AccountController } from './account.controller.js';
import { ChangePassword } from './change-password.js';
import { ConfirmRegistration } from './confirm-registration.js';
import { MailLimits } from './mail-limits.js';
import { OpenAccount } from './open-account.js';
import { Passwords } from './passwords.js';
import { RecoveryKeyController } from './recovery-key.controller.js';
import { RegisterAccount } from './register-account.js';
import { RegistrationController } from './registration.controller.js';
import { ResetController } from './reset.controller.js';
import { ResetPassword } from './reset-password.js';
import { SetRecoveryKey } from './set-recovery-key.js';
import { SignInController } from './sign-in.controller.js';
import { SignIn } from './sign-in.js';
import { SignInLimits } from './sign-in-limits.js';

@Module({
  imports: [CaptchaModule, EscrowModule, LedgerModule, PeersModule, SessionsModule],
  controllers: [AccountController, RecoveryKeyController, RegistrationController, ResetController, SignInController],
  providers: [
    ChangePassword,
    ConfirmRegistration,
    MailLimits,
    OpenAccount,
    Passwords,
    RegisterAccount,
    ResetPassword,
    SetRecoveryKey,
    SignIn,
    SignInLimits,
  ],
})
export class AccountsModule {}
