// The pages on which a person approves a machine: the code, what asks, and how it ended. Pure.
import { formatTime } from '#protocol';
import type { CaptchaView } from '../captcha/captcha-provider.js';
import type { Session } from '../sessions/session.js';
import { faultNotice, formField } from '../web/form-field.js';
import { FORM_TOKEN_FIELD } from '../web/form-token.js';
import { type Html, html, raw } from '../web/html.js';
import { type Page, page } from '../web/page.js';
import type { Decision } from './approve-machine.js';
import type { DeviceGrantEntity } from './device-grant.entity.js';

const MINUTE_MS = 60_000;

const PURPOSES = {
  host: 'Keep other people’s backups on its disk (a host)',
  client: 'Back up its own files (a client)',
  recovery: 'Get the key to your backups from escrow, and read all of them',
} as const;

export type CodeFault = 'captcha' | 'code';

/** Where the code is typed. It may come filled in with the address, and is never taken without a person's doing. */
export function codePage(parts: {
  readonly session: Session;
  readonly captcha: CaptchaView;
  readonly code: string;
  readonly fault: CodeFault | null;
}): Page {
  const { session, captcha, code, fault } = parts;
  return page({
    title: 'Add a machine',
    session,
    captcha,
    status: fault === null ? 200 : 422,
    body: html`<p>A machine on which you started Peerkeep shows a code of eight letters. With it you see what asks, and then
approve or refuse.</p>
${faultNotice(fault === 'captcha' ? 'The answer to the picture or sound was wrong or too old. Here is a new one.' : null)}
<form method="post" action="/enrol">
${formToken(session)}
${formField({
  name: 'code',
  label: 'Code on the machine',
  hint: 'Letters only, such as WDJB-MJHT; small ones will do.',
  autocomplete: 'off',
  value: code,
  maxLength: 32,
  fault:
    fault === 'code'
      ? 'No machine waits under this code. Compare it letter by letter; it is valid for some minutes.'
      : null,
})}
${raw(captcha.html)}
<button>Go on</button>
</form>`,
  });
}

/** What asks, and the two buttons. */
export function machinePage(session: Session, grant: DeviceGrantEntity, nowMs: number): Page {
  const { name, program, purpose, network, fingerprint, userCode, createdAtMs } = grant;
  return page({
    title: 'Is this your machine?',
    session,
    body: html`<div class="notice"><p><strong>Approve only what you started yourself, just now.</strong> If somebody sent you this
code or link, refuse: their machine would get into your account.</p></div>
${purpose === 'recovery' && recoveryWarning()}
<dl>
<dt>Name</dt><dd>${name}</dd>
<dt>It wants to</dt><dd>${PURPOSES[purpose]}</dd>
<dt>Program</dt><dd>${program}</dd>
<dt>Asks from</dt><dd>${network}</dd>
<dt>Asked</dt><dd>${agoText(nowMs - createdAtMs)} (${formatTime(createdAtMs).slice(0, 16).replace('T', ' ')} UTC)</dd>
<dt>Code</dt><dd><span class="code">${userCode}</span></dd>
<dt>Its key</dt><dd><code>${fingerprint}</code></dd>
</dl>
<p>Code and key must be the same as on the terminal of that machine. Once approved, it belongs to your account: it can use
your credit and store under your name.</p>
<form method="post" action="/enrol/machine">
${formToken(session)}
<input type="hidden" name="code" value="${userCode}">
<button name="decision" value="approved">Approve</button>
<button name="decision" value="refused" class="danger">Refuse</button>
</form>`,
  });
}

function recoveryWarning(): Html {
  return html`<div role="alert"><h2>This machine will be able to read all your backups</h2>
<p>It asks for the key that you left with the broker. You are told by mail and on your other machines, and can stop it on
your account page until the waiting time is over. If you did not start this, press Refuse and choose a new password.</p></div>`;
}

/** After the decision; null: there was nothing to decide any more. */
export function decidedPage(session: Session, decided: { state: Decision; name: string } | null): Page {
  if (decided === null) {
    return page({
      title: 'Nothing waits under this code',
      session,
      status: 410,
      body: html`<div role="alert"><p>The machine has gone on, was refused, or its code has expired.</p></div>
<p>Start the command on the machine again for a new code, then <a href="/enrol">type that code</a>.</p>`,
    });
  }
  const { state, name } = decided;
  return state === 'approved'
    ? page({
        title: 'Approved',
        session,
        body: html`<div role="status"><p><strong>${name}</strong> is let into your account.</p></div>
<p>You can close this window; the terminal goes on by itself within a few seconds.</p>
<p><a href="/enrol">Add another machine</a></p>`,
      })
    : page({
        title: 'Refused',
        session,
        body: html`<div role="status"><p><strong>${name}</strong> is not let in.</p></div>
<p>Its command ends by itself. You can close this window.</p>`,
      });
}

function formToken({ csrfToken }: Session): Html {
  return html`<input type="hidden" name="${FORM_TOKEN_FIELD}" value="${csrfToken}">`;
}

function agoText(ms: number): string {
  const minutes = Math.floor(ms / MINUTE_MS);
  if (minutes < 1) return 'less than a minute ago';
  return minutes === 1 ? 'one minute ago' : `${minutes} minutes ago`;
}
