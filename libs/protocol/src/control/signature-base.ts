// HTTP Message Signatures (RFC 9421): the fixed profile that control messages use, down to the bytes that are signed.

export const SIGNATURE_LABEL = 'peerkeep';
export const SIGNATURE_TAG = 'peerkeep';
export const SIGNATURE_ALGORITHM = 'hmac-sha256';

export const REQUEST_COMPONENTS = '("@method" "@target-uri" "content-digest")';
export const ANSWER_COMPONENTS = `("@status" "content-digest" "signature";req;key="${SIGNATURE_LABEL}")`;

/** Header names are lower case; every value is one string. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface SignatureParameters {
  /** Unix seconds. */
  readonly createdS: number;
  readonly nonce: string;
  /** `<peer id>.<kid>` */
  readonly keyId: string;
}

/** Signature parameters in the one order that this profile writes and reads (RFC 9421 §2.3). */
export function formatParameters(components: string, parameters: SignatureParameters): string {
  const { createdS, nonce, keyId } = parameters;
  return `${components};created=${createdS};nonce="${nonce}";keyid="${keyId}";alg="${SIGNATURE_ALGORITHM}";tag="${SIGNATURE_TAG}"`;
}

/** RFC 9421 §2.5, for a request: method, target URI and body digest. */
export function requestBase(
  request: { method: string; targetUri: string; contentDigest: string },
  parameters: string,
): string {
  return (
    `"@method": ${request.method}\n"@target-uri": ${request.targetUri}\n` +
    `"content-digest": ${request.contentDigest}\n"@signature-params": ${parameters}`
  );
}

/** RFC 9421 §2.5 and §2.4, for an answer: status, body digest, and the signature of the very request it answers. */
export function answerBase(
  answer: { status: number; contentDigest: string; requestSignature: string },
  parameters: string,
): string {
  return (
    `"@status": ${answer.status}\n"content-digest": ${answer.contentDigest}\n` +
    `"signature";req;key="${SIGNATURE_LABEL}": ${answer.requestSignature}\n"@signature-params": ${parameters}`
  );
}

/** One header value; undefined when it is absent or stands there twice. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
