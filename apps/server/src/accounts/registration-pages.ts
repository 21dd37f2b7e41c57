// The pages on which somebody registers and confirms it. Pure.
import type { CaptchaView } from '../captcha/captcha-provider.js';
import { signInPath } from '../sessions/sessions.js';
import { faultNotice, formField } from '../web/form-field.js';
import { type Html, html, raw } from '../web/html.js';
import { type Page, page } from '../web/page.js';

export interface RegistrationForm {
  readonly email: string;
  readonly name: string;
  /** Where the sign-in that follows returns to; a path of this site: see ownPath. */
  readonly next: string;
  readonly faults: {
    readonly email?: string;
    readonly name?: string;
    readonly password?: string;
    readonly form?: string;
  };
}

export function emptyRegistration(next: string): RegistrationForm {
  return { email: '', name: '', next, faults: {} };
}

/** The registration that leads to a sign-in, and that to `next`, a path of this site. */
export function registerPath(next: string): string {
  return `/register?next=${encodeURIComponent(next)}`;
}

export function registrationPage(form: RegistrationForm, captcha: CaptchaView, tokenField: Html): Page {
  const { email, name, next, faults } = form;
  return page({
    title: 'Register',
    status: Object.keys(faults).length === 0 ? 200 : 422,
    captcha,
    body: html`<p>An account owns your machines and your backups. Have one already? <a href="${signInPath(next)}">Sign in</a>.</p>
${faultNotice(faults.form ?? null)}
<form method="post" action="${registerPath(next)}">
${tokenField}
<input type="hidden" name="next" value="${next}">
${formField({ name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'username', value: email, maxLength: 254, fault: faults.email ?? null })}
${formField({ name: 'name', label: 'Name', hint: 'How the account is shown. Any name will do.', autocomplete: 'name', value: name, maxLength: 100, fault: faults.name ?? null })}
${formField({ name: 'password', label: 'Password', hint: 'Ten characters or more. It opens the account; it never encrypts your files.', type: 'password', autocomplete: 'new-password', minLength: 10, fault: faults.password ?? null })}
${raw(captcha.html)}
<button>Register</button>
</form>`,
  });
}

/** The same page whoever registered, so that it does not tell who has an account. */
export function registeredPage(byMail: boolean, next: string): Page {
  const advice = byMail
    ? html`<p>If the address is right, a mail is on its way to it. Follow the link in it within 24 hours, and give the password
that you chose.</p>`
    : html`<p>Sign in with the password you chose. If that fails, you may already have an account with another password.</p>
<p><a href="${signInPath(next)}">Sign in</a></p>`;
  return page({ title: byMail ? 'Look into your mail' : 'Registered', body: html`<div role="status">${advice}</div>` });
}

export function confirmationPage(linkToken: string, fault: string | null, tokenField: Html): Page {
  return page({
    title: 'Open your account',
    status: fault === null ? 200 : 403,
    body: html`<p>Give the password that you chose when you registered. It shows that it was you.</p>
<form method="post" action="/confirm">
${tokenField}
<input type="hidden" name="token" value="${linkToken}">
${formField({ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', fault })}
<button>Open the account</button>
</form>`,
  });
}
