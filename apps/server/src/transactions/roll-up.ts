// Sums up what ended so long ago that no report can change it, and deletes the rows: no table keeps a row per token for
// ever. The sums are per day, so that balances can still be computed again from the first movement on.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeOne } from '#database';
import { Clock, Log } from '#process';
import { isOfSeveralUses, TOKEN_LIFE_MS_MAX } from '#protocol';
import { ArchiveEntries } from '../ledger/archive-entries.js';
import { Ledger } from '../ledger/ledger.js';
import { ROLLED_UP_AT_ONCE_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { settlementOf } from './movements.js';
import { ShardCharges } from './shard-charges.js';
import { unlinkShards } from './shard-places.js';
import { deleteParts, findEnded, type Transaction, type TransactionState } from './transaction-rows.js';

const DAY_MS = 86_400_000;
/** Streams move what both ends say, up to 2^53 each: a sum of made-up ones stays here, instead of outgrowing its column. */
const SUMMED_BYTES_MAX = Number.MAX_SAFE_INTEGER;
const ENDS: readonly TransactionState[] = ['settled', 'void', 'unconfirmed'];

@Injectable()
export class RollUp {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly ledger: Ledger,
    private readonly charges: ShardCharges,
    private readonly archive: ArchiveEntries,
  ) {}

  async run(): Promise<void> {
    const { reportGraceMs, reportWindowMs } = this.settings.policy;
    // One life of a token longer than reports are taken: by then the time in a transaction's id alone tells that a
    // report about it is too late, and it cannot be mistaken for one that was never issued.
    const beforeMs = this.clock.nowMs() - reportGraceMs - reportWindowMs - TOKEN_LIFE_MS_MAX;
    for (const state of ENDS) {
      let rolled: number;
      do {
        rolled = await this.database.write((db) => this.rollSome(db, state, beforeMs));
        if (rolled > 0) this.log.debug({ event: 'transactions_rolled_up', state, transactions: rolled });
      } while (rolled === ROLLED_UP_AT_ONCE_MAX);
    }
    // An entry is of a transaction that began before it, and can be told again as long as the longest one.
    await this.archive.run(beforeMs - TOKEN_LIFE_MS_MAX);
  }

  private async rollSome(db: EntityManager, state: TransactionState, beforeMs: number): Promise<number> {
    const ended = await findEnded(db, { state, beforeMs, limit: ROLLED_UP_AT_ONCE_MAX });
    if (ended.length === 0) return 0;
    for (const sum of sumsOf(ended)) await addSum(db, sum);
    if (state === 'unconfirmed') await this.settleSilent(db, ended);
    // A void put stores nothing: a shard that still named one would be a fault, and stays one.
    if (state !== 'void') await unlinkShards(db, ended);
    await deleteParts(db, ended);
    return ended.length;
  }

  /**
   * Puts that the host signed for, and that the client can confirm no more: what they store costs as anything stored does,
   * and goes back with it. What is nowhere goes back now.
   */
  private async settleSilent(db: EntityManager, unconfirmed: readonly Transaction[]): Promise<void> {
    const puts = unconfirmed.filter(({ op, charge }) => op === 'put' && charge > 0);
    const nowMs = this.clock.nowMs();
    const settlements = puts.map((put) => settlementOf(put, 'reserved'));
    await this.ledger.post(db, settlements, nowMs);
    await this.charges.chargeShards(db, puts, nowMs);
  }
}

interface DaySum {
  readonly day: number;
  readonly client: string;
  readonly host: string;
  readonly op: string;
  readonly outcome: TransactionState;
  transactions: number;
  bytes: number;
}

/** By the day of issue. Bytes: of the shard; for tokens of several uses, what they moved. */
function sumsOf(ended: readonly Transaction[]): DaySum[] {
  const sums = new Map<string, DaySum>();
  for (const { issuedAtMs, clientAccountId, hostAccountId: host, op, state: outcome, sizeBytes, movedBytes } of ended) {
    const day = Math.floor(issuedAtMs / DAY_MS);
    const client = clientAccountId ?? 'broker';
    const key = `${day} ${client} ${host} ${op}`;
    const sum = sums.get(key) ?? { day, client, host, op, outcome, transactions: 0, bytes: 0 };
    sum.transactions++;
    sum.bytes += isOfSeveralUses({ op }) ? movedBytes : sizeBytes;
    sums.set(key, sum);
  }
  return [...sums.values()];
}

async function addSum(db: EntityManager, sum: DaySum): Promise<void> {
  await changeOne(
    db,
    `INSERT INTO transaction_days (day, client_account_id, host_account_id, op, outcome, transactions, bytes)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (day, client_account_id, host_account_id, op, outcome) DO UPDATE SET
       transactions = transaction_days.transactions + excluded.transactions,
       bytes = CASE WHEN transaction_days.bytes > $8 - excluded.bytes THEN $8
                    ELSE transaction_days.bytes + excluded.bytes END`,
    [
      sum.day,
      sum.client,
      sum.host,
      sum.op,
      sum.outcome,
      sum.transactions,
      Math.min(sum.bytes, SUMMED_BYTES_MAX),
      SUMMED_BYTES_MAX,
    ],
  );
}
