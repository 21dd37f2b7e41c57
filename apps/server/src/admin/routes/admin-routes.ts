// Every route of the admin listener with the role that it needs, as the listener itself has them.
import { strict as assert } from 'node:assert';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { type AdminRole, hasRole } from '../access/admin-role.js';
import { isOpenRoute, neededRole } from '../access/admin-route.js';

export interface AdminRouteEntry {
  readonly method: string;
  /** `/v1/admin/peers/:peerId` */
  readonly path: string;
  readonly role: AdminRole;
}

/** What is open to everybody who reaches the listener. Another route that declares no role stops the broker at its start. */
export const OPEN_ROUTES: readonly string[] = [
  // The console's page and its files: a program that everybody may have, and no data.
  'GET /console',
  'GET /console/:page',
  'GET /console/:page/:id',
  'GET /assets/console/:file',
  // Where an admin key is exchanged for a cookie.
  'POST /v1/admin/session',
];

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
      if (isOpenRoute(config)) return [];
      const role = neededRole(config);
      assert(role !== undefined, `${url} declares no role`);
      return [method].flat().map((one) => ({ method: one, path: url, role }));
    });
  }

  /** `GET /console`: those that need no key, which are the ones of OPEN_ROUTES and no others. */
  get open(): string[] {
    const open = this.heard
      .filter(({ config }) => isOpenRoute(config))
      .flatMap(({ method, url }) => [method].flat().map((one) => `${one} ${url}`));
    for (const route of open) assert(OPEN_ROUTES.includes(route.replace(/^HEAD /, 'GET ')), `${route} is open to all`);
    return open;
  }

  allowedTo(role: AdminRole): AdminRouteEntry[] {
    return this.all.filter((route) => hasRole(role, route.role));
  }
}
