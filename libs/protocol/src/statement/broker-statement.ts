// What the broker signs for others to see (SPEC §13.1): a JWS in compact form (RFC 7515) with ES256 alone.
import { strict as assert } from 'node:assert';
import { createPublicKey, hash } from 'node:crypto';
import { z } from 'zod';
import { concatBytes, decodeBase64url, encodeBase64url, utf8 } from '../bytes.js';
import { es256Verifier, type SignBytes, type VerifyBytes } from '../crypto/es256.js';
import { STATEMENT_TEXT_BYTES_MAX } from '../limits.js';

/** What a statement is about. Each kind has a header and signing keys of its own, so that none passes for another. */
export const STATEMENT_KINDS = ['lease', 'approval', 'release'] as const;
export type StatementKind = (typeof STATEMENT_KINDS)[number];

const KID = /^[0-9a-f]{16}$/;

/** A public key of the broker, as peers keep it. */
export const signingKey = z.strictObject({
  kid: z.string().regex(KID),
  use: z.enum(STATEMENT_KINDS),
  /** SubjectPublicKeyInfo of a P-256 key, DER, base64url. */
  publicKey: z.string().max(256),
});
export type SigningKey = z.infer<typeof signingKey>;

export interface StatementSigner {
  readonly kid: string;
  readonly sign: SignBytes;
}

/** Hex of the first 8 bytes of SHA-256("peerkeep/1/signing-kid" || SPKI). */
export function signingKid(spki: Uint8Array): string {
  return hash('sha256', concatBytes(utf8('peerkeep/1/signing-kid'), spki), 'hex').slice(0, 16);
}

/** payload: what JSON.stringify gives is signed, so its members stand in the order of the kind's table. */
export function signStatement(kind: StatementKind, payload: object, { kid, sign }: StatementSigner): string {
  const signed = `${headerOf(kind, kid)}.${encodeBase64url(utf8(JSON.stringify(payload)))}`;
  const text = `${signed}.${encodeBase64url(sign(utf8(signed)))}`;
  assert(text.length <= STATEMENT_TEXT_BYTES_MAX);
  return text;
}

/**
 * The payload of a statement of this kind whose signature holds under one of the keys; null otherwise. Pure.
 *
 * schema   the payload's; its output, written again, has to be the payload's text
 */
export function openStatement<T extends object>(
  kind: StatementKind,
  text: string,
  keys: readonly SigningKey[],
  schema: z.ZodType<T, unknown>,
): T | null {
  if (text.length > STATEMENT_TEXT_BYTES_MAX) return null;
  const [header, payload, signature, ...rest] = text.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return null;
  // The key that the header names has to be one that we know for this use; nothing else of it is read.
  const key = keys.find(({ kid, use }) => use === kind && headerOf(kind, kid) === header);
  const payloadBytes = decodeBase64url(payload);
  const signatureBytes = decodeBase64url(signature);
  if (key === undefined || payloadBytes === null || signatureBytes === null) return null;
  if (!verifierOf(key)?.(utf8(`${header}.${payload}`), signatureBytes)) return null;
  const payloadText = Buffer.from(payloadBytes).toString('utf8');
  const parsed = schema.safeParse(parseJson(payloadText));
  // Two readers never read one statement in two ways: a member that stands twice has no second text.
  return parsed.success && JSON.stringify(parsed.data) === payloadText ? parsed.data : null;
}

function headerOf(kind: StatementKind, kid: string): string {
  return encodeBase64url(utf8(`{"alg":"ES256","kid":"${kid}","typ":"peerkeep-${kind}+jwt"}`));
}

/** By the objects that name the keys, which are never changed: to parse a key takes longer than to check a signature. */
const verifiers = new WeakMap<SigningKey, VerifyBytes | null>();

function verifierOf(key: SigningKey): VerifyBytes | null {
  let verifier = verifiers.get(key);
  if (verifier === undefined) {
    verifier = makeVerifier(key);
    verifiers.set(key, verifier);
  }
  return verifier;
}

/** Null for what is no P-256 key, or has another kid than is said. */
function makeVerifier({ kid, publicKey }: SigningKey): VerifyBytes | null {
  const spki = decodeBase64url(publicKey);
  if (spki === null || signingKid(spki) !== kid) return null;
  return es256Verifier(createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
