// GET /: what this broker is, and how to take part
import { Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../platform/settings.js';
import { WebAddress } from '../platform/web-address.js';
import { Sessions } from '../sessions/sessions.js';
import { sessionCookieOf } from './cookies.js';
import { html } from './html.js';
import { page, sendPage } from './page.js';
import { WebController } from './web-controller.js';

@WebController()
export class LandingController {
  constructor(
    private readonly settings: Settings,
    private readonly webAddress: WebAddress,
    private readonly sessions: Sessions,
  ) {}

  @Get()
  async get(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const session = await this.sessions.find(sessionCookieOf(request));
    const body = html`<p>This is the broker of <strong>${this.settings.trustDomain}</strong>: it brings machines together that keep
each other’s backups. It knows who stores what, and holds no data itself.</p>
${
  session === null &&
  html`<p><a href="/register">Register</a> to back up your machines or to donate space, or <a href="/sign-in">sign in</a>.</p>`
}
<h2>Add a machine</h2>
<p>Give Peerkeep on that machine this join link. It names this broker and pins its certificate.</p>
<p><code>${this.webAddress.joinLink}</code></p>`;
    sendPage(reply, page({ title: 'Backups among people', session, body }));
  }
}
