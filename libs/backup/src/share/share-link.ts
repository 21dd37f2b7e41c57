// The link to a shared file: `https://NAME.DOMAIN/s/ID#KEY`. What is behind the # stays in the browser. Pure.
import { decodeBase64url, encodeBase64url, ProtocolError, SHARE_ID_BYTES, SHARE_KEY_BYTES } from '#protocol';
import type { ShareSecret } from './seal-share.js';

export interface ShareLink extends ShareSecret {
  /** Scheme, host and port. */
  readonly origin: string;
}

/** The path of a share's page, without its key. */
export function sharePathOf(id: Uint8Array): string {
  return `/s/${encodeBase64url(id)}`;
}

export function formatShareLink({ origin, id, key }: ShareLink): string {
  return `${origin}${sharePathOf(id)}#${encodeBase64url(key)}`;
}

/** throws share_link_invalid */
export function parseShareLink(text: string): ShareLink {
  const [, origin, idText, keyText] = /^(https?:\/\/[^/?#\s]+)\/s\/([\w-]+)#([\w-]+)$/.exec(text.trim()) ?? [];
  const id = decodeBase64url(idText ?? '');
  const key = decodeBase64url(keyText ?? '');
  const isWhole = id?.length === SHARE_ID_BYTES && key?.length === SHARE_KEY_BYTES;
  if (origin === undefined || !isWhole || !URL.canParse(origin)) throw new ProtocolError('share_link_invalid');
  return { origin, id, key };
}
