// The broker's answers are signed too (B8): the peer can tell that it is the broker, and that this answers its request.
import { equalInConstantTime, utf8 } from '../bytes.js';
import { ProtocolError } from '../errors.js';
import type { PeerId } from '../ids.js';
import type { TransactionKey } from '../keys/transaction-key.js';
import type { UnixMs } from '../time.js';
import { contentDigest, matchesContentDigest } from './content-digest.js';
import type { RequestSignature, SignedRequest } from './request-signature.js';
import {
  ANSWER_COMPONENTS,
  answerBase,
  formatParameters,
  type Headers,
  headerOf,
  SIGNATURE_LABEL,
} from './signature-base.js';

/** Sign an answer with the peer's `to-peer` key, bound to the request that it answers. `created` is the broker's time. */
export function signAnswer(answer: {
  readonly status: number;
  readonly body: Uint8Array;
  readonly request: Pick<RequestSignature, 'signature' | 'nonce' | 'peerId'>;
  readonly key: TransactionKey;
  readonly nowMs: UnixMs;
}): Readonly<Record<string, string>> {
  const { key, request } = answer;
  const digest = contentDigest(key.suite, answer.body);
  const parameters = formatParameters(ANSWER_COMPONENTS, {
    createdS: Math.floor(answer.nowMs / 1000),
    nonce: request.nonce,
    keyId: `${request.peerId}.${key.kid}`,
  });
  const base = answerBase(
    { status: answer.status, contentDigest: digest, requestSignature: request.signature },
    parameters,
  );
  return {
    'content-digest': digest,
    'signature-input': `${SIGNATURE_LABEL}=${parameters}`,
    signature: `${SIGNATURE_LABEL}=:${Buffer.from(key.toPeer(utf8(base))).toString('base64')}:`,
  };
}

const PARAMETERS =
  /^\("@status" "content-digest" "signature";req;key="peerkeep"\);created=(\d{1,12});nonce="[A-Za-z0-9_-]{22}";keyid="([0-9a-f-]{36})\.([0-9a-f]{16})";alg="hmac-sha256";tag="peerkeep"$/;

/**
 * Check that the broker gave this answer to this request. Pure.
 *
 * request  what signRequest returned for it, and who signed it with which key
 * returns  the broker's time, Unix ms, with a precision of one second
 * throws   answer_untrusted
 */
export function verifyAnswer(answer: {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly request: SignedRequest;
  readonly peerId: PeerId;
  readonly key: TransactionKey;
}): { brokerTimeMs: UnixMs } {
  const { headers, key } = answer;
  const digest = headerOf(headers, 'content-digest');
  const input = headerOf(headers, 'signature-input');
  const signature = headerOf(headers, 'signature');
  const prefix = `${SIGNATURE_LABEL}=`;
  if (digest === undefined || !input?.startsWith(prefix) || signature === undefined) {
    throw new ProtocolError('answer_untrusted');
  }
  const parameters = input.slice(prefix.length);
  const match = PARAMETERS.exec(parameters);
  if (match === null || match[2] !== answer.peerId || match[3] !== key.kid) throw new ProtocolError('answer_untrusted');
  const base = answerBase(
    { status: answer.status, contentDigest: digest, requestSignature: answer.request.signature },
    parameters,
  );
  const expected = `${prefix}:${Buffer.from(key.toPeer(utf8(base))).toString('base64')}:`;
  if (!equalInConstantTime(utf8(expected), utf8(signature))) throw new ProtocolError('answer_untrusted');
  if (!matchesContentDigest(key.suite, digest, answer.body)) throw new ProtocolError('answer_untrusted');
  return { brokerTimeMs: Number(match[1]) * 1000 };
}
