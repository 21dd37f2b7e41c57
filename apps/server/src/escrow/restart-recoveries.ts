// A new password lets every recovery of the account wait anew, in the unit that changes it: whoever got in by a mailbox gets
// no data before the owner had the whole time to notice.
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import type { AccountId } from '#protocol';
import { recordEvent } from './escrow-events.js';

/** Returns how many were waiting. */
export async function restartRecoveries(db: EntityManager, accountId: AccountId, atMs: number): Promise<number> {
  const restarted = await changeMany(
    db,
    "UPDATE escrow_recoveries SET waited_ms = 0, counted_by = '' WHERE account_id = $1 AND state = 'waiting'",
    [accountId],
  );
  if (restarted > 0) await recordEvent(db, { accountId, kind: 'recovery-restarted', peerId: null, atMs });
  return restarted;
}
