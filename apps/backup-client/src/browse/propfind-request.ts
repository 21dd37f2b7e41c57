// Reads the body of a PROPFIND (RFC 4918 §14.20): which properties are asked for. Pure. Only what that needs of XML 1.0
// and its namespaces; a DOCTYPE is refused, so there are no entities but the five of XML itself.
import { PROPFIND_NAMES_CHARS_MAX, PROPFIND_NAMES_MAX } from './limits.js';

export interface PropertyName {
  readonly namespace: string;
  readonly local: string;
}

export type PropfindRequest =
  | { readonly kind: 'all' }
  | { readonly kind: 'names' }
  | { readonly kind: 'some'; readonly names: readonly PropertyName[] };

export const DAV = 'DAV:';

/** Null for anything that is no propfind element. An empty body asks for all properties (§9.1). */
export function parsePropfind(body: string): PropfindRequest | null {
  if (body.trim() === '') return { kind: 'all' };
  const events = elementsOf(body);
  if (events === null) return null;
  const [root] = events;
  if (root?.depth !== 0 || !isDav(root.name, 'propfind')) return null;
  const wishes = events.filter(({ depth }) => depth === 1);
  if (wishes.some(({ name }) => isDav(name, 'allprop'))) return { kind: 'all' };
  if (wishes.some(({ name }) => isDav(name, 'propname'))) return { kind: 'names' };
  if (!wishes.some(({ name }) => isDav(name, 'prop'))) return null;
  const names = events
    .filter(({ depth, parent }) => depth === 2 && parent !== null && isDav(parent, 'prop'))
    .map(({ name }) => name);
  const chars = names.reduce((sum, { namespace, local }) => sum + namespace.length + local.length, 0);
  if (names.length > PROPFIND_NAMES_MAX || chars > PROPFIND_NAMES_CHARS_MAX) return null;
  return { kind: 'some', names };
}

interface Element {
  readonly name: PropertyName;
  readonly parent: PropertyName | null;
  readonly depth: number;
}

const DEPTH_MAX = 16;
const TAG = /<(\/?)([^\s/<>="'&]+)((?:\s+[^\s/<>="'&]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const ATTRIBUTE = /\s+([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
/** Text, comments, CDATA and processing instructions mean nothing here. */
const OTHER = /[^<]+|<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>/y;

/** Every element in the order of its start; null when the text is not well-formed or has two roots. */
function elementsOf(text: string): Element[] | null {
  const elements: Element[] = [];
  const open: { raw: string; name: PropertyName; prefixes: ReadonlyMap<string, string> }[] = [];
  let position = 0;
  while (position < text.length) {
    OTHER.lastIndex = position;
    if (OTHER.test(text)) {
      position = OTHER.lastIndex;
      continue;
    }
    TAG.lastIndex = position;
    const tag = TAG.exec(text);
    if (tag === null) return null;
    position = TAG.lastIndex;
    const [, closes, raw = '', attributes = '', isEmpty] = tag;
    if (closes === '/') {
      if (open.pop()?.raw !== raw || attributes !== '' || isEmpty === '/') return null;
      continue;
    }
    const parent = open.at(-1);
    if ((parent === undefined && elements.length > 0) || open.length >= DEPTH_MAX) return null;
    const prefixes = prefixesOf(attributes, parent?.prefixes ?? new Map());
    const name = nameOf(raw, prefixes);
    if (name === null) return null;
    elements.push({ name, parent: parent?.name ?? null, depth: open.length });
    if (isEmpty !== '/') open.push({ raw, name, prefixes });
  }
  return open.length === 0 && elements.length > 0 ? elements : null;
}

function prefixesOf(attributes: string, outer: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const prefixes = new Map(outer);
  for (const [, name = '', double, single] of attributes.matchAll(ATTRIBUTE)) {
    const value = unescapeXml(double ?? single ?? '');
    if (name === 'xmlns') prefixes.set('', value);
    else if (name.startsWith('xmlns:')) prefixes.set(name.slice('xmlns:'.length), value);
  }
  return prefixes;
}

function nameOf(raw: string, prefixes: ReadonlyMap<string, string>): PropertyName | null {
  const [first = '', second, ...others] = raw.split(':');
  const local = second ?? first;
  const namespace = second === undefined ? (prefixes.get('') ?? '') : prefixes.get(first);
  if (others.length > 0 || namespace === undefined || !LOCAL_NAME.test(local)) return null;
  return { namespace, local };
}

const LOCAL_NAME = /^[\p{L}_][\p{L}\p{N}\p{M}_.-]*$/u;

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replaceAll(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => NAMED[name]!);
}

function isDav({ namespace, local }: PropertyName, wanted: string): boolean {
  return namespace === DAV && local === wanted;
}
