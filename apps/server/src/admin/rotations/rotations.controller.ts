// GET /v1/admin/key-rotations, POST /v1/admin/key-rotations: another key-encryption key
import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { formatTime, timeField } from '#protocol';
import { insertRotation } from '../../keys/key-rotations.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { type AdminCaller, CurrentAdmin } from '../access/admin-caller.js';
import { AdminRoute } from '../access/admin-route.js';
import { MakeChange } from '../changes/make-change.js';
import { type ReasonOnly, reasonOnly } from '../changes/reason-field.js';
import { type Page, pageFields, pageOf } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';

const rotationsQuery = z.strictObject(pageFields);
type RotationsQuery = z.infer<typeof rotationsQuery>;

const listedRotation = z.strictObject({
  rotationId: z.string(),
  requestedAt: timeField,
  /** Public name of the key-encryption key that it leads to; null before it has begun. */
  keyId: z.string().nullable(),
  /** Secrets sealed anew. */
  rewrapped: z.int().min(0),
  finishedAt: timeField.nullable(),
});
type ListedRotation = z.infer<typeof listedRotation>;

interface RotationRow {
  id: string;
  requested_at_ms: number | string;
  key_id: string | null;
  rewrapped: number | string;
  finished_at_ms: number | string | null;
}

@Controller('v1/admin/key-rotations')
export class RotationsController {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly changes: MakeChange,
  ) {}

  @Get()
  @AdminRoute({ role: 'support', answers: pageOf(listedRotation) })
  list(@Query({ schema: rotationsQuery }) query: RotationsQuery): Promise<Page<ListedRotation>> {
    const list = {
      select: 'SELECT * FROM key_rotations',
      filters: [],
      order: [{ column: 'id', kind: 'text' }],
      newestFirst: true,
    } as const;
    return readPage<RotationRow, ListedRotation>(this.database.reads, list, query, listedFrom);
  }

  /** The broker begins within a second; the list tells how far it is. */
  @Post()
  @AdminRoute({ role: 'operator', answers: listedRotation, changes: true })
  ask(
    @CurrentAdmin() admin: AdminCaller,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<ListedRotation> {
    return this.changes.run(admin, reason, async (db, nowMs) => {
      const rotationId = await insertRotation(db, nowMs);
      return {
        answer: { rotationId, requestedAt: formatTime(nowMs), keyId: null, rewrapped: 0, finishedAt: null },
        logged: { action: 'key-rotation.ask', subject: `key-rotation/${rotationId}`, details: {} },
      };
    });
  }
}

function listedFrom(row: RotationRow): ListedRotation {
  return {
    rotationId: row.id,
    requestedAt: formatTime(Number(row.requested_at_ms)),
    keyId: row.key_id,
    rewrapped: Number(row.rewrapped),
    finishedAt: row.finished_at_ms === null ? null : formatTime(Number(row.finished_at_ms)),
  };
}
