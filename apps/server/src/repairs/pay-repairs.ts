// Pays workers for shards that they rebuilt (B22, B25), when both ends have said that they are stored. What is paid is
// taken from the account whose host lost the shard: whoever drops shards for a friend to repair them only moves credit,
// and loses what the host would have earned.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import { Clock, Log } from '#process';
import type { AccountId, ObjectId, PeerId, TaskId } from '#protocol';
import { Ledger } from '../ledger/ledger.js';
import { ISSUANCE, purseOf } from '../ledger/movement.js';
import { REPAIR_REWARDS_AT_ONCE_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import type { TransactionState } from '../transactions/transaction-rows.js';
import { decideReward } from './decide-reward.js';

const DAY_MS = 86_400_000;

@Injectable()
export class PayRepairs {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly ledger: Ledger,
  ) {}

  async run(): Promise<void> {
    let ended: number;
    do {
      ended = await this.database.write((db) => this.paySome(db));
    } while (ended === REPAIR_REWARDS_AT_ONCE_MAX);
  }

  private async paySome(db: EntityManager): Promise<number> {
    const rows = await findOpen(db);
    const nowMs = this.clock.nowMs();
    const day = Math.floor(nowMs / DAY_MS);
    for (const row of rows) {
      const loser = purseOf('available', row.lost_account_id);
      const paid = decideReward(
        {
          isStored: row.state === 'settled' && row.stored === 1,
          sizeBytes: Number(row.size_bytes),
          workerAccountId: row.worker_account_id,
          ownerAccountId: row.account_id,
          hostAccountId: row.host_account_id,
          lostAccountId: row.lost_account_id,
          rewardedTodayBytes: await rewardedOn(db, row.worker_account_id, day),
          lostAvailable: await this.ledger.balanceOf(db, loser),
        },
        this.settings.policy.repair,
      );
      if (paid > 0n) await this.pay(db, row, paid, nowMs);
      await changeMany(
        db,
        `UPDATE repair_shards SET reward = $1, rewarded_bytes = $2, rewarded_day = $3
         WHERE task_id = $4 AND shard_index = $5`,
        [paid > 0n ? 'paid' : 'none', paid > 0n ? Number(row.size_bytes) : 0, day, row.task_id, row.shard_index],
      );
    }
    return rows.length;
  }

  private async pay(db: EntityManager, row: OpenRow, amount: bigint, nowMs: number): Promise<void> {
    const transactionId = `repair/${row.task_id}/${row.shard_index}`;
    const world = ISSUANCE;
    await this.ledger.post(
      db,
      [
        { kind: 'lapse', transactionId, debit: purseOf('available', row.lost_account_id), credit: world, amount },
        { kind: 'earn', transactionId, debit: world, credit: purseOf('available', row.worker_account_id), amount },
      ],
      nowMs,
    );
    this.log.debug({ event: 'repair_paid', taskId: row.task_id, workerId: row.worker_id });
  }
}

interface OpenRow {
  task_id: TaskId;
  shard_index: number;
  size_bytes: number | string;
  host_account_id: AccountId;
  lost_account_id: AccountId;
  worker_id: PeerId;
  worker_account_id: AccountId;
  account_id: AccountId;
  object_id: ObjectId;
  state: TransactionState | null;
  stored: number;
}

/** Those of which the end is known: settled, void, or summed up long ago. */
function findOpen(db: EntityManager): Promise<OpenRow[]> {
  return db.query<OpenRow[]>(
    `SELECT r.task_id AS task_id, r.shard_index AS shard_index, r.size_bytes AS size_bytes,
       r.host_account_id AS host_account_id, p.account_id AS lost_account_id, k.worker_id AS worker_id,
       k.worker_account_id AS worker_account_id, k.account_id AS account_id, k.object_id AS object_id, t.state AS state,
       CASE WHEN EXISTS (SELECT 1 FROM shards s WHERE s.object_id = k.object_id AND s.shard_index = r.shard_index
         AND s.state = 'stored' AND s.host_id = r.host_id AND s.transaction_id = r.transaction_id) THEN 1 ELSE 0 END AS stored
     FROM repair_shards r JOIN repair_tasks k ON k.id = r.task_id JOIN peers p ON p.id = r.lost_host_id
     LEFT JOIN transactions t ON t.id = r.transaction_id AND t.host_id = r.host_id AND t.item = 0
     WHERE r.reward = 'open' AND (t.id IS NULL OR t.state IN ('settled', 'void'))
     ORDER BY r.task_id, r.shard_index LIMIT ${REPAIR_REWARDS_AT_ONCE_MAX}`,
  );
}

async function rewardedOn(db: EntityManager, accountId: AccountId, day: number): Promise<number> {
  const [row] = await db.query<{ bytes: number | string | null }[]>(
    `SELECT SUM(r.rewarded_bytes) AS bytes FROM repair_shards r JOIN repair_tasks k ON k.id = r.task_id
     WHERE k.worker_account_id = $1 AND r.rewarded_day = $2`,
    [accountId, day],
  );
  return Number(row?.bytes ?? 0);
}
