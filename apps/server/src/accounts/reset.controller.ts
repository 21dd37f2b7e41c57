// GET and POST /forgot and /reset: a new password for a lost one, when this broker sends mail
import { Get, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CaptchaProvider } from '../captcha/captcha-provider.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { formTokenField } from '../web/form.guard.js';
import { type Fields, SubmittedForm } from '../web/form-fields.js';
import { sendPage } from '../web/page.js';
import { WebController } from '../web/web-controller.js';
import { parseEmail } from './email.js';
import { MailGuard } from './mail.guard.js';
import { forgotPage, newPasswordPage, passwordSetPage, resetAskedPage } from './reset-pages.js';
import { ResetPassword } from './reset-password.js';

const FORM = 'forgot';

@WebController()
@UseGuards(MailGuard)
export class ResetController {
  constructor(
    private readonly resetPassword: ResetPassword,
    private readonly captcha: CaptchaProvider,
    private readonly remoteAddress: RemoteAddress,
  ) {}

  @Get('forgot')
  async showForm(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.sendForm(request, reply, { email: '', fault: null });
  }

  @Post('forgot')
  async takeForm(
    @SubmittedForm() fields: Fields,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const typed = fields.email ?? '';
    const email = parseEmail(typed);
    if (!(await this.captcha.verify(FORM, fields, this.remoteAddress.of(request)))) {
      const fault = 'The answer to the picture or sound was wrong or too old. Here is a new one.';
      return this.sendForm(request, reply, { email: typed, fault });
    }
    if (email === null) {
      return this.sendForm(request, reply, { email: typed, fault: 'This is not an e-mail address.' });
    }
    await this.resetPassword.ask(email, this.remoteAddress.networkOf(request));
    sendPage(reply, resetAskedPage());
  }

  /** The link of the mail only shows a form: programs that look at mails follow links too. */
  @Get('reset')
  async showNewPassword(
    @Query('token') token: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const linkToken = typeof token === 'string' ? token : '';
    await this.resetPassword.check(linkToken);
    sendPage(reply, newPasswordPage(linkToken, null, formTokenField(request, reply)));
  }

  @Post('reset')
  async takeNewPassword(
    @SubmittedForm() { token = '', password = '' }: Fields,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const judged = await this.resetPassword.run(token, password, this.remoteAddress.networkOf(request));
    if (judged.ok) return sendPage(reply, passwordSetPage());
    sendPage(reply, newPasswordPage(token, judged.fault, formTokenField(request, reply)));
  }

  private async sendForm(
    request: FastifyRequest,
    reply: FastifyReply,
    form: { email: string; fault: string | null },
  ): Promise<void> {
    const captcha = await this.captcha.challenge(FORM, this.remoteAddress.of(request));
    sendPage(reply, forgotPage(form, captcha, formTokenField(request, reply)));
  }
}
