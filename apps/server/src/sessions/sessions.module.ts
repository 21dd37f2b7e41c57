// Sessions: browsers of people who signed in.
import { Module } from '@nestjs/common';
import { SessionGuard } from './session.guard.js';
import { Sessions } from './sessions.js';

@Module({ providers: [Sessions, SessionGuard], exports: [Sessions, SessionGuard] })
export class SessionsModule {}
