// GET /v1/admin/log, GET /v1/admin/log/check
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { formatTime, timeField } from '#protocol';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { AdminRoute } from '../access/admin-route.js';
import { type Page, pageFields, pageOf, timeInQuery } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';
import { type CheckedLog, checkLog, type LogRow } from './check-log.js';

const logQuery = z.strictObject({
  actor: z.string().max(64).optional(),
  action: z.string().max(64).optional(),
  subject: z.string().max(128).optional(),
  since: timeInQuery.optional(),
  ...pageFields,
});
type LogQuery = z.infer<typeof logQuery>;

const listedEntry = z.strictObject({
  seq: z.int().min(1),
  at: timeField,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  reason: z.string(),
  details: z.record(z.string(), z.unknown()),
  hash: z.string(),
});
type ListedEntry = z.infer<typeof listedEntry>;

const checkedLog = z.strictObject({ entries: z.int().min(0), head: z.string(), faults: z.array(z.string()) });

@Controller('v1/admin/log')
export class LogController {
  constructor(private readonly database: BrokerDatabase) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: pageOf(listedEntry) })
  list(@Query({ schema: logQuery }) query: LogQuery): Promise<Page<ListedEntry>> {
    const { actor, action, subject, since } = query;
    const list = {
      select: 'SELECT * FROM admin_log',
      filters: [
        ['actor = ?', actor],
        ['action = ?', action],
        ['subject = ?', subject],
        ['at_ms >= ?', since],
      ],
      order: [{ column: 'seq', kind: 'number' }],
      newestFirst: true,
    } as const;
    return readPage<LogRow, ListedEntry>(this.database.reads, list, query, listedEntryFrom);
  }

  @Get('check')
  @AdminRoute({ role: 'support', answers: checkedLog })
  check(): Promise<CheckedLog> {
    return checkLog(this.database.reads);
  }
}

function listedEntryFrom({ seq, at_ms, actor, action, subject, reason, details, hash }: LogRow): ListedEntry {
  const told = JSON.parse(details) as ListedEntry['details'];
  return { seq: Number(seq), at: formatTime(Number(at_ms)), actor, action, subject, reason, details: told, hash };
}
