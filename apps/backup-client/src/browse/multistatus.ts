// Writes the answer to a PROPFIND (RFC 4918 §14.16), one response element a resource. Pure.
import { httpDate } from '#process';
import { DAV, type PropertyName, type PropfindRequest } from './propfind-request.js';
import type { Resource } from './resource.js';

export const MULTISTATUS_START = '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">\n';
export const MULTISTATUS_END = '</D:multistatus>\n';

/** The error body of a condition that a request did not meet (§16). */
export function davError(condition: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:"><D:${condition}/></D:error>\n`;
}

/** href: the resource's path as a URL has it. Properties that it has not are told as 404. */
export function responseElement(href: string, resource: Resource, request: PropfindRequest): string {
  const values = propertiesOf(resource);
  if (request.kind !== 'some') {
    const body = [...values].map(([local, value]) =>
      request.kind === 'names' ? `<D:${local}/>` : element(local, value),
    );
    return response(href, propstat(body, '200 OK'));
  }
  const valueFor = ({ namespace, local }: PropertyName): string | undefined =>
    namespace === DAV ? values.get(local) : undefined;
  const found = request.names.filter((name) => valueFor(name) !== undefined);
  const missing = request.names.filter((name) => valueFor(name) === undefined);
  const parts = [
    ...(found.length === 0
      ? []
      : [
          propstat(
            found.map((name) => element(name.local, valueFor(name)!)),
            '200 OK',
          ),
        ]),
    ...(missing.length === 0 ? [] : [propstat(missing.map(emptyElement), '404 Not Found')]),
  ];
  // A response without a propstat breaks the grammar: nothing was asked, and nothing is missing.
  return response(href, parts.length === 0 ? propstat([], '200 OK') : parts.join(''));
}

/** XML 1.0 text: what is no Char of it (§2.2) is replaced. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** By local name in DAV:, the XML inside the element. */
function propertiesOf(resource: Resource): ReadonlyMap<string, string> {
  const values = new Map<string, string>([
    ['displayname', escapeXml(Buffer.from(resource.name).toString())],
    ['resourcetype', resource.kind === 'folder' ? '<D:collection/>' : ''],
    ['supportedlock', ''],
  ]);
  const { modifiedMs } = resource;
  if (modifiedMs !== null) values.set('getlastmodified', httpDate(modifiedMs));
  if (resource.kind === 'folder') return values;
  return values
    .set('getcontentlength', String(resource.sizeBytes))
    .set('getcontenttype', 'application/octet-stream')
    .set('getetag', escapeXml(resource.etag));
}

function response(href: string, body: string): string {
  return `<D:response><D:href>${escapeXml(href)}</D:href>${body}</D:response>\n`;
}

function propstat(elements: readonly string[], status: string): string {
  return `<D:propstat><D:prop>${elements.join('')}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`;
}

function element(local: string, value: string): string {
  return value === '' ? `<D:${local}/>` : `<D:${local}>${value}</D:${local}>`;
}

function emptyElement({ namespace, local }: PropertyName): string {
  if (namespace === DAV) return `<D:${local}/>`;
  return `<${local} xmlns="${escapeXml(namespace)}"/>`;
}
