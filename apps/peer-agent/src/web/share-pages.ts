// What whoever has a link to a shared file can ask for: its page, its sealed head, a download, and the sealed bytes of one.
import { Injectable } from '@nestjs/common';
import { decideRange, html } from '#process';
import { formatTime, SHARE_HEAD_BYTES, sealedShareBytes } from '#protocol';
import { page } from './page.js';
import { ShareDesk } from './share-desk.js';
import { CONTENT_HEADERS, jsonAnswer, type WebAnswer, type WebAsk } from './web-message.js';

/** In a request for the sealed bytes: which download they are part of. */
export const TICKET_HEADER = 'peerkeep-ticket';

@Injectable()
export class SharePages {
  constructor(private readonly desk: ShareDesk) {}

  /** Says nothing of the file: its name and its bytes are sealed. throws share_gone */
  async page(id: string): Promise<WebAnswer> {
    const { expiresAtMs } = await this.desk.open(id);
    const until = formatTime(expiresAtMs);
    const body = html`<p>Somebody shares a file with you. It is opened here, in your browser: its key is in the link, behind the #, and is sent to nobody.</p>
<section id="share" data-id="${id}" aria-live="polite"><p class="fine" id="note">Looking at the link…</p></section>
<noscript><p role="alert">The file is opened by a script of this page. Without scripts there is <code>peerkeep share fetch</code>.</p></noscript>
<p class="fine">The link works until <time datetime="${until}">${until.slice(0, 10)}</time>.</p>`;
    return page({ title: 'A shared file', body, script: 'share' });
  }

  /** throws share_gone */
  async head(id: string): Promise<WebAnswer> {
    await this.desk.open(id);
    const body = this.desk.folder.readSealed(id, { start: 0, end: SHARE_HEAD_BYTES });
    return { status: 200, headers: { ...CONTENT_HEADERS, 'content-length': SHARE_HEAD_BYTES }, body };
  }

  /** throws share_gone | visits_full */
  async beginDownload(id: string): Promise<WebAnswer> {
    return jsonAnswer(201, { ticket: await this.desk.beginDownload(id) });
  }

  /** throws share_gone */
  async sealed(id: string, { headers: asked, method }: WebAsk): Promise<WebAnswer> {
    const ticket = String(asked[TICKET_HEADER] ?? '');
    const share = await this.desk.ticketed(id, ticket);
    const totalBytes = sealedShareBytes(share.sizeBytes);
    // RFC 9110 §14.2: Range is defined for GET alone.
    const wanted = decideRange(method === 'GET' ? asked.range : undefined, totalBytes);
    const headers = { ...CONTENT_HEADERS, 'accept-ranges': 'bytes' };
    if (wanted.kind === 'unsatisfiable') {
      return { status: 416, headers: { ...headers, 'content-range': `bytes */${totalBytes}` }, body: null };
    }
    const isPart = wanted.kind === 'part';
    const range = isPart ? wanted : { start: 0, end: totalBytes };
    const lengthBytes = range.end - range.start;
    if (method === 'GET') this.desk.spend(id, ticket, lengthBytes);
    const place = isPart ? { 'content-range': `bytes ${range.start}-${range.end - 1}/${totalBytes}` } : {};
    return {
      status: isPart ? 206 : 200,
      headers: { ...headers, ...place, 'content-length': lengthBytes },
      body: this.desk.folder.readSealed(id, range),
    };
  }
}
