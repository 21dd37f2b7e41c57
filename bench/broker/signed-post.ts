// Requests that are signed before the clock runs: the load must not wait for its own signatures.
import { randomBytes } from 'node:crypto';
import type { EnrolledPeer } from '#peer-home';
import { NONCE_BYTES, signRequest, utf8 } from '#protocol';

export interface SignedRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

export function signedPost(
  origin: string,
  path: string,
  message: object,
  { peerId, transactionKey: key }: EnrolledPeer,
): SignedRequest {
  const body = utf8(JSON.stringify(message));
  const signed = signRequest({
    method: 'POST',
    targetUri: `${origin}${path}`,
    body,
    peerId,
    key,
    createdMs: Date.now(),
    nonce: randomBytes(NONCE_BYTES),
  });
  return { path, headers: { ...signed.headers, 'content-type': 'application/json' }, body };
}
