// Enrolment: how a machine becomes a peer.
import { Module } from '@nestjs/common';
import { CaptchaModule } from '../captcha/captcha.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { NamesModule } from '../names/names.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { ApprovalController } from './approval.controller.js';
import { ApproveMachine } from './approve-machine.js';
import { AuthorizeDevice } from './authorize-device.js';
import { DeviceAuthorizationController } from './device-authorization.controller.js';
import { EnrolPeer } from './enrol-peer.js';
import { EnrolmentController } from './enrolment.controller.js';
import { PollDevice } from './poll-device.js';

@Module({
  imports: [CaptchaModule, KeysModule, LedgerModule, NamesModule, PeersModule, SessionsModule],
  controllers: [EnrolmentController, DeviceAuthorizationController, ApprovalController],
  providers: [EnrolPeer, AuthorizeDevice, PollDevice, ApproveMachine],
})
export class EnrolmentModule {}
