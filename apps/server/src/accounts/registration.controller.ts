// GET and POST /register and /confirm: how a person gets an account (B1, B2)
import { Get, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CaptchaProvider } from '../captcha/captcha-provider.js';
import { Mailer } from '../mail/mailer.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { setSessionCookie } from '../web/cookies.js';
import { formTokenField } from '../web/form.guard.js';
import { type Fields, SubmittedForm } from '../web/form-fields.js';
import { ownPath } from '../web/own-path.js';
import { seeOther, sendPage } from '../web/page.js';
import { WebController } from '../web/web-controller.js';
import { ConfirmRegistration } from './confirm-registration.js';
import { parseDisplayName } from './display-name.js';
import { parseEmail } from './email.js';
import { judgeNewPassword, spellPassword } from './password.js';
import { RegisterAccount, type Registration } from './register-account.js';
import {
  confirmationPage,
  emptyRegistration,
  type RegistrationForm,
  registeredPage,
  registrationPage,
} from './registration-pages.js';

const FORM = 'register';

@WebController()
export class RegistrationController {
  constructor(
    private readonly register: RegisterAccount,
    private readonly confirm: ConfirmRegistration,
    private readonly captcha: CaptchaProvider,
    private readonly mailer: Mailer,
    private readonly remoteAddress: RemoteAddress,
  ) {}

  @Get('register')
  async showForm(
    @Query('next') next: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.sendForm(request, reply, emptyRegistration(ownPath(next)));
  }

  @Post('register')
  async takeForm(
    @SubmittedForm() fields: Fields,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const solved = await this.captcha.verify(FORM, fields, this.remoteAddress.of(request));
    const { registration, form } = this.judge(fields, this.remoteAddress.networkOf(request));
    if (!solved) {
      const faults = {
        ...form.faults,
        form: 'The answer to the picture or sound was wrong or too old. Here is a new one.',
      };
      return this.sendForm(request, reply, { ...form, faults });
    }
    if (registration === null) return this.sendForm(request, reply, form);
    await this.register.run(registration);
    sendPage(reply, registeredPage(this.mailer.configured, form.next));
  }

  /** The link of the mail only shows a form: programs that look at mails follow links too. */
  @Get('confirm')
  async showConfirmation(
    @Query('token') token: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const linkToken = typeof token === 'string' ? token : '';
    await this.confirm.check(linkToken);
    sendPage(reply, confirmationPage(linkToken, null, formTokenField(request, reply)));
  }

  @Post('confirm')
  async takeConfirmation(
    @SubmittedForm() { token = '', password = '' }: Fields,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const spelled = spellPassword(password);
    const network = this.remoteAddress.networkOf(request);
    const session = spelled === null ? null : await this.confirm.run(token, spelled, network);
    if (session === null) {
      const fault = 'This is not the password that was chosen.';
      return sendPage(reply, confirmationPage(token, fault, formTokenField(request, reply)));
    }
    setSessionCookie(reply, session.secret, session.lifeMs);
    seeOther(reply, '/account');
  }

  private judge(fields: Fields, network: string): { registration: Registration | null; form: RegistrationForm } {
    const { email: typedEmail = '', name: typedName = '', password: typedPassword = '' } = fields;
    const email = parseEmail(typedEmail);
    const name = parseDisplayName(typedName);
    const judged = judgeNewPassword(typedPassword, { email, name: name ?? '' });
    const faults = {
      ...(email === null && { email: 'This is not an e-mail address.' }),
      ...(name === null && { name: 'Give a name of up to 100 visible characters.' }),
      ...(!judged.ok && { password: judged.fault }),
    };
    const form = { email: typedEmail, name: typedName, next: ownPath(fields.next), faults };
    if (email === null || name === null || !judged.ok) return { registration: null, form };
    return { registration: { email, name, password: judged.password, network }, form };
  }

  private async sendForm(request: FastifyRequest, reply: FastifyReply, form: RegistrationForm): Promise<void> {
    const captcha = await this.captcha.challenge(FORM, this.remoteAddress.of(request));
    sendPage(reply, registrationPage(form, captcha, formTokenField(request, reply)));
  }
}
