// GET /assets/style.css
import { Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ASSET_LIFE_SECONDS } from './limits.js';
import { STYLE } from './style.js';
import { WebController } from './web-controller.js';

@WebController('assets')
export class AssetsController {
  @Get('style.css')
  style(@Res() reply: FastifyReply): void {
    void reply
      .headers({
        'content-type': 'text/css; charset=utf-8',
        'cache-control': `public, max-age=${ASSET_LIFE_SECONDS}, immutable`,
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
      })
      .send(STYLE);
  }
}
