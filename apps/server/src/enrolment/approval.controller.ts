// GET and POST /enrol and /enrol/machine: where a person who is signed in approves a machine
import { Get, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { CaptchaProvider } from '../captcha/captcha-provider.js';
import { FRESH_SIGN_IN_MS } from '../limits.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { SessionGuard } from '../sessions/session.guard.js';
import { CurrentSession, type Session } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.js';
import { type Fields, SubmittedForm } from '../web/form-fields.js';
import { seeOther, sendPage } from '../web/page.js';
import { WebController } from '../web/web-controller.js';
import { type CodeFault, codePage, decidedPage, machinePage } from './approval-pages.js';
import { ApproveMachine } from './approve-machine.js';
import type { DeviceGrantEntity } from './device-grant.entity.js';
import { parseUserCode } from './user-code.js';

const FORM = 'enrol';

@WebController('enrol')
@UseGuards(SessionGuard)
export class ApprovalController {
  constructor(
    private readonly approve: ApproveMachine,
    private readonly captcha: CaptchaProvider,
    private readonly clock: Clock,
    private readonly remoteAddress: RemoteAddress,
    private readonly sessions: Sessions,
  ) {}

  @Get()
  async askCode(
    @CurrentSession() session: Session,
    @Query('code') code: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.sendCodePage(reply, { session, request, code: codeOf(code) ?? '', fault: null });
  }

  /** throws rate_exceeded */
  @Post()
  async takeCode(
    @CurrentSession() session: Session,
    @SubmittedForm() fields: Fields,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const typed = fields.code ?? '';
    const again = { session, request, code: codeOf(typed) ?? '' };
    if (!(await this.captcha.verify(FORM, fields, this.remoteAddress.of(request)))) {
      return this.sendCodePage(reply, { ...again, fault: 'captcha' });
    }
    const userCode = await this.approve.show(typed, session, this.remoteAddress.networkOf(request));
    if (userCode === null) return this.sendCodePage(reply, { ...again, fault: 'code' });
    seeOther(reply, `/enrol/machine?code=${userCode}`);
  }

  @Get('machine')
  async showMachine(
    @CurrentSession() session: Session,
    @Query('code') code: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const userCode = codeOf(code);
    const grant = userCode === null ? null : await this.approve.find(userCode, session);
    if (grant !== null) this.requireSignIn(session, grant);
    const shown = grant === null ? decidedPage(session, null) : machinePage(session, grant, this.clock.nowMs());
    sendPage(reply, shown);
  }

  /** throws request_invalid for a form without a decision: nothing is approved by accident */
  @Post('machine')
  async decide(
    @CurrentSession() session: Session,
    @SubmittedForm() { code, decision }: Fields,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (decision !== 'approved' && decision !== 'refused') throw new ProtocolError('request_invalid');
    const userCode = codeOf(code);
    const grant = userCode === null ? null : await this.approve.find(userCode, session);
    if (grant !== null && decision === 'approved') this.requireSignIn(session, grant);
    const decided = grant !== null && (await this.approve.decide(grant.userCode, session, decision));
    sendPage(reply, decidedPage(session, decided ? { state: decision, name: grant.name } : null));
  }

  /** For a recovery the password is given after the machine asked: a session that somebody found open approves none. */
  private requireSignIn(session: Session, { purpose, userCode, createdAtMs }: DeviceGrantEntity): void {
    if (purpose !== 'recovery') return;
    const maxAgeMs = Math.min(FRESH_SIGN_IN_MS, this.clock.nowMs() - createdAtMs);
    this.sessions.requireFreshSignIn(session, maxAgeMs, `/enrol/machine?code=${userCode}`);
  }

  private async sendCodePage(
    reply: FastifyReply,
    parts: { session: Session; request: FastifyRequest; code: string; fault: CodeFault | null },
  ): Promise<void> {
    const { request, ...shown } = parts;
    const captcha = await this.captcha.challenge(FORM, this.remoteAddress.of(request));
    sendPage(reply, codePage({ ...shown, captcha }));
  }
}

function codeOf(typed: unknown): string | null {
  return typeof typed === 'string' ? parseUserCode(typed) : null;
}
