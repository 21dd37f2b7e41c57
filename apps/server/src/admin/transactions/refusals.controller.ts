// GET /v1/admin/refusals: what peers were denied, and by whom, counted by the hour; newest hour first
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { formatTime, peerIdField, requesterField, timeField } from '#protocol';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { AdminRoute } from '../access/admin-route.js';
import { LiveBroker } from '../live-broker.js';
import { type Page, pageFields, pageOf, timeInQuery } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';

const REPORTERS = ['client', 'host', 'broker'] as const;

const refusalsQuery = z.strictObject({
  host: peerIdField.optional(),
  client: requesterField.optional(),
  reporter: z.enum(REPORTERS).optional(),
  op: z.string().max(32).optional(),
  code: z.string().max(64).optional(),
  since: timeInQuery.optional(),
  until: timeInQuery.optional(),
  ...pageFields,
});
type RefusalsQuery = z.infer<typeof refusalsQuery>;

const listedRefusal = z.strictObject({
  /** Begin of the hour in which it was counted. */
  hour: timeField,
  /** Who asked; null for one that is not enrolled. */
  clientId: z.string().nullable(),
  hostId: z.string().nullable(),
  reporter: z.enum(REPORTERS),
  op: z.string().nullable(),
  code: z.string(),
  count: z.int().min(1),
  lastAt: timeField,
});
type ListedRefusal = z.infer<typeof listedRefusal>;

interface RefusalRow {
  hour_ms: number | string;
  client_id: string;
  host_id: string;
  reporter: ListedRefusal['reporter'];
  op: string;
  code: string;
  failures: number | string;
  last_at_ms: number | string;
}

@Controller('v1/admin/refusals')
export class AdminRefusalsController {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly live: LiveBroker,
  ) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: pageOf(listedRefusal) })
  async list(@Query({ schema: refusalsQuery }) query: RefusalsQuery): Promise<Page<ListedRefusal>> {
    // What is still counted in memory belongs to the answer.
    if (query.after === undefined) await this.live.refusals.write();
    const list = {
      select: 'SELECT * FROM peer_failures',
      filters: [
        ['host_id = ?', query.host],
        ['client_id = ?', query.client],
        ['reporter = ?', query.reporter],
        ['op = ?', query.op],
        ['code = ?', query.code],
        ['last_at_ms >= ?', query.since],
        ['hour_ms < ?', query.until],
      ],
      order: [
        { column: 'hour_ms', kind: 'number' },
        { column: 'host_id', kind: 'text' },
        { column: 'client_id', kind: 'text' },
        { column: 'reporter', kind: 'text' },
        { column: 'op', kind: 'text' },
        { column: 'code', kind: 'text' },
      ],
      newestFirst: true,
    } as const;
    return readPage<RefusalRow, ListedRefusal>(this.database.reads, list, query, listedFrom);
  }
}

function listedFrom(row: RefusalRow): ListedRefusal {
  return {
    hour: formatTime(Number(row.hour_ms)),
    clientId: row.client_id === '' ? null : row.client_id,
    hostId: row.host_id === '' ? null : row.host_id,
    reporter: row.reporter,
    op: row.op === '' ? null : row.op,
    code: row.code,
    count: Number(row.failures),
    lastAt: formatTime(Number(row.last_at_ms)),
  };
}
