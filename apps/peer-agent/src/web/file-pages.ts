// The owner's snapshots as folders, and a single file of them as a download: streamed as it is fetched from its hosts.
import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  type BackupView,
  encodeStep,
  hostileReason,
  hrefOf,
  parseTarget,
  type TreeEntry,
  type ViewNode,
} from '#backup';
import { decideCondition, decideRange, type Html, html, httpDate, rangeCounts } from '#process';
import { ProtocolError } from '#protocol';
import { formatSize } from '../commands/size-text.js';
import { type HeldView, HomeView } from './home-view.js';
import { VIEW_ENTRIES_MAX, VIEW_FILES_MAX } from './limits.js';
import { nothingHere, page } from './page.js';
import { CONTENT_HEADERS, seeOther, type WebAnswer, type WebAsk } from './web-message.js';

type FileEntry = Extract<TreeEntry, { type: 'file' }>;

const PREFIX = '/files';

@Injectable()
export class FilePages {
  private filesUnderWay = 0;

  constructor(private readonly homeView: HomeView) {}

  /** throws home_in_use | visits_full | what the view throws */
  async answer(ask: WebAsk): Promise<WebAnswer> {
    const path = parseTarget(ask.path.slice(PREFIX.length) || '/');
    if (path === null) return nothingHere();
    if (!(await this.homeView.hasSnapshots())) return noSnapshots();
    const held = await this.homeView.hold();
    let isHandedOn = false;
    try {
      const node = await held.view.resolve(path.steps, held.signal);
      if (node === null) return nothingHere();
      if (isFolder(node)) {
        if (!ask.path.endsWith('/')) return seeOther(`${PREFIX}${hrefOf(path.steps, true)}`);
        return await folderPage(held, path.steps, node);
      }
      if (node.kind !== 'entry' || node.entry.type !== 'file' || path.isFolder) return nothingHere();
      const answer = await this.download(ask, held, node.view, node.entry);
      isHandedOn = answer.ended !== undefined;
      return answer;
    } finally {
      if (!isHandedOn) held.release();
    }
  }

  private async download(
    { headers: asked, method }: WebAsk,
    held: HeldView,
    view: ReturnType<BackupView['of']>,
    file: FileEntry,
  ): Promise<WebAnswer> {
    const { sizeBytes } = file;
    const validators = { etag: tagOf(file), modifiedMs: Number(file.mtimeNs / 1_000_000n) };
    const headers = {
      ...CONTENT_HEADERS,
      'content-disposition': `attachment; filename*=UTF-8''${encodeStep(Buffer.from(Buffer.from(file.name).toString()))}`,
      'accept-ranges': 'bytes',
      etag: validators.etag,
      'last-modified': httpDate(validators.modifiedMs),
    };
    const condition = decideCondition(asked, validators);
    if (condition !== 'go_on') return { status: condition === 'failed' ? 412 : 304, headers, body: null };
    // RFC 9110 §14.2: Range is defined for GET alone.
    const hasRange = method === 'GET' && rangeCounts(asked, validators);
    const wanted = decideRange(hasRange ? asked.range : undefined, sizeBytes);
    if (wanted.kind === 'unsatisfiable') {
      return { status: 416, headers: { ...headers, 'content-range': `bytes */${sizeBytes}` }, body: null };
    }
    const isPart = wanted.kind === 'part';
    const range = isPart ? wanted : { start: 0, end: sizeBytes };
    const place = isPart ? { 'content-range': `bytes ${range.start}-${range.end - 1}/${sizeBytes}` } : {};
    const head = {
      status: isPart ? 206 : 200,
      headers: { ...headers, ...place, 'content-length': range.end - range.start },
    };
    if (method === 'HEAD') return { ...head, body: null };
    if (this.filesUnderWay >= VIEW_FILES_MAX) throw new ProtocolError('visits_full');
    this.filesUnderWay++;
    const ended = (): void => {
      this.filesUnderWay--;
      held.release();
    };
    try {
      // Until the first bytes are here, a file that cannot be had can be answered with an error.
      const bytes = view.read(file, held.signal, range);
      return { ...head, body: await begun(bytes), ended };
    } catch (error) {
      this.filesUnderWay--;
      throw error;
    }
  }
}

/** The same bytes, of which the first have been fetched. throws what fetching them throws */
async function begun(bytes: AsyncGenerator<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const first = await bytes.next();
  return (async function* (): AsyncGenerator<Uint8Array> {
    if (first.done === true) return;
    yield first.value;
    yield* bytes;
  })();
}

function isFolder(node: ViewNode): boolean {
  return node.kind === 'folder' || node.entry.type === 'dir';
}

/** Folders and files; what else a snapshot has, `peerkeep restore` brings back. */
async function folderPage(
  { view, signal }: HeldView,
  steps: readonly Uint8Array[],
  node: ViewNode,
): Promise<WebAnswer> {
  const rows: Html[] = [];
  let more = 0;
  for await (const child of view.children(node, signal)) {
    const row = rows.length < VIEW_ENTRIES_MAX ? rowOf(child) : null;
    if (row !== null) rows.push(row);
    else if (rows.length >= VIEW_ENTRIES_MAX) more++;
  }
  const title = steps.length === 0 ? 'Files' : Buffer.from(steps.at(-1)!).toString();
  const up = steps.length > 0 && html`<p><a href="../">Up to the folder above</a></p>`;
  const table = html`<div class="scroll" tabindex="0" role="group" aria-label="Folder"><table>
<thead><tr><th scope="col">Name</th><th scope="col">Size</th><th scope="col">Changed</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
  const left =
    more > 0 && html`<p>${more} further entries are not shown; <code>peerkeep browse</code> shows them all.</p>`;
  const body = html`${up}${rows.length === 0 ? html`<p>This folder is empty.</p>` : table}${left}`;
  return page({ title, body, isOwner: true, script: 'owner' });
}

function rowOf(node: ViewNode): Html | null {
  if (node.kind === 'entry' && node.entry.type !== 'dir' && node.entry.type !== 'file') return null;
  if (node.kind === 'entry' && hostileReason(node.name, 'linux') !== null) return null;
  const isFile = node.kind === 'entry' && node.entry.type === 'file';
  const name = Buffer.from(node.name).toString();
  const href = `./${encodeStep(node.name)}${isFile ? '' : '/'}`;
  const size = isFile && node.entry.type === 'file' ? formatSize(node.entry.sizeBytes) : '';
  const changed = node.kind === 'entry' ? dayOf(node.entry) : '';
  return html`<tr><th scope="row"><a href="${href}">${name}${isFile ? '' : '/'}</a></th><td>${size}</td><td>${changed}</td></tr>
`;
}

/** Empty for a time that a calendar of four-digit years has not. */
function dayOf({ mtimeNs }: TreeEntry): string {
  const date = new Date(Number(mtimeNs / 1_000_000n));
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  return /^\d{4}-/.test(text) ? text.slice(0, 'YYYY-MM-DD'.length) : '';
}

/** Strong: equal tags mean equal bytes. */
function tagOf({ sizeBytes, content, contentOf }: FileEntry): string {
  const text = `${sizeBytes} ${content ?? contentOf ?? ''}`;
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`;
}

function noSnapshots(): WebAnswer {
  const body = html`<p>This home holds shards of others, and has no backups of its own: it has no master key.</p>`;
  return page({ title: 'Files', body, isOwner: true });
}
