// What audits have found out, for all who ask; it needs nothing of those who audit.
import { Module } from '@nestjs/common';
import { AuditRecords } from './audit-records.js';
import { AuditStandings } from './audit-standing.js';

@Module({
  providers: [AuditRecords, AuditStandings],
  exports: [AuditRecords, AuditStandings],
})
export class AuditStandingModule {}
