// POST /account/escrow/stop: a person stops a recovery from the account page
import { Post, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { isRefusal } from '#protocol';
import { SessionGuard } from '../sessions/session.guard.js';
import { CurrentSession, type Session } from '../sessions/session.js';
import { type Fields, SubmittedForm } from '../web/form-fields.js';
import { seeOther } from '../web/page.js';
import { WebController } from '../web/web-controller.js';
import { RecoverEscrow } from './recover-escrow.js';

@WebController('account/escrow')
@UseGuards(SessionGuard)
export class RecoveryPageController {
  constructor(private readonly recover: RecoverEscrow) {}

  /** Stopping takes nothing from anybody, so no fresh sign-in is asked for. throws escrow_recovery_unknown */
  @Post('stop')
  async stop(
    @CurrentSession() { accountId }: Session,
    @SubmittedForm() { recovery = '' }: Fields,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    try {
      await this.recover.cancel(recovery, { accountId, peerId: null });
      seeOther(reply, '/account?done=recovery');
    } catch (error) {
      if (!isRefusal(error, 'escrow_recovery_given')) throw error;
      seeOther(reply, '/account?done=recovery-too-late');
    }
  }
}
