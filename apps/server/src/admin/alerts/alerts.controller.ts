// GET /v1/admin/alerts: what the operator was told of, newest first
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { formatTime, timeField } from '#protocol';
import { ALERT_KINDS, ALERT_WORDS, type AlertKind } from '../../alerts/alert-kinds.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { AdminRoute } from '../access/admin-route.js';
import { type Page, pageFields, pageOf } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';

const STATES = ['active', 'ended'] as const;

const alertsQuery = z.strictObject({
  state: z.enum(STATES).optional(),
  kind: z.enum(ALERT_KINDS).optional(),
  ...pageFields,
});
type AlertsQuery = z.infer<typeof alertsQuery>;

const listedAlert = z.strictObject({
  alertId: z.string(),
  kind: z.enum(ALERT_KINDS),
  title: z.string(),
  detail: z.string(),
  state: z.enum(STATES),
  beganAt: timeField,
  endedAt: timeField.nullable(),
});
type ListedAlert = z.infer<typeof listedAlert>;

interface AlertRow {
  id: string;
  kind: AlertKind;
  detail: string;
  began_at_ms: number | string;
  ended_at_ms: number | string | null;
}

const OF_STATE: Readonly<Record<(typeof STATES)[number], string>> = {
  active: 'ended_at_ms IS NULL',
  ended: 'ended_at_ms IS NOT NULL',
};

@Controller('v1/admin/alerts')
export class AdminAlertsController {
  constructor(private readonly database: BrokerDatabase) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: pageOf(listedAlert) })
  get(@Query({ schema: alertsQuery }) query: AlertsQuery): Promise<Page<ListedAlert>> {
    const { state, kind } = query;
    const list = {
      select: 'SELECT id, kind, detail, began_at_ms, ended_at_ms FROM alerts',
      filters: [['kind = ?', kind], ...(state === undefined ? [] : [[OF_STATE[state]] as const])],
      order: [{ column: 'id', kind: 'text' }],
      newestFirst: true,
    } as const;
    return readPage<AlertRow, ListedAlert>(this.database.reads, list, query, (row) => ({
      alertId: row.id,
      kind: row.kind,
      title: ALERT_WORDS[row.kind].title,
      detail: row.detail,
      state: row.ended_at_ms === null ? 'active' : 'ended',
      beganAt: formatTime(Number(row.began_at_ms)),
      endedAt: row.ended_at_ms === null ? null : formatTime(Number(row.ended_at_ms)),
    }));
  }
}
