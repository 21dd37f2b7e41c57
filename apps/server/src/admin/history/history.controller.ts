// GET /v1/admin/history: how the network was, oldest first
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { formatTime, ProtocolError, timeField } from '#protocol';
import { SAMPLE_STEPS, SAMPLED_STATES } from '../../history/network-sample.js';
import { type SampleRow, SELECT_SAMPLES, sampleFrom } from '../../history/sample-rows.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { AdminRoute } from '../access/admin-route.js';
import { type Page, pageFields, pageOf, timeInQuery } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';

const historyQuery = z.strictObject({
  /** The first time that is told, and the first that is not. */
  from: timeInQuery.optional(),
  to: timeInQuery.optional(),
  step: z.enum(SAMPLE_STEPS).optional().meta({ description: '`hour` when left out' }),
  ...pageFields,
});
type HistoryQuery = z.infer<typeof historyQuery>;

const count = z.int().min(0);
/** More than a number holds exactly. */
const amount = z.string().regex(/^-?\d+$/);

const toldSample = z.strictObject({
  /** When the hour, or the day (of UTC), began. */
  at: timeField,
  peers: z.strictObject(Object.fromEntries(SAMPLED_STATES.map((state) => [state, count]))),
  onlineHosts: count,
  donatedBytes: amount,
  usedBytes: amount,
  objects: count,
  /** Of a day: the most at any time. */
  objectsAtRisk: count,
  repairsWaiting: count,
  /** In this hour, or on this day. */
  auditsPassed: count,
  auditsFailed: count,
  creditEarned: amount,
  creditUsed: amount,
  /** Null where nothing was measured yet. */
  lossesPerHostYear: z.number().min(0).nullable(),
});
type ToldSample = z.infer<typeof toldSample>;

@Controller('v1/admin/history')
export class AdminHistoryController {
  constructor(private readonly database: BrokerDatabase) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: pageOf(toldSample) })
  get(@Query({ schema: historyQuery }) query: HistoryQuery): Promise<Page<ToldSample>> {
    const { from, to, step = 'hour' } = query;
    if (from !== undefined && to !== undefined && from >= to) {
      throw new ProtocolError('request_invalid', {}, { detail: 'from: not before to' });
    }
    const list = {
      select: SELECT_SAMPLES,
      filters: [
        ['step = ?', step],
        ['at_ms >= ?', from],
        ['at_ms < ?', to],
      ],
      order: [{ column: 'at_ms', kind: 'number' }],
    } as const;
    return readPage<SampleRow, ToldSample>(this.database.reads, list, query, told);
  }
}

function told(row: SampleRow): ToldSample {
  const sample = sampleFrom(row);
  return {
    at: formatTime(Number(row.at_ms)),
    peers: sample.peers,
    onlineHosts: sample.onlineHosts,
    donatedBytes: sample.donatedBytes.toString(),
    usedBytes: sample.usedBytes.toString(),
    objects: sample.objects,
    objectsAtRisk: sample.objectsAtRisk,
    repairsWaiting: sample.repairsWaiting,
    auditsPassed: sample.auditsPassed,
    auditsFailed: sample.auditsFailed,
    creditEarned: sample.creditEarned.toString(),
    creditUsed: sample.creditUsed.toString(),
    lossesPerHostYear: sample.lossesPerHostYear,
  };
}
