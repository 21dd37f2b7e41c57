// Every route of the admin listener with the role that it needs, as the listener itself has them.
import { strict as assert } from 'node:assert';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { type AdminRole, hasRole } from '../access/admin-role.js';
import { neededRole } from '../access/admin-route.js';

export interface AdminRouteEntry {
  readonly method: string;
  /** `/v1/admin/peers/:peerId` */
  readonly path: string;
  readonly role: AdminRole;
}

export class AdminRoutes {
  private readonly heard: RouteOptions[] = [];

  /** Call before the routes are registered: what the listener takes is heard from the listener. */
  hear(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', (route) => {
      this.heard.push(route);
    });
  }

  /** A route that declares no role is a mistake of ours, and the broker does not start. */
  get all(): AdminRouteEntry[] {
    return this.heard.flatMap(({ method, url, config }) => {
      const role = neededRole(config);
      assert(role !== undefined, `${url} declares no role`);
      return [method].flat().map((one) => ({ method: one, path: url, role }));
    });
  }

  allowedTo(role: AdminRole): AdminRouteEntry[] {
    return this.all.filter((route) => hasRole(role, route.role));
  }
}
