// Paths of names that are raw bytes, to the path of a URL and back. Pure.

/** Longer than any path that a file system takes, percent-encoded. */
const PATH_STEPS_MAX = 2_048;

export interface RequestedPath {
  readonly steps: readonly Uint8Array[];
  /** A slash at the end: only a folder is meant. */
  readonly isFolder: boolean;
}

/**
 * Of a request target, origin form or absolute; null when it is none, or badly encoded. A query is passed over, and dot
 * segments are removed (RFC 3986 §5.2.4): rclone sends `/./a:b` for a name with a colon.
 */
export function parseTarget(target: string): RequestedPath | null {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  if (!path.startsWith('/')) return null;
  const texts = path.slice(1).split('/');
  if (texts.length > PATH_STEPS_MAX) return null;
  const isFolder = /^(?:|\.|\.\.)$/.test(texts.at(-1)!);
  if (texts.at(-1) === '') texts.pop();
  const steps: Uint8Array[] = [];
  for (const text of texts) {
    const step = decodeStep(text);
    if (step === null || step.length === 0) return null;
    if (text === '..') steps.pop();
    else if (text !== '.') steps.push(step);
  }
  return { steps, isFolder };
}

/** The absolute path of a URL; folders end with a slash. */
export function hrefOf(steps: readonly Uint8Array[], isFolder: boolean): string {
  return `${steps.map((step) => `/${encodeStep(step)}`).join('')}${isFolder ? '/' : ''}`;
}

/** Everything but the unreserved characters of RFC 3986 §2.3 becomes %XX. */
export function encodeStep(name: Uint8Array): string {
  let text = '';
  for (const byte of name) {
    const character = String.fromCharCode(byte);
    text += /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

function decodeStep(text: string): Uint8Array | null {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return null;
  // Node hands over the target's bytes one character each.
  const raw = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Uint8Array.from(Buffer.from(raw, 'latin1'));
}
