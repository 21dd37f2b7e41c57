// GET /v1/admin/health
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { ProtocolError } from '#protocol';
import { type AdminCaller, CurrentAdmin } from '../access/admin-caller.js';
import { hasRole } from '../access/admin-role.js';
import { AdminRoute } from '../access/admin-route.js';
import { HEALTH_STATES, type Health, TellHealth } from './tell-health.js';

/** `deep`: also what goes through the whole ledger and the whole log. */
const healthQuery = z.strictObject({ deep: z.enum(['true', 'false']).optional() });
type HealthQuery = z.infer<typeof healthQuery>;

/** Whoever only looks does not make the broker read all that it has. */
const DEEP_ROLE = 'support';

const state = z.enum(HEALTH_STATES);
const health = z.strictObject({
  state,
  parts: z.array(z.strictObject({ part: z.string(), state, cause: z.string().nullable() })),
});

@Controller('v1/admin/health')
export class AdminHealthController {
  constructor(private readonly tellHealth: TellHealth) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: health })
  get(@CurrentAdmin() { key }: AdminCaller, @Query({ schema: healthQuery }) { deep }: HealthQuery): Promise<Health> {
    if (deep === 'true' && !hasRole(key.role, DEEP_ROLE)) {
      throw new ProtocolError('admin_role_missing', { role: key.role, needed: DEEP_ROLE });
    }
    return this.tellHealth.run({ isDeep: deep === 'true' });
  }
}
