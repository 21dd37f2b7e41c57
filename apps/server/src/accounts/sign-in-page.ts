// The sign-in page. Pure.
import type { CaptchaView } from '../captcha/captcha-provider.js';
import { signInPath } from '../sessions/sessions.js';
import { faultNotice, formField } from '../web/form-field.js';
import { type Html, html, raw } from '../web/html.js';
import { type Page, page } from '../web/page.js';
import { registerPath } from './registration-pages.js';

export interface SignInForm {
  readonly email: string;
  /** A path of this site: see ownPath. */
  readonly next: string;
  readonly fault: 'wrong' | 'captcha' | null;
}

const FAULTS = {
  wrong: 'The e-mail address or the password is wrong.',
  captcha: 'Please answer the question below the password, and give the password again.',
} as const;

export function signInPage(
  { email, next, fault }: SignInForm,
  parts: { readonly captcha: CaptchaView | null; readonly tokenField: Html; readonly canReset: boolean },
): Page {
  const { captcha, tokenField, canReset } = parts;
  return page({
    title: 'Sign in',
    status: fault === null ? 200 : 403,
    captcha,
    body: html`${faultNotice(fault === null ? null : FAULTS[fault])}
<form method="post" action="${signInPath(next)}">
${tokenField}
<input type="hidden" name="next" value="${next}">
${formField({ name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'username', value: email, maxLength: 254 })}
${formField({ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' })}
${captcha !== null && raw(captcha.html)}
<button>Sign in</button>
</form>
<p>No account yet? <a href="${registerPath(next)}">Register</a>.${canReset && raw(' Lost your password? <a href="/forgot">Choose a new one</a>.')}</p>`,
  });
}
