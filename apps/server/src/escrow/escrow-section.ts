// The part of the account page about escrow: what the broker keeps, who asks for it, and the button that stops it. Pure.
import type { EscrowRecovery, EscrowStatusAnswer } from '#protocol';
import type { Session } from '../sessions/session.js';
import { FORM_TOKEN_FIELD } from '../web/form-token.js';
import { type Html, html } from '../web/html.js';
import { durationText } from './escrow-mails.js';

export function escrowSection(session: Session, { storedAt, recoveries }: EscrowStatusAnswer): Html {
  return html`<h2>Key to your backups</h2>
${
  storedAt === null
    ? html`<p>Only your machines, and whoever has your 24 words, can read your backups. The broker keeps no key.</p>`
    : html`<p>By your choice the broker keeps the key to your backups, since <time datetime="${storedAt}">${storedAt.slice(0, 10)}</time>.
Its operator could read them. To end this, run <code>peerkeep escrow off</code> on a machine of yours.</p>`
}
${recoveries.map((recovery) => recoveryNotice(session, recovery))}`;
}

function recoveryNotice(session: Session, { recoveryId, name, remainingMs, askedAt }: EscrowRecovery): Html {
  const left = remainingMs === 0 ? 'at any moment' : `in ${durationText(remainingMs)}`;
  return html`<div role="alert"><p><strong>${name}</strong> asks for the key to your backups since
<time datetime="${askedAt}">${askedAt.slice(0, 16).replace('T', ' ')} UTC</time>. It gets the key ${left}, and can then read
everything. If that is not your machine, stop it, revoke it and choose a new password.</p>
<form method="post" action="/account/escrow/stop">
<input type="hidden" name="${FORM_TOKEN_FIELD}" value="${session.csrfToken}">
<input type="hidden" name="recovery" value="${recoveryId}">
<button class="danger">Stop this recovery</button>
</form></div>`;
}
