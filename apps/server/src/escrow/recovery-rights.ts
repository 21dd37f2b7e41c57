// Which machines may do what with the escrow of their account: decided in the unit that does it, from its rows.
import { randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { type AccountId, type PeerId, ProtocolError, uuidV7 } from '#protocol';
import { PeerEntity } from '../peers/peer.entity.js';
import { mayAsk } from '../peers/peer-standing.js';
import { recordEvent } from './escrow-events.js';
import { EscrowRecoveryEntity } from './escrow-recovery.entity.js';

/** A person approved this machine to recover; in the unit that enrols it. It still has to ask, and to wait. */
export async function approveRecovery(
  db: EntityManager,
  { peerId, accountId, atMs }: { peerId: PeerId; accountId: AccountId; atMs: number },
): Promise<void> {
  await db.insert(EscrowRecoveryEntity, {
    peerId,
    accountId,
    id: uuidV7(atMs, randomBytes(10)),
    state: 'approved',
    asks: 0,
    askedAtMs: atMs,
    waitMs: 0,
    waitedMs: 0,
    countedBy: '',
    countedAtMs: 0,
  });
  await recordEvent(db, { accountId, kind: 'recovery-approved', peerId, atMs });
}

/** The rows know of a state that another process changed a moment ago. throws peer_suspended | peer_revoked */
export async function requireActive(db: EntityManager, peerId: PeerId): Promise<void> {
  const peer = await db.findOneByOrFail(PeerEntity, { id: peerId });
  if (!mayAsk(peer)) throw new ProtocolError(peer.state === 'revoked' ? 'peer_revoked' : 'peer_suspended');
}

/**
 * A machine that was let in to recover has no say until it was given the key: it could take away what its owner needs.
 *
 * throws   escrow_not_allowed, and what requireActive throws
 */
export async function requireSay(db: EntityManager, peerId: PeerId): Promise<void> {
  await requireActive(db, peerId);
  const recovery = await db.findOneBy(EscrowRecoveryEntity, { peerId });
  if (recovery !== null && recovery.state !== 'given') throw new ProtocolError('escrow_not_allowed');
}

/** How many machines of an account wait. One that was revoked is given nothing, and takes no other's place. */
export async function countWaiting(db: EntityManager, accountId: AccountId): Promise<number> {
  const [row] = await db.query<{ n: number | string }[]>(
    `SELECT COUNT(*) AS n FROM escrow_recoveries r JOIN peers p ON p.id = r.peer_id
     WHERE r.account_id = $1 AND r.state = 'waiting' AND p.state <> 'revoked'`,
    [accountId],
  );
  return Number(row?.n ?? 0);
}
