// GET /v1/admin/ledger/balances, /entries, /entries.csv, /days; POST /v1/admin/ledger/adjustments
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { Body, Controller, Get, Post, Query, StreamableFile } from '@nestjs/common';
import { ProtocolError, uuidV7 } from '#protocol';
import { AccountEntity } from '../../accounts/account.entity.js';
import { adjustMovement, ISSUANCE, type LedgerAccount, purseOf } from '../../ledger/movement.js';
import { type AdminCaller, CurrentAdmin } from '../access/admin-caller.js';
import { AdminRoute } from '../access/admin-route.js';
import { MakeChange } from '../changes/make-change.js';
import { LiveBroker } from '../live-broker.js';
import type { Page } from '../paging/page-query.js';
import {
  type Adjusted,
  type AdjustRequest,
  adjusted,
  adjustRequest,
  type BalancesQuery,
  balancePage,
  balancesQuery,
  type DaysQuery,
  dayPage,
  daysQuery,
  type EntriesQuery,
  type ExportQuery,
  entriesQuery,
  entryPage,
  exportQuery,
  type ListedBalance,
  type ListedDay,
  type ListedEntry,
} from './ledger-answers.js';
import { ReadLedger } from './read-ledger.js';

@Controller('v1/admin/ledger')
export class AdminLedgerController {
  constructor(
    private readonly books: ReadLedger,
    private readonly changes: MakeChange,
    private readonly live: LiveBroker,
  ) {}

  @Get('balances')
  @AdminRoute({ role: 'viewer', answers: balancePage })
  balances(@Query({ schema: balancesQuery }) query: BalancesQuery): Promise<Page<ListedBalance>> {
    return this.books.balances(query);
  }

  /** Those that have not been summed up yet. */
  @Get('entries')
  @AdminRoute({ role: 'viewer', answers: entryPage })
  entries(@Query({ schema: entriesQuery }) query: EntriesQuery): Promise<Page<ListedEntry>> {
    return this.books.entries(query);
  }

  @Get('entries.csv')
  @AdminRoute({ role: 'viewer', answers: 'text/csv' })
  exportCsv(@Query({ schema: exportQuery }) query: ExportQuery): StreamableFile {
    return new StreamableFile(Readable.from(this.books.exportCsv(query)), {
      type: 'text/csv; charset=utf-8',
      disposition: 'attachment; filename="ledger-entries.csv"',
    });
  }

  /** What moved on each day, also of entries that are summed up and gone; newest first. */
  @Get('days')
  @AdminRoute({ role: 'viewer', answers: dayPage })
  days(@Query({ schema: daysQuery }) query: DaysQuery): Promise<Page<ListedDay>> {
    return this.books.days(query);
  }

  /** Credit made for an account, or taken from what it has free. */
  @Post('adjustments')
  @AdminRoute({ role: 'operator', answers: adjusted, changes: true })
  adjust(
    @CurrentAdmin() admin: AdminCaller,
    @Body({ schema: adjustRequest }) { account, amount, reason }: AdjustRequest,
  ): Promise<Adjusted> {
    return this.changes.run(admin, reason, async (db, nowMs) => {
      if (!(await db.existsBy(AccountEntity, { id: account }))) throw new ProtocolError('account_unknown');
      const adjustmentId = uuidV7<string>(nowMs, randomBytes(10));
      const own = purseOf('available', account);
      const given = BigInt(amount);
      const [debit, credit]: [LedgerAccount, LedgerAccount] = given > 0n ? [ISSUANCE, own] : [own, ISSUANCE];
      const moved = given > 0n ? given : -given;
      const movement = adjustMovement({ id: adjustmentId, debit, credit, amount: moved, reason });
      await this.live.ledger.post(db, [movement], nowMs);
      const available = await this.live.ledger.balanceOf(db, own);
      return {
        answer: { adjustmentId, account, available: available.toString() },
        logged: { action: 'ledger.adjust', subject: `account/${account}`, details: { adjustmentId, amount } },
      };
    });
  }
}
