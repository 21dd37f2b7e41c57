// Control messages: who may speak, how answers are signed, how errors leave.
import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { KeysModule } from '../keys/keys.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { RefusalsModule } from '../refusals/refusals.module.js';
import { AuthenticateMessage } from './authenticate-message.js';
import { MessageGuard } from './message.guard.js';
import { ProblemFilter } from './problem.filter.js';
import { validationPipe } from './validation.js';

@Module({
  imports: [KeysModule, PeersModule, RefusalsModule],
  providers: [
    AuthenticateMessage,
    { provide: APP_GUARD, useClass: MessageGuard },
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_PIPE, useFactory: validationPipe },
  ],
})
export class ControlModule {}
