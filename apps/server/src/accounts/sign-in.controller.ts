// GET and POST /sign-in, POST /sign-out
import { Get, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CaptchaProvider } from '../captcha/captcha-provider.js';
import { Mailer } from '../mail/mailer.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { type CreatedSession, Sessions } from '../sessions/sessions.js';
import { clearSessionCookie, sessionCookieOf, setSessionCookie } from '../web/cookies.js';
import { formTokenField } from '../web/form.guard.js';
import { type Fields, SubmittedForm } from '../web/form-fields.js';
import { ownPath } from '../web/own-path.js';
import { seeOther, sendPage } from '../web/page.js';
import { WebController } from '../web/web-controller.js';
import { type Email, parseEmail } from './email.js';
import { spellPassword } from './password.js';
import { SignIn } from './sign-in.js';
import { SignInLimits } from './sign-in-limits.js';
import { type SignInForm, signInPage } from './sign-in-page.js';

const FORM = 'sign-in';

@WebController()
export class SignInController {
  constructor(
    private readonly signIn: SignIn,
    private readonly sessions: Sessions,
    private readonly limits: SignInLimits,
    private readonly captcha: CaptchaProvider,
    private readonly mailer: Mailer,
    private readonly remoteAddress: RemoteAddress,
  ) {}

  @Get('sign-in')
  async showForm(
    @Query('next') next: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.sendForm(request, reply, { email: '', next: ownPath(next), fault: null });
  }

  @Post('sign-in')
  async takeForm(
    @SubmittedForm() fields: Fields,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const typed = { email: fields.email ?? '', next: ownPath(fields.next) };
    const email = parseEmail(typed.email);
    if (this.needsCaptcha(email, request)) {
      const solved = await this.captcha.verify(FORM, fields, this.remoteAddress.of(request));
      if (!solved) return this.sendForm(request, reply, { ...typed, fault: 'captcha' });
    }
    const session = await this.trySignIn(email, fields.password ?? '', request);
    if (session === null) return this.sendForm(request, reply, { ...typed, fault: 'wrong' });
    setSessionCookie(reply, session.secret, session.lifeMs);
    seeOther(reply, typed.next);
  }

  @Post('sign-out')
  async signOut(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const secret = sessionCookieOf(request);
    if (secret !== null) await this.sessions.end(secret);
    clearSessionCookie(reply);
    seeOther(reply, '/');
  }

  /** What cannot be an account's is wrong without further work: it tells nothing about accounts. */
  private async trySignIn(
    email: Email | null,
    typedPassword: string,
    request: FastifyRequest,
  ): Promise<CreatedSession | null> {
    const password = spellPassword(typedPassword);
    if (email === null || password === null) return null;
    const network = this.remoteAddress.networkOf(request);
    return this.signIn.run({ email, password, network, replaces: sessionCookieOf(request) });
  }

  private needsCaptcha(email: Email | null, request: FastifyRequest): boolean {
    const network = this.remoteAddress.networkOf(request);
    return email === null ? this.limits.needsCaptchaAnyway(network) : this.limits.needsCaptcha({ email, network });
  }

  private async sendForm(request: FastifyRequest, reply: FastifyReply, form: SignInForm): Promise<void> {
    const asked = this.needsCaptcha(parseEmail(form.email), request);
    const captcha = asked ? await this.captcha.challenge(FORM, this.remoteAddress.of(request)) : null;
    const tokenField = formTokenField(request, reply);
    sendPage(reply, signInPage(form, { captcha, tokenField, canReset: this.mailer.configured }));
  }
}
