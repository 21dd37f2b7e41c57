// What every route of the admin interface declares, in one place: which role it needs and what it answers.
import { applyDecorators, HttpCode } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBearerAuth, ApiExcludeEndpoint, ApiHeader, ApiOkResponse } from '@nestjs/swagger';
import type { z } from 'zod';
import { Answers } from '../../control/answers.js';
import { ADMIN_ROLES, type AdminRole } from './admin-role.js';

export interface AdminRouteWords {
  /** The least role that may ask. */
  readonly role: AdminRole;
  /** Schema of the answer, or the media type of one that is no JSON. */
  readonly answers: z.ZodType | 'text/csv' | 'text/plain';
  /** It changes something: it may come again under the same Idempotency-Key. */
  readonly changes?: boolean;
}

/** The role stands in the listener's own table of routes: a route without one is found there, and refused. */
export function AdminRoute({ role, answers, changes = false }: AdminRouteWords): MethodDecorator {
  const answer =
    typeof answers === 'string'
      ? [HttpCode(200), ApiOkResponse({ content: { [answers]: { schema: { type: 'string' } } } })]
      : [Answers(answers)];
  const header = changes
    ? [ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same request again is done once.' })]
    : [];
  return applyDecorators(RouteConfig({ adminRole: role }), ApiBearerAuth(), ...answer, ...header);
}

/**
 * For the few routes that stand open: the console's page and files, which hold no data, and its sign-in. Each must also stand
 * in OPEN_ROUTES, or the broker does not start.
 */
export function OpenAdminRoute(): MethodDecorator {
  return applyDecorators(RouteConfig({ adminOpen: true }), ApiExcludeEndpoint());
}

/** config   of a route, as the listener has it */
export function isOpenRoute(config: unknown): boolean {
  return ((config ?? {}) as { adminOpen?: unknown }).adminOpen === true;
}

/** config   of a route, as the listener has it */
export function neededRole(config: unknown): AdminRole | undefined {
  const { adminRole } = (config ?? {}) as { adminRole?: unknown };
  return ADMIN_ROLES.find((role) => role === adminRole);
}
