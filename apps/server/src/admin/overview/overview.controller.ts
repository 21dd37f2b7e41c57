// GET /v1/admin/overview
import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';
import { peerStateField, timeField } from '#protocol';
import { AdminRoute } from '../access/admin-route.js';
import { type Overview, TellOverview } from './tell-overview.js';

const count = z.int().min(0);
const amount = z.string().regex(/^\d+$/);

const overview = z.strictObject({
  at: timeField,
  peers: z.record(peerStateField, count),
  onlineHosts: count,
  /** What hosts share and use, and what is free on those that are online: bytes. */
  donatedBytes: amount,
  usedBytes: amount,
  freeBytes: amount,
  accounts: count,
  objects: count,
  objectsAtRisk: count,
  /** Of this day (UTC), by outcome. */
  auditsToday: z.record(z.string(), count),
  /** Of the last full hour and this one: the most frequent first. */
  refusals: z.array(z.strictObject({ code: z.string(), count, lastAt: timeField })),
});

@Controller('v1/admin/overview')
export class OverviewController {
  constructor(private readonly tellOverview: TellOverview) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: overview })
  get(): Promise<Overview> {
    return this.tellOverview.run();
  }
}
