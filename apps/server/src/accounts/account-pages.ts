// The page of an account: who, its machines, its password, its sessions. And the question before a machine is revoked. Pure.
import type { ListedPeer } from '#protocol';
import type { Session } from '../sessions/session.js';
import { formField } from '../web/form-field.js';
import { FORM_TOKEN_FIELD } from '../web/form-token.js';
import { type Html, html } from '../web/html.js';
import { type Page, page } from '../web/page.js';

export interface ShownAccount {
  readonly name: string;
  readonly email: string;
  readonly peers: readonly ListedPeer[];
  /** Where the next peers begin; null when these are the last. */
  readonly next: string | null;
  /** What the broker keeps of their key, and who asks for it. */
  readonly escrow: Html;
}

export interface AccountNotice {
  /** Done, for the reader. */
  readonly done?: string;
  /** Came to nothing, and the reader must do something else. */
  readonly alarm?: string;
  /** What is wrong with the form that was sent. */
  readonly oldPassword?: string;
  readonly newPassword?: string;
}

export function accountPage(session: Session, account: ShownAccount, notice: AccountNotice = {}): Page {
  const { name, email, peers, next, escrow } = account;
  const faulty = notice.oldPassword !== undefined || notice.newPassword !== undefined;
  return page({
    title: 'Your account',
    session,
    status: faulty ? 422 : 200,
    body: html`${notice.done !== undefined && html`<div role="status"><p>${notice.done}</p></div>`}
${notice.alarm !== undefined && html`<div role="alert"><p>${notice.alarm}</p></div>`}
<dl><dt>Name</dt><dd>${name}</dd><dt>E-mail</dt><dd>${email}</dd></dl>
<h2 id="machines">Machines</h2>
${peers.length === 0 ? html`<p>No machine yet.</p>` : peersTable(peers)}
${next !== null && html`<p><a href="/account?after=${next}">More machines</a></p>`}
<p><a href="/enrol">Add a machine</a></p>
${escrow}
<h2>Password</h2>
<form method="post" action="/account/password">
${formToken(session)}
${formField({ name: 'old', label: 'Old password', type: 'password', autocomplete: 'current-password', fault: notice.oldPassword ?? null })}
${formField({ name: 'new', label: 'New password', hint: 'Ten characters or more. Other browsers are signed out.', type: 'password', autocomplete: 'new-password', minLength: 10, fault: notice.newPassword ?? null })}
<button>Change the password</button>
</form>
<h2>Sessions</h2>
<form method="post" action="/account/sign-out-everywhere">
${formToken(session)}
<p>Signs out every browser, this one too.</p>
<button>Sign out everywhere</button>
</form>`,
  });
}

export function revokePage(session: Session, peer: { readonly peerId: string; readonly name: string }): Page {
  return page({
    title: `Revoke ${peer.name}?`,
    session,
    body: html`<div role="alert"><p>This cannot be undone. The machine is shut out at once and its keys are destroyed. It can only come
back by enrolling anew.</p></div>
<dl><dt>Machine</dt><dd>${peer.name}</dd><dt>Id</dt><dd><code>${peer.peerId}</code></dd></dl>
<form method="post" action="/account/revoke">
${formToken(session)}
<input type="hidden" name="peer" value="${peer.peerId}">
<button class="danger">Revoke this machine</button>
</form>
<p><a href="/account">Leave it as it is</a></p>`,
  });
}

const STATES = {
  vetting: 'on probation',
  active: 'active',
  leaving: 'leaving',
  suspended: 'suspended',
  gone: 'holds nothing',
  revoked: 'revoked',
} as const;

/** Why a state changed, where its owner did not ask for it. */
const WHY = {
  owner_asked: '',
  operator_asked: 'by the operator',
  probation_ended: '',
  nothing_held: '',
  audits_failed: 'it failed too many audits',
} as const;

function peersTable(peers: readonly ListedPeer[]): Html {
  const rows = peers.map(
    ({
      peerId,
      name,
      state,
      stateChange,
      seenAt,
      enrolledAt,
      appendOnly,
    }) => html`<tr><th scope="row">${name}</th><td>${STATES[state]}${reasonOf(stateChange)}</td>
<td>${appendOnly ? 'no' : 'yes'}${state !== 'revoked' && html` <a href="/account/append-only?peer=${peerId}" aria-label="Change whether ${name} may delete">Change…</a>`}</td>
<td>${seenAt === null ? 'never' : timeOf(seenAt)}</td><td>${timeOf(enrolledAt)}</td>
<td>${state !== 'revoked' && html`<a href="/account/revoke?peer=${peerId}" aria-label="Revoke ${name}">Revoke…</a>`}</td></tr>`,
  );
  return html`<div class="scroll" role="region" aria-labelledby="machines" tabindex="0"><table>
<thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">May delete</th><th scope="col">Last seen</th><th scope="col">Enrolled</th><th scope="col">Action</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

function reasonOf(change: ListedPeer['stateChange']): Html {
  const said = change === null ? [] : [WHY[change.code], change.reason].filter((text) => text !== '');
  return said.length === 0 ? html`` : html` <small>(${said.join(': ')})</small>`;
}

/** To the minute, in UTC: the page knows no other zone. */
function timeOf(rfc3339: string): Html {
  return html`<time datetime="${rfc3339}">${rfc3339.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

function formToken(session: Session): Html {
  return html`<input type="hidden" name="${FORM_TOKEN_FIELD}" value="${session.csrfToken}">`;
}
