// Leases (SPEC §13.2): the broker's word that a relay may serve a peer, or carry somebody to it, for so long and so much.
import { strict as assert } from 'node:assert';
import { z } from 'zod';
import { ProtocolError } from '../errors.js';
import { isTrustDomain } from '../identity/spiffe.js';
import type { LeaseId, PeerId, Requester } from '../ids.js';
import { CLOCK_SKEW_MS_MAX, LEASE_LIFE_MS_MAX } from '../limits.js';
import { leaseIdField, peerIdField, peerNameField, requesterField, timeField } from '../messages/fields.js';
import { formatTime, timeOf, type UnixMs } from '../time.js';
import { openStatement, type SigningKey, type StatementSigner, signStatement } from './broker-statement.js';

/** `serve`: a peer attaches itself to the relay. `reach`: somebody is carried to an attached peer. */
export const LEASE_KINDS = ['serve', 'reach'] as const;
export type LeaseKind = (typeof LEASE_KINDS)[number];

export interface LeaseClaims {
  readonly trustDomain: string;
  readonly leaseId: LeaseId;
  readonly kind: LeaseKind;
  readonly relayId: PeerId;
  /** Whose lease it is: the peer that attaches itself, or who wants to reach it. */
  readonly subject: Requester;
  /** The peer that is reached; of a `serve` lease the subject itself. */
  readonly peerId: PeerId;
  /** Under which name visitors reach the peer (a DNS label); null in a `reach` lease and where it has none. */
  readonly name: string | null;
  /** May visitors' browsers be carried to it? */
  readonly web: boolean;
  /** Over all streams, both directions together. */
  readonly bytesMax: number;
  readonly bytesPerSecondMax: number;
  readonly issuedAtMs: UnixMs;
  readonly expiresAtMs: UnixMs;
}

const amount = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

const payloadSchema = z.strictObject({
  iss: z.string().refine(isTrustDomain),
  jti: leaseIdField,
  kind: z.enum(LEASE_KINDS),
  aud: peerIdField,
  sub: requesterField,
  peer: peerIdField,
  name: peerNameField.nullable(),
  web: z.boolean(),
  bytes: amount,
  rate: amount,
  iat: timeField,
  exp: timeField,
});

export function encodeLease(claims: LeaseClaims, signer: StatementSigner): string {
  assert(isSound(claims));
  const payload: z.infer<typeof payloadSchema> = {
    iss: claims.trustDomain,
    jti: claims.leaseId,
    kind: claims.kind,
    aud: claims.relayId,
    sub: claims.subject,
    peer: claims.peerId,
    name: claims.name,
    web: claims.web,
    bytes: claims.bytesMax,
    rate: claims.bytesPerSecondMax,
    iat: formatTime(claims.issuedAtMs),
    exp: formatTime(claims.expiresAtMs),
  };
  return signStatement('lease', payload, signer);
}

/** What the lease says, if the broker signed it; to be checked against what is expected. throws lease_invalid */
export function decodeLease(text: string, keys: readonly SigningKey[]): LeaseClaims {
  const payload = openStatement('lease', text, keys, payloadSchema);
  if (payload === null) throw new ProtocolError('lease_invalid');
  const claims: LeaseClaims = {
    trustDomain: payload.iss,
    leaseId: payload.jti,
    kind: payload.kind,
    relayId: payload.aud,
    subject: payload.sub,
    peerId: payload.peer,
    name: payload.name,
    web: payload.web,
    bytesMax: payload.bytes,
    bytesPerSecondMax: payload.rate,
    issuedAtMs: timeOf(payload.iat),
    expiresAtMs: timeOf(payload.exp),
  };
  if (!isSound(claims)) throw new ProtocolError('lease_invalid');
  return claims;
}

export interface LeaseExpectation {
  readonly trustDomain: string;
  readonly kind: LeaseKind;
  readonly relayId: PeerId;
  /** Whom the certificate of the connection names. */
  readonly subject: Requester;
  /** Who is to be reached; of a `serve` lease the subject. */
  readonly peerId: PeerId;
  readonly nowMs: UnixMs;
}

/** throws lease_invalid (another domain or kind) | lease_wrong_relay | lease_wrong_peer | lease_expired */
export function checkLease(claims: LeaseClaims, expected: LeaseExpectation): void {
  if (claims.trustDomain !== expected.trustDomain || claims.kind !== expected.kind) {
    throw new ProtocolError('lease_invalid');
  }
  if (claims.relayId !== expected.relayId) throw new ProtocolError('lease_wrong_relay');
  if (claims.subject !== expected.subject || claims.peerId !== expected.peerId) {
    throw new ProtocolError('lease_wrong_peer');
  }
  if (expected.nowMs < claims.issuedAtMs - CLOCK_SKEW_MS_MAX) throw new ProtocolError('lease_expired');
  if (expected.nowMs >= claims.expiresAtMs + CLOCK_SKEW_MS_MAX) throw new ProtocolError('lease_expired');
}

function isSound(claims: LeaseClaims): boolean {
  const lifeMs = claims.expiresAtMs - claims.issuedAtMs;
  if (lifeMs <= 0 || lifeMs > LEASE_LIFE_MS_MAX) return false;
  if (claims.kind === 'serve') return claims.subject === claims.peerId;
  return claims.subject !== claims.peerId && claims.name === null && !claims.web;
}
