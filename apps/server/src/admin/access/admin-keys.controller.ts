// GET /v1/admin/keys, POST /v1/admin/keys/{keyId}/revoke. Keys are made on the broker's machine only.
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { MakeChange } from '../changes/make-change.js';
import { type ReasonOnly, reasonOnly } from '../changes/reason-field.js';
import { type AdminCaller, CurrentAdmin } from './admin-caller.js';
import { listAdminKeys, revokeAdminKey } from './admin-keys.js';
import { AdminRoute } from './admin-route.js';
import { type ListedAdminKey, listedAdminKey, listedAdminKeyFrom } from './listed-admin-key.js';

const adminKeyList = z.strictObject({ items: z.array(listedAdminKey) });

@Controller('v1/admin/keys')
export class AdminKeysController {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly changes: MakeChange,
  ) {}

  @Get()
  @AdminRoute({ role: 'operator', answers: adminKeyList })
  async list(): Promise<z.infer<typeof adminKeyList>> {
    return { items: (await listAdminKeys(this.database.reads)).map(listedAdminKeyFrom) };
  }

  @Post(':keyId/revoke')
  @AdminRoute({ role: 'operator', answers: listedAdminKey, changes: true })
  revoke(
    @CurrentAdmin() admin: AdminCaller,
    @Param('keyId') keyId: string,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<ListedAdminKey> {
    return this.changes.run(admin, reason, async (db, nowMs) => {
      const key = await revokeAdminKey(db, keyId, nowMs);
      const isNew = key.revokedAtMs === nowMs;
      const logged = { action: 'admin-key.revoke', subject: `admin-key/${key.id}`, details: { name: key.name } };
      return { answer: listedAdminKeyFrom(key), logged: isNew ? logged : null };
    });
  }
}
