// The ledger: what storing costs and hosting earns.
import { Module } from '@nestjs/common';
import { ShardCharges } from '../transactions/shard-charges.js';
import { ArchiveEntries } from './archive-entries.js';
import { Ledger } from './ledger.js';

@Module({
  providers: [Ledger, ShardCharges, ArchiveEntries],
  exports: [Ledger, ShardCharges, ArchiveEntries],
})
export class LedgerModule {}
