// Content-Digest (RFC 9530 §2): SHA-256 of the body, as a structured-field byte sequence.
import { equalInConstantTime, utf8 } from '../bytes.js';
import type { CryptoSuite } from '../crypto/suite.js';

export function contentDigest(suite: CryptoSuite, body: Uint8Array): string {
  return `sha-256=:${Buffer.from(suite.sha256(body)).toString('base64')}:`;
}

/** True when the header is exactly the digest of this body; other algorithms are not taken. */
export function matchesContentDigest(suite: CryptoSuite, header: string, body: Uint8Array): boolean {
  return equalInConstantTime(utf8(header), utf8(contentDigest(suite, body)));
}
