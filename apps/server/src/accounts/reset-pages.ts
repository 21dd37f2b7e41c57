// The pages of a lost password. Pure.
import type { CaptchaView } from '../captcha/captcha-provider.js';
import { faultNotice, formField } from '../web/form-field.js';
import { type Html, html, raw } from '../web/html.js';
import { type Page, page } from '../web/page.js';

export function forgotPage(
  form: { email: string; fault: string | null },
  captcha: CaptchaView,
  tokenField: Html,
): Page {
  return page({
    title: 'Lost password',
    status: form.fault === null ? 200 : 422,
    captcha,
    body: html`<p>Give the address of your account. A link to choose a new password is mailed to it.</p>
${faultNotice(form.fault)}
<form method="post" action="/forgot">
${tokenField}
${formField({ name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'username', value: form.email, maxLength: 254 })}
${raw(captcha.html)}
<button>Mail me a link</button>
</form>`,
  });
}

/** The same whether there is such an account or not. */
export function resetAskedPage(): Page {
  return page({
    title: 'Look into your mail',
    body: html`<div role="status"><p>If there is an account with this address, a mail is on its way to it. The link in it works for
one hour.</p></div>`,
  });
}

export function newPasswordPage(linkToken: string, fault: string | null, tokenField: Html): Page {
  return page({
    title: 'Choose a new password',
    status: fault === null ? 200 : 422,
    body: html`<p>Every browser that is signed in to this account is signed out.</p>
<form method="post" action="/reset">
${tokenField}
<input type="hidden" name="token" value="${linkToken}">
${formField({ name: 'password', label: 'New password', hint: 'Ten characters or more.', type: 'password', autocomplete: 'new-password', minLength: 10, fault })}
<button>Set the password</button>
</form>`,
  });
}

export function passwordSetPage(): Page {
  return page({
    title: 'The password is set',
    body: html`<div role="status"><p>Sign in with your new password.</p></div>
<p><a href="/sign-in">Sign in</a></p>`,
  });
}
