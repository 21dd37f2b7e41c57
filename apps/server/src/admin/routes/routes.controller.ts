// GET /v1/admin: who asks, and what that key may do; GET /v1/admin/openapi.json: all that anybody may do
import { Controller, Get } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { formatTime, timeField } from '#protocol';
import { type AdminCaller, CurrentAdmin } from '../access/admin-caller.js';
import { ADMIN_ROLES } from '../access/admin-role.js';
import { AdminRoute } from '../access/admin-route.js';
import { AdminDocument } from './admin-document.js';
import { AdminRoutes } from './admin-routes.js';

const role = z.enum(ADMIN_ROLES);
const self = z.strictObject({
  keyId: z.string(),
  name: z.string(),
  role,
  expiresAt: timeField,
  routes: z.array(z.strictObject({ method: z.string(), path: z.string(), role })),
});

@Controller('v1/admin')
export class RoutesController {
  constructor(
    private readonly routes: AdminRoutes,
    private readonly document: AdminDocument,
  ) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: self })
  self(@CurrentAdmin() { key }: AdminCaller): z.infer<typeof self> {
    const { id: keyId, name, role, expiresAtMs } = key;
    return { keyId, name, role, expiresAt: formatTime(expiresAtMs), routes: this.routes.allowedTo(role) };
  }

  @Get('openapi.json')
  @AdminRoute({ role: 'viewer', answers: z.looseObject({ openapi: z.string() }) })
  describe(): OpenAPIObject | null {
    return this.document.document;
  }
}
