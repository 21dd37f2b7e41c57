// Stands before every route of the admin interface: how often, from which page, with which key, in which role.
import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { parseJson } from '../../control/message.guard.js';
import { NetworkRates } from '../../enrolment/network-rates.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { RemoteAddress } from '../../platform/remote-address.js';
import { Settings } from '../../platform/settings.js';
import { IDEMPOTENCY_KEY_CHARS_MAX } from '../limits.js';
import { setAdmin } from './admin-caller.js';
import { adminCookieOf } from './admin-cookie.js';
import { type AdminKey, findAdminKey } from './admin-keys.js';
import { AdminOrigin } from './admin-origin.js';
import { hasRole } from './admin-role.js';
import { isOpenRoute, neededRole } from './admin-route.js';
import { findSignedInKey } from './admin-sessions.js';

const IDEMPOTENCY_KEY = new RegExp(`^[\\x21-\\x7e]{1,${IDEMPOTENCY_KEY_CHARS_MAX}}$`);

@Injectable()
export class AdminGuard implements CanActivate {
  private readonly networkRates: NetworkRates;
  private readonly keyRates: NetworkRates;

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly remoteAddress: RemoteAddress,
    private readonly origin: AdminOrigin,
    settings: Settings,
  ) {
    const { networkRequestsPerMinute, requestsPerMinute } = settings.policy.admin;
    this.networkRates = new NetworkRates(networkRequestsPerMinute);
    this.keyRates = new NetworkRates(requestsPerMinute);
  }

  /** throws rate_exceeded | overloaded | origin_foreign | admin_key_invalid | admin_role_missing | request_invalid */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { config } = request.routeOptions;
    const needed = neededRole(config);
    assert(needed !== undefined || isOpenRoute(config), 'every route of the admin interface declares its role');
    this.networkRates.count(this.remoteAddress.networkOf(request), this.clock.monotonicMs());
    if (this.origin.isForeign(request.headers.origin)) throw new ProtocolError('origin_foreign');
    if (needed === undefined) {
      request.body = parseJson(bodyOf(request));
      return true;
    }
    const key = await this.authenticate(request);
    this.keyRates.count(key.id, this.clock.monotonicMs());
    if (!hasRole(key.role, needed)) throw new ProtocolError('admin_role_missing', { role: key.role, needed });

    const body = bodyOf(request);
    const idempotencyKey = idempotencyKeyOf(request);
    setAdmin(request, { key, idempotencyKey, requestHash: hashOf(request, body) });
    request.body = parseJson(body);
    return true;
  }

  /** By a key, as programs do; or by the cookie of a browser in which one is signed in, from pages of ours alone. */
  private async authenticate(request: FastifyRequest): Promise<AdminKey> {
    const { authorization } = request.headers;
    const found = authorization === undefined ? await this.signedIn(request) : await this.keyIn(authorization);
    if (found === null) throw new ProtocolError('admin_key_invalid');
    return found;
  }

  private async keyIn(authorization: string): Promise<AdminKey | null> {
    const [, key] = /^Bearer ([\w-]+)$/i.exec(authorization) ?? [];
    return key === undefined ? null : findAdminKey(this.database.reads, key, this.clock.nowMs());
  }

  private async signedIn(request: FastifyRequest): Promise<AdminKey | null> {
    const secret = adminCookieOf(request);
    if (secret === null) return null;
    if (!this.origin.isOwnPage(request)) throw new ProtocolError('origin_foreign');
    return findSignedInKey(this.database.reads, secret, this.clock.nowMs());
  }
}

function bodyOf({ body }: FastifyRequest): Uint8Array {
  if (body !== undefined && !(body instanceof Uint8Array)) throw notJson();
  return body ?? new Uint8Array(0);
}

function idempotencyKeyOf({ headers }: FastifyRequest): string | null {
  const told = headers['idempotency-key'];
  if (told === undefined) return null;
  if (typeof told === 'string' && IDEMPOTENCY_KEY.test(told)) return told;
  const detail = `Idempotency-Key is not 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} printable characters without spaces`;
  throw new ProtocolError('request_invalid', {}, { detail });
}

/** Each part is followed by its end, so that none can reach into the next. */
function hashOf({ method, url }: FastifyRequest, body: Uint8Array): string {
  return createHash('sha256').update(`${method}\n${url}\n`).update(body).digest('base64url');
}

function notJson(): ProtocolError {
  return new ProtocolError('request_invalid', {}, { detail: 'the body is not JSON' });
}
