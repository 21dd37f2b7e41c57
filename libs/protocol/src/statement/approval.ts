// Approvals (SPEC §14.3, requirement T8): the broker's fresh word that a neighbour may answer one task at one address.
import { strict as assert } from 'node:assert';
import { z } from 'zod';
import { ProtocolError } from '../errors.js';
import { isTrustDomain } from '../identity/spiffe.js';
import type { PeerId } from '../ids.js';
import { APPROVAL_LIFE_MS_MAX, CLOCK_SKEW_MS_MAX } from '../limits.js';
import { aliasField, lanTaskIdField, peerIdField, timeField } from '../messages/fields.js';
import { formatTime, timeOf, type UnixMs } from '../time.js';
import { openStatement, type SigningKey, type StatementSigner, signStatement } from './broker-statement.js';

export interface ApprovalClaims {
  readonly trustDomain: string;
  /** The neighbour that answers. */
  readonly hostId: PeerId;
  /** Where it serves: `address:port`, with brackets around an IPv6 address. */
  readonly alias: string;
  /** Of the request that it answers: base64url of 16 bytes. */
  readonly taskId: string;
  readonly issuedAtMs: UnixMs;
  readonly expiresAtMs: UnixMs;
}

const payloadSchema = z.strictObject({
  iss: z.string().refine(isTrustDomain),
  sub: peerIdField,
  alias: aliasField,
  task: lanTaskIdField,
  iat: timeField,
  exp: timeField,
});

export function encodeApproval(claims: ApprovalClaims, signer: StatementSigner): string {
  assert(isSound(claims));
  const payload: z.infer<typeof payloadSchema> = {
    iss: claims.trustDomain,
    sub: claims.hostId,
    alias: claims.alias,
    task: claims.taskId,
    iat: formatTime(claims.issuedAtMs),
    exp: formatTime(claims.expiresAtMs),
  };
  return signStatement('approval', payload, signer);
}

/** What the approval says, if the broker signed it; to be checked against what is expected. throws approval_invalid */
export function decodeApproval(text: string, keys: readonly SigningKey[]): ApprovalClaims {
  const payload = openStatement('approval', text, keys, payloadSchema);
  if (payload === null) throw new ProtocolError('approval_invalid');
  const claims: ApprovalClaims = {
    trustDomain: payload.iss,
    hostId: payload.sub,
    alias: payload.alias,
    taskId: payload.task,
    issuedAtMs: timeOf(payload.iat),
    expiresAtMs: timeOf(payload.exp),
  };
  if (!isSound(claims)) throw new ProtocolError('approval_invalid');
  return claims;
}

export interface ApprovalExpectation {
  readonly trustDomain: string;
  readonly hostId: PeerId;
  readonly alias: string;
  readonly taskId: string;
  readonly nowMs: UnixMs;
}

/** throws approval_invalid (another domain) | approval_wrong_peer | approval_wrong_alias | approval_wrong_task | approval_expired */
export function checkApproval(claims: ApprovalClaims, expected: ApprovalExpectation): void {
  if (claims.trustDomain !== expected.trustDomain) throw new ProtocolError('approval_invalid');
  if (claims.hostId !== expected.hostId) throw new ProtocolError('approval_wrong_peer');
  if (claims.alias !== expected.alias) throw new ProtocolError('approval_wrong_alias');
  if (claims.taskId !== expected.taskId) throw new ProtocolError('approval_wrong_task');
  if (expected.nowMs < claims.issuedAtMs - CLOCK_SKEW_MS_MAX) throw new ProtocolError('approval_expired');
  if (expected.nowMs >= claims.expiresAtMs) throw new ProtocolError('approval_expired');
}

function isSound({ issuedAtMs, expiresAtMs }: ApprovalClaims): boolean {
  const lifeMs = expiresAtMs - issuedAtMs;
  return lifeMs > 0 && lifeMs <= APPROVAL_LIFE_MS_MAX;
}
