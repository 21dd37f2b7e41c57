// The rows of machines that wait for approval: made, shown, decided, and used up by exactly one enrolment.
import { createHash } from 'node:crypto';
import { type EntityManager, Like, MoreThan } from 'typeorm';
import { changeMany, changeOne } from '#database';
import {
  type AccountId,
  type DeviceAuthorizationRequest,
  type EnrolmentPurpose,
  type EnrolRequest,
  ProtocolError,
} from '#protocol';
import { DEVICE_GRANTS_MAX, DEVICE_GRANTS_PER_NETWORK_MAX, DEVICE_GRANTS_PER_SITE_MAX } from '../limits.js';
import { DeviceGrantEntity } from './device-grant.entity.js';
import { sitePrefixOf } from './network-of.js';

export interface NewDeviceGrant extends DeviceAuthorizationRequest {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly fingerprint: string;
  readonly network: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * Keep a machine that waits.
 *
 * returns  false when another machine has this user code: draw another
 * throws   rate_exceeded when too many wait from this network or its site, overloaded when too many wait at all
 */
export async function insertGrant(db: EntityManager, grant: NewDeviceGrant): Promise<boolean> {
  const { deviceCode, network, createdAtMs, ...told } = grant;
  const living = { expiresAtMs: MoreThan(createdAtMs) };
  if ((await db.countBy(DeviceGrantEntity, { network, ...living })) >= DEVICE_GRANTS_PER_NETWORK_MAX) {
    throw new ProtocolError('rate_exceeded');
  }
  const prefix = sitePrefixOf(network);
  if (prefix !== null) {
    const ofSite = await db.countBy(DeviceGrantEntity, { network: Like(`${prefix}%`), ...living });
    if (ofSite >= DEVICE_GRANTS_PER_SITE_MAX) throw new ProtocolError('rate_exceeded');
  }
  if ((await db.countBy(DeviceGrantEntity, living)) >= DEVICE_GRANTS_MAX) throw new ProtocolError('overloaded');
  // An expired row keeps its code until it is removed, for a person may still look at it.
  if (await db.existsBy(DeviceGrantEntity, { userCode: grant.userCode })) return false;
  const deviceCodeHash = hashOf(deviceCode);
  await db.insert(DeviceGrantEntity, {
    ...told,
    deviceCodeHash,
    network,
    createdAtMs,
    state: 'waiting',
    accountId: null,
  });
  return true;
}

/** The machine that waits under a user code as `parseUserCode` gives it; null when none does, or no longer. */
export function findWaiting(db: EntityManager, userCode: string, nowMs: number): Promise<DeviceGrantEntity | null> {
  return db.findOneBy(DeviceGrantEntity, { userCode, state: 'waiting', expiresAtMs: MoreThan(nowMs) });
}

/** A person of this account has typed the code and is shown the machine; false when it waits no more. */
export function markShown(db: EntityManager, userCode: string, to: AccountId, nowMs: number): Promise<boolean> {
  return changeOne(
    db,
    "UPDATE device_grants SET account_id = $1 WHERE user_code = $2 AND state = 'waiting' AND expires_at_ms > $3",
    [to, userCode, nowMs],
  );
}

/** Approve or refuse what was shown to this account; false when it waits no more, or was shown to another since. */
export function decideGrant(
  db: EntityManager,
  decision: { readonly userCode: string; readonly accountId: AccountId; readonly state: 'approved' | 'refused' },
  nowMs: number,
): Promise<boolean> {
  return changeOne(
    db,
    "UPDATE device_grants SET state = $1 WHERE user_code = $2 AND account_id = $3 AND state = 'waiting' AND expires_at_ms > $4",
    [decision.state, decision.userCode, decision.accountId, nowMs],
  );
}

/**
 * The grant that an enrolment names by its device code. The name and the request must be those that the person was
 * shown; anything else looks as if nothing waited.
 *
 * throws   enrolment_expired
 */
export async function findGrantOf(
  db: EntityManager,
  request: EnrolRequest,
  deviceCode: string,
  nowMs: number,
): Promise<DeviceGrantEntity> {
  const { csr, name } = request;
  const deviceCodeHash = hashOf(deviceCode);
  const grant = await db.findOneBy(DeviceGrantEntity, { deviceCodeHash, csr, name, expiresAtMs: MoreThan(nowMs) });
  if (grant === null) throw new ProtocolError('enrolment_expired');
  return grant;
}

/**
 * Use an approved grant up, in the unit that enrols. One conditional statement, so that of two enrolments at once one
 * alone gets in.
 *
 * returns  the account of the person who approved, and what the machine was let in for
 * throws   enrolment_expired
 */
export async function useApprovedGrant(
  db: EntityManager,
  request: EnrolRequest,
  deviceCode: string,
  nowMs: number,
): Promise<{ accountId: AccountId; purpose: EnrolmentPurpose }> {
  const { deviceCodeHash, accountId, purpose } = await findGrantOf(db, request, deviceCode, nowMs);
  const used = await changeOne(db, "DELETE FROM device_grants WHERE device_code_hash = $1 AND state = 'approved'", [
    deviceCodeHash,
  ]);
  if (!used || accountId === null) throw new ProtocolError('enrolment_expired');
  return { accountId, purpose };
}

/** Machines that were shown to or approved by this account get in no more: its password was in wrong hands. */
export async function dropGrantsOf(db: EntityManager, accountId: AccountId): Promise<void> {
  await changeMany(db, 'DELETE FROM device_grants WHERE account_id = $1', [accountId]);
}

/** Remove what has expired; returns how many. */
export function forgetExpiredGrants(db: EntityManager, nowMs: number): Promise<number> {
  return changeMany(db, 'DELETE FROM device_grants WHERE expires_at_ms <= $1', [nowMs]);
}

/** A fast hash suffices: a device code is 32 random bytes. */
function hashOf(deviceCode: string): string {
  return createHash('sha256').update(deviceCode).digest('base64url');
}
