// The page that makes a machine append-only, or lets it delete again. Pure.
import type { Session } from '../sessions/session.js';
import { FORM_TOKEN_FIELD } from '../web/form-token.js';
import { html } from '../web/html.js';
import { type Page, page } from '../web/page.js';

export function appendOnlyPage(
  session: Session,
  { peerId, name, appendOnly }: { readonly peerId: string; readonly name: string; readonly appendOnly: boolean },
): Page {
  const title = appendOnly ? `Let ${name} delete again?` : `Make ${name} append-only?`;
  const consequence = appendOnly
    ? 'Whoever has this machine can then delete the backups of the whole account.'
    : 'It goes on to back up and restore, and cannot delete what is stored. Only you can take this back, here.';
  return page({
    title,
    session,
    body: html`<div role="alert"><p>${consequence}</p></div>
<dl><dt>Machine</dt><dd>${name}</dd><dt>Id</dt><dd><code>${peerId}</code></dd></dl>
<form method="post" action="/account/append-only">
<input type="hidden" name="${FORM_TOKEN_FIELD}" value="${session.csrfToken}">
<input type="hidden" name="peer" value="${peerId}">
<input type="hidden" name="to" value="${appendOnly ? 'off' : 'on'}">
<button${appendOnly && html` class="danger"`}>${appendOnly ? 'Let it delete again' : 'Make it append-only'}</button>
</form>
<p><a href="/account">Leave it as it is</a></p>`,
  });
}
