// Control messages, both ways (SPEC §5): HTTPS requests and answers signed by HTTP Message Signatures (RFC 9421).
import { strict as assert } from 'node:assert';
import { encodeBase64url, equalInConstantTime, utf8 } from '../bytes.js';
import { ProtocolError } from '../errors.js';
import { isUuidV7, type PeerId } from '../ids.js';
import type { TransactionKey } from '../keys/transaction-key.js';
import { CLOCK_SKEW_MS_MAX, NONCE_BYTES } from '../limits.js';
import type { UnixMs } from '../time.js';
import { contentDigest, matchesContentDigest } from './content-digest.js';
import {
  formatParameters,
  type Headers,
  headerOf,
  REQUEST_COMPONENTS,
  requestBase,
  SIGNATURE_LABEL,
} from './signature-base.js';

export interface RequestToSign {
  readonly method: string;
  /** The absolute URI, as the other side will rebuild it: `https://host:port/path?query`. */
  readonly targetUri: string;
  readonly body: Uint8Array;
  readonly peerId: PeerId;
  readonly key: TransactionKey;
  readonly createdMs: UnixMs;
  /** NONCE_BYTES fresh random bytes. */
  readonly nonce: Uint8Array;
}

export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** Text of the signature, which the answer's signature will cover. */
  readonly signature: string;
}

/** Sign a request with the peer's `to-broker` key. Pure. */
export function signRequest(request: RequestToSign): SignedRequest {
  assert.equal(request.nonce.length, NONCE_BYTES);
  const digest = contentDigest(request.key.suite, request.body);
  const parameters = formatParameters(REQUEST_COMPONENTS, {
    createdS: Math.floor(request.createdMs / 1000),
    nonce: encodeBase64url(request.nonce),
    keyId: `${request.peerId}.${request.key.kid}`,
  });
  const base = requestBase({ method: request.method, targetUri: request.targetUri, contentDigest: digest }, parameters);
  const signature = `:${Buffer.from(request.key.toBroker(utf8(base))).toString('base64')}:`;
  return {
    headers: {
      'content-digest': digest,
      'signature-input': `${SIGNATURE_LABEL}=${parameters}`,
      signature: `${SIGNATURE_LABEL}=${signature}`,
    },
    signature,
  };
}

/** What a request claims about its signer, before any key is looked up. Nothing in it is trusted yet. */
export interface RequestSignature {
  readonly peerId: PeerId;
  readonly kid: string;
  readonly createdMs: UnixMs;
  readonly nonce: string;
  readonly contentDigest: string;
  readonly parameters: string;
  /** Text of the signature, `:base64:`. */
  readonly signature: string;
}

// The one form of Signature-Input that this profile writes; anything else is not ours. 22 base64url characters = 16 bytes.
const PARAMETERS =
  /^\("@method" "@target-uri" "content-digest"\);created=(\d{1,12});nonce="([A-Za-z0-9_-]{22})";keyid="([0-9a-f-]{36})\.([0-9a-f]{16})";alg="hmac-sha256";tag="peerkeep"$/;
const SIGNATURE = /^:[A-Za-z0-9+/]{43}=:$/;

/** throws signature_missing (no signature headers) | signature_invalid (not of this profile) */
export function readRequestSignature(headers: Headers): RequestSignature {
  const input = headerOf(headers, 'signature-input');
  const signature = headerOf(headers, 'signature');
  const digest = headerOf(headers, 'content-digest');
  if (input === undefined || signature === undefined || digest === undefined)
    throw new ProtocolError('signature_missing');
  const prefix = `${SIGNATURE_LABEL}=`;
  if (!input.startsWith(prefix) || !signature.startsWith(prefix)) throw new ProtocolError('signature_invalid');
  const parameters = input.slice(prefix.length);
  const match = PARAMETERS.exec(parameters);
  const signatureText = signature.slice(prefix.length);
  if (match === null || !SIGNATURE.test(signatureText)) throw new ProtocolError('signature_invalid');
  const [, created, nonce, peerId, kid] = match as unknown as [string, string, string, string, string];
  if (!isUuidV7(peerId)) throw new ProtocolError('signature_invalid');
  return {
    peerId: peerId as PeerId,
    kid,
    createdMs: Number(created) * 1000,
    nonce,
    contentDigest: digest,
    parameters,
    signature: signatureText,
  };
}

declare const verified: unique symbol;

/** A message that its peer signed, fresh, over exactly this body. Whether its nonce is new is the receiver's to say. */
export type VerifiedMessage = RequestSignature & { readonly [verified]: true };

/**
 * Check a request against the key that it names. Pure.
 *
 * key      the transaction key of claimed.peerId with claimed.kid
 * nowMs    Unix ms
 * throws   signature_invalid | digest_mismatch | message_stale
 */
export function verifyRequest(
  claimed: RequestSignature,
  request: { method: string; targetUri: string; body: Uint8Array; key: TransactionKey; nowMs: UnixMs },
): VerifiedMessage {
  const { key } = request;
  if (key.kid !== claimed.kid) throw new ProtocolError('signature_invalid');
  const base = requestBase(
    { method: request.method, targetUri: request.targetUri, contentDigest: claimed.contentDigest },
    claimed.parameters,
  );
  const expected = `:${Buffer.from(key.toBroker(utf8(base))).toString('base64')}:`;
  if (!equalInConstantTime(utf8(expected), utf8(claimed.signature))) throw new ProtocolError('signature_invalid');
  if (!matchesContentDigest(key.suite, claimed.contentDigest, request.body)) throw new ProtocolError('digest_mismatch');
  if (Math.abs(request.nowMs - claimed.createdMs) > CLOCK_SKEW_MS_MAX) throw new ProtocolError('message_stale');
  return claimed as VerifiedMessage;
}
