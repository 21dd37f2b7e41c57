// The owner's pages but for the files: sign-in and sign-out, the status of this host, and what it shares by links.
import { Injectable } from '@nestjs/common';
import { Clock, html } from '#process';
import { formatTime, ProtocolError } from '#protocol';
import { formatSize } from '../commands/size-text.js';
import { ReadHostFacts } from './host-facts.js';
import { page } from './page.js';
import { Sessions } from './sessions.js';
import { type CountedShare, ShareDesk } from './share-desk.js';
import { SignInCodes } from './sign-in-code.js';
import { seeOther, type WebAnswer, type WebAsk } from './web-message.js';

@Injectable()
export class OwnerPages {
  constructor(
    private readonly facts: ReadHostFacts,
    private readonly sessions: Sessions,
    private readonly codes: SignInCodes,
    private readonly desk: ShareDesk,
    private readonly clock: Clock,
  ) {}

  isSignedIn({ headers, way }: WebAsk): boolean {
    return this.sessions.isOwner(headers, way, this.clock.nowMs());
  }

  /** The script takes the code from behind the # of the address, where no log and no relay sees it before it is shown. */
  signInPage(status = 200): WebAnswer {
    const body = html`<p>These pages are for the owner of this machine. Run <code>peerkeep-agent web sign-in</code> there, and open the link that it prints.</p>
<form method="post" action="/sign-in" id="sign-in">
<label for="code">Code of the link</label>
<input id="code" name="code" autocomplete="off" spellcheck="false" required>
<button>Sign in</button>
</form>`;
    return page({ title: 'Sign in', body, status, script: 'owner' });
  }

  /** throws sign_in_invalid | request_invalid */
  async signIn(ask: WebAsk): Promise<WebAnswer> {
    const code = new URLSearchParams(await ask.body()).get('code') ?? '';
    const nowMs = this.clock.nowMs();
    await this.codes.burn(code.trim(), nowMs);
    return seeOther('/', this.sessions.begin(ask.way, nowMs));
  }

  signOut({ headers }: WebAsk): WebAnswer {
    return seeOther('/sign-in', this.sessions.end(headers));
  }

  async status(): Promise<WebAnswer> {
    const rows = (await this.facts.run()).map(
      ({ id, label, text }) => html`<dt>${label}</dt><dd data-fact="${id}">${text}</dd>
`,
    );
    const body = html`<dl id="facts">${rows}</dl><p class="fine" id="freshness" role="status">As of when the page was loaded.</p>`;
    return page({ title: 'This host', body, isOwner: true, script: 'owner' });
  }

  async shares(): Promise<WebAnswer> {
    const shares = await this.desk.list();
    const table = html`<div class="scroll" tabindex="0" role="group" aria-label="Shared files"><table>
<thead><tr><th scope="col">File</th><th scope="col">Size</th><th scope="col">Downloads</th><th scope="col">Until</th><th scope="col">Withdraw</th></tr></thead>
<tbody>${shares.map(shareRow)}</tbody></table></div>`;
    const none = html`<p>Nothing is shared. <code>peerkeep share create</code> makes a link to a file of a snapshot.</p>`;
    return page({ title: 'Shares', body: shares.length === 0 ? none : table, isOwner: true });
  }

  /** throws share_gone */
  async revoke(id: string): Promise<WebAnswer> {
    if (!(await this.desk.folder.remove(id))) throw new ProtocolError('share_gone');
    return seeOther('/shares');
  }
}

function shareRow({ id, name, sizeBytes, downloads, downloadsMax, expiresAtMs }: CountedShare) {
  return html`<tr><th scope="row">${name}</th><td>${formatSize(sizeBytes)}</td><td>${downloads} of ${downloadsMax}</td><td>${formatTime(expiresAtMs).slice(0, 10)}</td>
<td><form method="post" action="/shares/${id}/revoke"><button class="danger" aria-label="Withdraw ${name}">Withdraw</button></form></td></tr>
`;
}
