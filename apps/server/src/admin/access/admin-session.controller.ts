// POST /v1/admin/session: an admin key becomes a cookie; DELETE /v1/admin/session: the cookie is worth nothing any more
import { Body, Controller, Delete, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Clock } from '#process';
import { formatTime, ProtocolError, timeField } from '#protocol';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { RemoteAddress } from '../../platform/remote-address.js';
import { adminCookieOf, clearAdminCookie, setAdminCookie } from './admin-cookie.js';
import { AdminOrigin } from './admin-origin.js';
import { ADMIN_ROLES } from './admin-role.js';
import { AdminRoute, OpenAdminRoute } from './admin-route.js';
import { endAdminSession } from './admin-sessions.js';
import { AdminSignIn } from './admin-sign-in.js';

const signInRequest = z.strictObject({ key: z.string().max(128) });
type SignInRequest = z.infer<typeof signInRequest>;

const signedIn = z.strictObject({
  keyId: z.string(),
  name: z.string(),
  role: z.enum(ADMIN_ROLES),
  /** Of the session. */
  expiresAt: timeField,
});

const signedOut = z.strictObject({ signedOut: z.boolean() });

@Controller('v1/admin/session')
export class AdminSessionController {
  constructor(
    private readonly signIn: AdminSignIn,
    private readonly database: BrokerDatabase,
    private readonly origin: AdminOrigin,
    private readonly remoteAddress: RemoteAddress,
    private readonly clock: Clock,
  ) {}

  /** From the console's own page only: another page must not sign a browser in as somebody else. */
  @Post()
  @HttpCode(200)
  @OpenAdminRoute()
  async begin(
    @Req() request: FastifyRequest,
    @Body({ schema: signInRequest }) { key: text }: SignInRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof signedIn>> {
    if (!this.origin.isOwnPage(request)) throw new ProtocolError('origin_foreign');
    const { key, session } = await this.signIn.run(text, this.remoteAddress.networkOf(request));
    setAdminCookie(reply, session.secret, session.expiresAtMs - this.clock.nowMs());
    return { keyId: key.id, name: key.name, role: key.role, expiresAt: formatTime(session.expiresAtMs) };
  }

  /** `signedOut` is false for whoever came with a key: that stays what it is. */
  @Delete()
  @AdminRoute({ role: 'viewer', answers: signedOut })
  async end(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof signedOut>> {
    const secret = adminCookieOf(request);
    if (secret === null) return { signedOut: false };
    await this.database.write((db) => endAdminSession(db, secret));
    clearAdminCookie(reply);
    return { signedOut: true };
  }
}
